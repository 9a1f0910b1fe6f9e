use serde::Serialize;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind},
    store::{Begun, Generation, NewSession},
    token::KeyThumbprint,
    user::User,
};

use super::{
    error::IssueError,
    event::Event,
    issuer::{Inner, Issuer},
    label::clean_label,
    mint::SessionClaims,
    random::random_id,
    tokens::Tokens,
};

/// The start of a login, before the credentials are checked. See [`Issuer::start_login`].
#[derive(Clone, Copy, Debug)]
#[must_use]
pub struct LoginStart {
    pub(super) generation: Option<Generation>,
    pub(super) amr: &'static [&'static str],
    pub(super) acr: Option<&'static str>,
    /// The key to which the tokens will be bound.
    pub(super) key: Option<KeyThumbprint>,
}

impl LoginStart {
    /// A login whose start nobody remembers.
    const UNKNOWN: Self = Self { generation: None, amr: &[], acr: None, key: None };

    /// Sets how the user is authenticated, for the claim [`amr`](crate::Claims::amr) of the tokens.
    /// [RFC 8176] lists the values, such as `hwk` for a passkey. Default: the tokens have no `amr`.
    ///
    /// ```
    /// use tower_jwt_auth::{Algorithm, Issuer, SigningKey, token::NoClaims, user::User};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?).build()?;
    /// let start = issuer.start_login().await?.with_amr(&["hwk", "user"]);
    /// // Verify the passkey here.
    /// let ada = User::new(42, NoClaims::default());
    /// let tokens = issuer.finish_login(start, &ada, None).await?;
    /// assert!(issuer.verifier().verify(tokens.access())?.has_amr("hwk"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [RFC 8176]: https://www.rfc-editor.org/rfc/rfc8176#section-2
    pub const fn with_amr(mut self, methods: &'static [&'static str]) -> Self {
        self.amr = methods;
        self
    }

    /// Sets how strongly the user is authenticated, for the claim [`acr`](crate::Claims::acr) of the
    /// tokens: the name of a class that you define, or one that is
    /// [registered](https://www.iana.org/assignments/loa-profiles). Default: the tokens have no `acr`.
    pub const fn with_acr(mut self, class: &'static str) -> Self {
        self.acr = Some(class);
        self
    }

    /// Binds the tokens to the key with this thumbprint.
    #[cfg(feature = "routes")]
    pub(crate) fn bound_to(self, key: Option<KeyThumbprint>) -> Self {
        Self { key, ..self }
    }
}

impl<C, R> Issuer<C, R> {
    /// Starts a login. Call it before the user's credentials are checked, and
    /// [`finish_login`](Self::finish_login) afterwards.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](AuthErrorKind::Unavailable) if the store did not respond.
    pub async fn start_login(&self) -> Result<LoginStart, AuthError> {
        let generation = match &self.0.store {
            Some(store) => Some(store.generation().await?),
            None => None,
        };
        Ok(LoginStart { generation, ..LoginStart::UNKNOWN })
    }

    /// Starts a login by password.
    #[cfg(feature = "routes")]
    pub(crate) async fn start_password_login(&self) -> Result<LoginStart, AuthError> {
        let start = self.start_login().await?;
        Ok(if self.0.password_amr { start.with_amr(&["pwd"]) } else { start })
    }
}

impl<C: Serialize, R: Serialize> Issuer<C, R> {
    /// Begins a session for a user whose credentials have been checked.
    ///
    /// A revocation of the user during that check goes unnoticed. To notice it, use
    /// [`start_login`](Self::start_login).
    ///
    /// # Errors
    ///
    /// - [`UserInactive`](AuthErrorKind::UserInactive) for an inactive user.
    /// - [`Unavailable`](AuthErrorKind::Unavailable) if the store did not respond.
    /// - [`Misconfigured`](AuthErrorKind::Misconfigured) if the claims are not a JSON object or
    ///   have the name of a registered claim, a scope has a character that [RFC 6749] does not
    ///   allow, the user id is empty, longer than 255 bytes or has a null character, or a token would
    ///   be longer than [`max_token_len`](super::IssuerBuilder::max_token_len). The
    ///   [source](std::error::Error::source) of the error names the reason.
    ///
    /// [RFC 6749]: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
    pub async fn login(&self, user: &User<C, R>) -> Result<Tokens, AuthError> {
        self.login_with_label(user, None).await
    }

