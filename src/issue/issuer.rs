use std::{borrow::Cow, fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    check::{Checker, refresh_session, token_ref},
    clock::{Clock, NumericDate},
    error::{AuthError, AuthErrorKind},
    store::{NewSession, SharedStore, Spend, Spent},
    token::{Claims, NoClaims, TokenType, UserId, Verifier, VerifierBuilder},
    trace::warn,
    user::{BackendError, User, UserBackend},
};

use super::{
    builder::{Listener, verifier_builder},
    event::Event,
    mint::{Minter, SessionFacts, Tokens, random_id, scope_claim},
};

/// How many bytes of a session's label are kept.
const MAX_LABEL_LEN: usize = 255;

/// Issues tokens, refreshes them with rotation, and revokes them.
///
/// `C` are the application's own claims in access tokens, `R` those in refresh tokens. A cheap
/// handle: clones share everything.
///
/// ```
/// use serde::{Deserialize, Serialize};
/// use tower_jwt_auth::{AuthErrorKind, Issuer, MemoryStore, SigningKey, user::User};
///
/// #[derive(Serialize, Deserialize)]
/// struct Profile { username: String }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = [7, 9].repeat(16);
/// let issuer = Issuer::builder(SigningKey::hs256(secret)?).claims::<Profile>()
///     .rotate_refresh_tokens(true)
///     .store(MemoryStore::new())
///     .build()?;
///
/// let ada = User::new(42, Profile { username: "ada".to_owned() });
/// let tokens = issuer.login(&ada).await?;
/// assert_eq!(issuer.verifier().verify(tokens.access())?.username, "ada");
///
/// issuer.logout(tokens.refresh().expect("a login brings one")).await?;
/// let error = issuer.verify(tokens.access()).await.unwrap_err();
/// assert_eq!(error.kind(), AuthErrorKind::Revoked);
/// # Ok(())
/// # }
/// ```
pub struct Issuer<C = NoClaims, R = NoClaims>(pub(super) Arc<Inner<C, R>>);

pub(super) struct Inner<C, R> {
    pub(super) access: Verifier<C>,
    pub(super) refresh: Verifier<R>,
    pub(super) either: Checker<NoClaims>,
    pub(super) store: Option<SharedStore>,
    pub(super) sessions_per_user: Option<NonZeroUsize>,
    pub(super) rotate: bool,
    pub(super) reuse_grace: Duration,
    pub(super) leeway: Duration,
    pub(super) clock: Clock,
    pub(super) listeners: Vec<Listener>,
    pub(super) minter: Minter,
}

impl<C, R> Issuer<C, R> {
    pub(super) fn new(inner: Inner<C, R>) -> Self {
        Self(Arc::new(inner))
    }

    /// A verifier of its access tokens, for the layer. It does not look at revocation.
    #[must_use]
    pub fn verifier(&self) -> Verifier<C> {
        self.0.access.clone()
    }

    /// Starts another verifier of its tokens, for a type or claims of their own; access tokens
    /// unless [told otherwise](VerifierBuilder::token_type).
    pub fn verifier_builder(&self) -> VerifierBuilder {
        let Inner { minter, leeway, clock, .. } = &*self.0;
        let names = (minter.issuer.as_deref(), minter.audience.as_deref());
        verifier_builder(&minter.keys, &minter.names, names, *leeway, clock)
    }

    /// Whether it remembers sessions, so that they can be ended.
    #[must_use]
    pub fn has_store(&self) -> bool {
        self.0.store.is_some()
    }

    /// Issues a token of a type of the application's own, such as `email_verification`, which
    /// belongs to no session and lives for the whole seconds of `lifetime`.
    ///
    /// [`revoke_user`](Self::revoke_user) reaches it for as long as the
    /// [session lifetime](IssuerBuilder::session_lifetime); if it lives longer, revoke it by itself.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_jwt_auth::{
    ///     Algorithm, Issuer, SigningKey,
    ///     token::{NoClaims, TokenType, UserId},
    /// };
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?).build()?;
    /// let verification = TokenType::from("email_verification");
    /// let hour = Duration::from_secs(3600);
    /// let token = issuer.issue(&verification, hour, &UserId::from(42), &NoClaims::default())?;
    ///
    /// let verifier = issuer.verifier_builder().token_type(verification).build()?;
    /// assert_eq!(verifier.verify(&token)?.user_id(), "42");
    /// assert!(issuer.verifier().verify(&token).is_err());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](AuthErrorKind::Misconfigured) for refresh tokens, which only a login
    /// issues, for a lifetime under a second or beyond what the policy of rotated keys allows for,
    /// and otherwise as [`login`](Self::login); but it may be of any length, for which its verifier
    /// may have to be [set](VerifierBuilder::max_token_len).
    pub fn issue<T: Serialize>(
        &self,
        token_type: &TokenType,
        lifetime: Duration,
        user_id: &UserId,
        claims: &T,
    ) -> Result<String, AuthError> {
        // By its name: what `TokenType::Custom` calls so is one, too.
        let is_refresh = token_type.as_str() == TokenType::Refresh.as_str();
        let outlives_key = self
            .0
            .minter
            .keys
            .load()
            .terms()
            .is_some_and(|terms| lifetime.saturating_add(self.0.leeway) > terms.token_lifetime);
        if is_refresh || outlives_key || lifetime.as_secs() == 0 {
            return Err(AuthErrorKind::Misconfigured.into());
        }
        let now = self.0.clock.now();
        let times = (now, now.saturating_add(lifetime));
        self.0.minter.single(token_type, user_id.as_str(), times, claims)
    }

    /// Verifies an access or refresh token and asks the store, if there is one, whether it was
    /// revoked or spent. Spends nothing.
    ///
    /// # Errors
    ///
    /// Why the token is not good, or [`Unavailable`](AuthErrorKind::Unavailable).
    pub async fn verify(&self, token: &str) -> Result<Claims, AuthError> {
        self.0.either.check_now(token).await
    }

    pub(crate) fn emit(&self, event: &Event<'_>) {
        if matches!(event, Event::ReuseDetected { .. }) {
            warn!("a spent refresh token was used again and its session has ended");
        }
        for listener in &self.0.listeners {
            listener(event);
        }
    }

    pub(super) fn store(&self) -> Result<&SharedStore, AuthError> {
        self.0.store.as_ref().ok_or(AuthErrorKind::Misconfigured.into())
    }

    /// Until when the last token that exists now may be good.
    pub(super) fn longest_keep(&self) -> NumericDate {
        let Inner { minter, leeway, clock, .. } = &*self.0;
        let last_refresh = clock.now().saturating_add(minter.refresh_lifetime);
        minter.keep_session_until(last_refresh, *leeway)
    }
}