    /// Logs a user in whose credentials were checked after `start`.
    ///
    /// If the user was [revoked](Self::revoke_user) in the meantime, for example because of a new
    /// password, the credentials may be out of date, and the login fails. Check them once more, from
    /// [`start_login`](Self::start_login) on. The token routes do that once, and then respond with
    /// `503`.
    ///
    /// ```
    /// use tower_jwt_auth::{
    ///     Algorithm, AuthErrorKind, Issuer, MemoryStore, SigningKey, token::NoClaims, user::User,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?)
    /// #     .store(MemoryStore::new())
    /// #     .build()?;
    /// let start = issuer.start_login().await?;
    /// // Check the credentials here.
    /// let ada = User::new(42, NoClaims::default());
    /// # issuer.revoke_user(ada.id()).await?;
    /// let error = issuer.finish_login(start, &ada, None).await.unwrap_err();
    /// assert_eq!(error.kind(), AuthErrorKind::Revoked); // The user was revoked meanwhile.
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Revoked`](AuthErrorKind::Revoked) if the user was revoked after `start`. Otherwise as
    /// [`login`](Self::login).
    pub async fn finish_login(
        &self,
        start: LoginStart,
        user: &User<C, R>,
        label: Option<&str>,
    ) -> Result<Tokens, AuthError> {
        self.begin_session(user, label, start).await
    }

    /// Like [`login`](Self::login), with a [label](crate::store::Session::label) by which the user
    /// recognizes the session, such as the name of the device.
    ///
    /// A label may come from the client, for example from `User-Agent`: control characters are
    /// removed, and it is truncated to 255 bytes. Escape it where you display it.
    ///
    /// ```
    /// use tower_jwt_auth::{
    ///     Algorithm, Issuer, MemoryStore, SigningKey, token::NoClaims, user::User,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?)
    ///     .store(MemoryStore::new())
    ///     .build()?;
    /// let ada = User::new(42, NoClaims::default());
    /// issuer.login_with_label(&ada, Some("Ada's phone")).await?;
    ///
    /// let sessions = issuer.sessions(ada.id()).await?;
    /// assert_eq!(sessions[0].label.as_deref(), Some("Ada's phone"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// As [`login`](Self::login).
    pub async fn login_with_label(
        &self,
        user: &User<C, R>,
        label: Option<&str>,
    ) -> Result<Tokens, AuthError> {
        self.begin_session(user, label, LoginStart::UNKNOWN).await
    }

    async fn begin_session(
        &self,
        user: &User<C, R>,
        label: Option<&str>,
        start: LoginStart,
    ) -> Result<Tokens, AuthError> {
        if !user.is_active() {
            return Err(AuthErrorKind::UserInactive.into());
        }
        let Inner { minter, leeway, clock, store, sessions_per_user, .. } = &*self.0;
        let now = clock.now();
        let (session_id, refresh_id) = (random_id()?, random_id()?);
        let scope = scope_claim(user, |_| true)?;
        let jkt = start.key.map(KeyThumbprint::encode);
        let session = SessionClaims {
            session_id: &session_id,
            user_id: user.id().as_str(),
            started_at: now,
            is_adopted: false,
            scope: scope.as_deref(),
            amr: start.amr,
            acr: start.acr,
            jkt: jkt.as_deref(),
        };
        let tokens = self.mint(&session, user, now, Some((&refresh_id, now)))?;
        let mut displaced = Vec::new();
        if let Some(store) = store {
            let expires_at = minter.refresh_expiry(now, now);
            let keep_until = minter.keep_session_until(expires_at, *leeway);
            let label = label.and_then(clean_label);
            let session = NewSession::new(&session_id, user.id(), &refresh_id, now)
                .with_expiry(expires_at, keep_until)
                .with_access_until(minter.keep_ended_until(now, *leeway))
                .with_generation(start.generation)
                .with_label(label.as_deref())
                .with_limit(*sessions_per_user);
            displaced = match store.begin(&session).await? {
                Begun::Started { ended } => ended,
                Begun::UserRevoked => return Err(AuthErrorKind::Revoked.into()),
            };
        }
        let user_id = user.id().as_str();
        self.emit(&Event::LoginSucceeded { user_id, session_id: &session_id });
        for session_id in &displaced {
            self.emit(&Event::SessionDisplaced { user_id, session_id });
        }
        Ok(tokens)
    }

    /// Mints an access token and, if `refresh` has its id and time of issue, a refresh token.
    pub(super) fn mint(
        &self,
        session: &SessionClaims<'_>,
        user: &User<C, R>,
        now: NumericDate,
        refresh: Option<(&str, NumericDate)>,
    ) -> Result<Tokens, AuthError> {
        let minter = &self.0.minter;
        let (access, access_expires_at) = minter.access(session, now, user.claims())?;
        let refresh = refresh.map(|(jti, issued_at)| {
            minter.refresh(session, issued_at, jti, user.epoch(), user.refresh_claims())
        });
        Ok(Tokens {
            access,
            refresh: refresh.transpose()?,
            access_expires_at,
            session_id: session.session_id.into(),
            is_bound: session.jkt.is_some(),
        })
    }
}

/// The `scope` claim with those scopes of `user` that `is_granted` allows. `None` if there are
/// none.
pub(super) fn scope_claim<C, R>(
    user: &User<C, R>,
    is_granted: impl Fn(&str) -> bool,
) -> Result<Option<String>, AuthError> {
    // RFC 6749 section 3.3.
    let allowed = |byte: u8| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    let scopes: Vec<&str> = user.scopes().filter(|scope| is_granted(scope)).collect();
    if scopes.iter().any(|scope| scope.is_empty() || !scope.bytes().all(allowed)) {
        return Err(IssueError::Scope.into());
    }
    Ok((!scopes.is_empty()).then(|| scopes.join(" ")))
}