impl<C, R> Issuer<C, R>
where
    C: Serialize,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Begins a session for a user whose credentials were checked.
    ///
    /// # Errors
    ///
    /// [`UserInactive`](AuthErrorKind::UserInactive),
    /// [`Unavailable`](AuthErrorKind::Unavailable) when the store did not answer, or
    /// [`Misconfigured`](AuthErrorKind::Misconfigured) for claims that are no JSON object or are
    /// named like registered ones, for scopes with other characters than [RFC 6749] allows, for a
    /// user id that has no or more than 255 bytes, and when all that makes a token longer than
    /// the 8192 bytes that verifiers take.
    ///
    /// [RFC 6749]: https://www.rfc-editor.org/rfc/rfc6749#section-3.3
    pub async fn login(&self, user: &User<C, R>) -> Result<Tokens, AuthError> {
        self.login_with_label(user, None).await
    }

    /// The same with a [label](crate::store::Session::label) by which the user may recognize the
    /// session among others, such as the name of the device.
    ///
    /// A label may come from the client, as a user agent does: control characters are left out of
    /// it, and what goes beyond 255 bytes. It is to be escaped like any text where it is shown.
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
    /// issuer.login_with_label(&ada, Some("Ada's telephone")).await?;
    ///
    /// let sessions = issuer.sessions(ada.id()).await?;
    /// assert_eq!(sessions[0].label.as_deref(), Some("Ada's telephone"));
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
        if !user.is_active() {
            return Err(AuthErrorKind::UserInactive.into());
        }
        let Inner { minter, leeway, clock, store, sessions_per_user, .. } = &*self.0;
        let now = clock.now();
        let (session_id, refresh_id) = (random_id()?, random_id()?);
        let scope = scope_claim(user, |_| true)?;
        let session = SessionFacts {
            session_id: &session_id,
            user_id: user.id().as_str(),
            auth_time: now,
            scope: scope.as_deref(),
        };
        let tokens = self.mint(&session, user, now, Some((&refresh_id, now)))?;
        let mut displaced = Vec::new();
        if let Some(store) = store {
            let expires_at = minter.refresh_expiry(now, now);
            let keep_until = minter.keep_session_until(expires_at, *leeway);
            let label = label.map(tidy_label);
            let session = NewSession::new(&session_id, user.id(), &refresh_id, now)
                .with_expiry(expires_at, keep_until)
                .with_label(label.as_deref().filter(|label| !label.is_empty()))
                .with_limit(*sessions_per_user);
            displaced = store.begin(&session).await?;
        }
        let user_id = user.id().as_str();
        self.emit(&Event::LoginSucceeded { user_id, session_id: &session_id });
        for session_id in &displaced {
            self.emit(&Event::SessionDisplaced { user_id, session_id });
        }
        Ok(tokens)
    }

    /// Buys new tokens with a refresh token.
    ///
    /// The user is looked up again, so the new tokens say what is true now. With rotation, the
    /// token is spent in one atomic step of the store; everything that can fail comes before.
    ///
    /// # Errors
    ///
    /// Why the token is not good; [`UserInactive`](AuthErrorKind::UserInactive) when the user is
    /// gone, inactive, or its epoch has changed; [`Reused`](AuthErrorKind::Reused) when the token
    /// had been spent, which ends its session; [`Unavailable`](AuthErrorKind::Unavailable), and
    /// the token stays good, when users or store did not answer. Only a store that spends the token
    /// and is too late with its answer makes the next try look like reuse; a
    /// [grace](IssuerBuilder::reuse_grace) helps.
    pub async fn refresh<U: UserBackend<C, R>>(
        &self,
        token: &str,
        users: &U,
    ) -> Result<Tokens, AuthError> {
        let Inner { minter, leeway, clock, store, rotate, reuse_grace, refresh, .. } = &*self.0;
        let claims = refresh.verify(token)?;
        let now = clock.now();
        let issued_at = claims.issued_at().unwrap_or_default();
        let auth_time = claims.auth_time().unwrap_or(issued_at);
        if now >= minter.session_end(auth_time) {
            return Err(AuthErrorKind::Expired.into());
        }
        let user_id = claims.user_id();
        let user = users.find(user_id).await.map_err(backend_error)?;
        let user = user
            .filter(|user| user.is_active() && user.epoch() == claims.epoch())
            .ok_or(AuthErrorKind::UserInactive)?;

        let (session_id, adopt) = refresh_session(&claims);
        let scope = scope_claim(&user, |scope| claims.has_scope(scope))?;
        let session = SessionFacts {
            session_id,
            user_id: user_id.as_str(),
            auth_time,
            scope: scope.as_deref(),
        };
        let tokens = match store {
            Some(store) if *rotate => {
                let successor = random_id()?;
                let tokens = self.mint(&session, &user, now, Some((&successor, now)))?;
                let expires_at = minter.refresh_expiry(now, auth_time);
                // A token of another issuer that shares the secret may outlive its successor, and
                // must not find its session forgotten and begin it anew.
                let last_expiry = expires_at.max(claims.expires_at());
                let keep_until = minter.keep_session_until(last_expiry, *leeway);
                let refresh = claims.jti().unwrap_or_default();
                let known = NewSession::new(session_id, user_id, refresh, now)
                    .with_expiry(expires_at, keep_until);
                let spend = Spend::new(&known, issued_at, &successor)
                    .with_grace(*reuse_grace)
                    .with_adoption(adopt);
                match store.spend(&spend).await? {
                    Spent::First => tokens,
                    Spent::Again { successor, at } => {
                        self.mint(&session, &user, now, Some((&successor, at)))?
                    }
                    Spent::Reused => {
                        let user_id = user_id.as_str();
                        self.emit(&Event::ReuseDetected { user_id, session_id });
                        return Err(AuthErrorKind::Reused.into());
                    }
                    Spent::Revoked => return Err(AuthErrorKind::Revoked.into()),
                }
            }
            Some(store) => {
                if store.is_revoked(&token_ref(&claims)).await? {
                    return Err(AuthErrorKind::Revoked.into());
                }
                self.mint(&session, &user, now, None)?
            }
            None => self.mint(&session, &user, now, None)?,
        };
        self.emit(&Event::Refreshed { user_id: user_id.as_str(), session_id });
        Ok(tokens)
    }

    /// Ends the session of a refresh token, which may be spent already. May be repeated.
    ///
    /// # Errors
    ///
    /// Why the token is no refresh token of this issuer, or as
    /// [`revoke_token`](Self::revoke_token).
    pub async fn logout(&self, refresh_token: &str) -> Result<(), AuthError> {
        let claims = self.0.refresh.verify(refresh_token)?;
        let (session_id, _) = refresh_session(&claims);
        let Inner { minter, leeway, .. } = &*self.0;
        let own = minter.keep_session_until(claims.expires_at(), *leeway);
        self.end_session(claims.user_id(), session_id, self.longest_keep().max(own)).await
    }

    /// An access token and, where `refresh` gives its id and time of issue, a refresh token.
    fn mint(
        &self,
        session: &SessionFacts<'_>,
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
        })
    }
}

/// `label` without control characters, and cut off where it gets too long.
fn tidy_label(label: &str) -> Cow<'_, str> {
    let label = label.trim();
    if label.len() <= MAX_LABEL_LEN && !label.contains(char::is_control) {
        return label.into();
    }
    let mut tidy = String::new();
    for char in label.chars().filter(|char| !char.is_control()) {
        if tidy.len() + char.len_utf8() > MAX_LABEL_LEN {
            break;
        }
        tidy.push(char);
    }
    tidy.into()
}

pub(crate) fn backend_error(error: BackendError) -> AuthError {
    let kind =
        if error.is_overloaded() { AuthErrorKind::Overloaded } else { AuthErrorKind::Unavailable };
    AuthError::with_source(kind, error)
}

impl<C, R> Clone for Issuer<C, R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C, R> fmt::Debug for Issuer<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Issuer")
            .field("keys", &self.0.minter.keys)
            .field("rotate", &self.0.rotate)
            .finish_non_exhaustive()
    }
}
