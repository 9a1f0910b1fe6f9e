use std::{fmt, num::NonZeroUsize, sync::Arc, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    check::{Checker, session_start},
    clock::{Clock, NumericDate},
    error::{AuthError, AuthErrorKind},
    metrics::count,
    store::SharedStore,
    token::{Claims, NoClaims, RegisteredClaims, TokenType, UserId, Verifier, VerifierBuilder},
    trace::warn,
};

use super::{
    adoption::Adoption,
    error::IssueError,
    event::{Event, Listener},
    mint::Minter,
    name_hash::NameKey,
    ticket_claims::TicketClaims,
};

/// Issues tokens, refreshes them with rotation, and revokes them.
///
/// `C` is the type of the application's own claims in access tokens, `R` that in refresh tokens. An
/// issuer is a cheap handle: clones share everything.
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
/// let issuer = Issuer::builder(SigningKey::hs256(secret)?)
///     .claims::<Profile>()
///     .rotate_refresh_tokens(true)
///     .store(MemoryStore::new())
///     .build()?;
///
/// let ada = User::new(42, Profile { username: "ada".to_owned() });
/// let tokens = issuer.login(&ada).await?;
/// assert_eq!(issuer.verifier().verify(tokens.access())?.username, "ada");
///
/// issuer.logout(tokens.refresh().expect("a login returns a refresh token")).await?;
/// let error = issuer.verify(tokens.access()).await.unwrap_err();
/// assert_eq!(error.kind(), AuthErrorKind::Revoked);
/// # Ok(())
/// # }
/// ```
pub struct Issuer<C = NoClaims, R = NoClaims>(pub(super) Arc<Inner<C, R>>);

pub(super) struct Inner<C, R> {
    pub(super) access: Verifier<C>,
    pub(super) refresh: Verifier<R>,
    pub(super) ticket: Verifier<TicketClaims>,
    pub(super) ticket_lifetime: Duration,
    pub(super) store: Option<SharedStore>,
    pub(super) sessions_per_user: Option<NonZeroUsize>,
    pub(super) rotate: bool,
    pub(super) reuse_grace: Duration,
    pub(super) leeway: Duration,
    pub(super) clock: Clock,
    #[cfg(feature = "routes")]
    pub(super) password_amr: bool,
    pub(super) adoption: Option<Adoption>,
    pub(super) listeners: Vec<Listener>,
    pub(super) name_key: Option<NameKey>,
    pub(super) minter: Minter,
}

impl<C, R> Issuer<C, R> {
    pub(super) fn new(inner: Inner<C, R>) -> Self {
        Self(Arc::new(inner))
    }

    /// Returns a verifier of the issuer's access tokens. It checks no revocations: for those, use
    /// [`layer`](Self::layer) or [`verify`](Self::verify).
    #[must_use]
    pub fn verifier(&self) -> Verifier<C> {
        self.0.access.clone()
    }

    /// Starts another verifier of the issuer's tokens, for another token type or other claims. It
    /// accepts access tokens unless [set otherwise](VerifierBuilder::token_type).
    pub fn verifier_builder(&self) -> VerifierBuilder {
        self.0.minter.verifier_builder(self.0.leeway, &self.0.clock)
    }

    /// Whether the issuer has a [store](super::IssuerBuilder::store), so that sessions can be ended.
    #[must_use]
    pub fn has_store(&self) -> bool {
        self.0.store.is_some()
    }

    /// Whether tokens of the present key, and of the next one, can fit into cookies.
    #[cfg(all(feature = "cookie", feature = "ml-dsa", feature = "routes"))]
    pub(crate) fn tokens_fit_into_cookies(&self) -> bool {
        let keys = self.0.minter.keys.load();
        let present = keys.signing_key().map(|key| key.algorithm());
        let next = keys.terms().map(|terms| terms.algorithm);
        present.into_iter().chain(next).all(|algorithm| algorithm.fits_into_cookie())
    }

    #[cfg(feature = "openapi")]
    pub(crate) fn rotates(&self) -> bool {
        self.0.rotate
    }

    /// Issues a token of a custom type, such as `email_verification`. It belongs to no session and
    /// lives for `lifetime`, in whole seconds.
    ///
    /// [`revoke_user`](Self::revoke_user) revokes it for the
    /// [session lifetime](super::IssuerBuilder::session_lifetime). A token that lives longer must be
    /// revoked by itself.
    ///
    /// The token can be used until it expires. For one that can be used once, see
    /// [`issue_single_use`](Self::issue_single_use).
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
    /// issues, for a lifetime of less than a second, and for one that is longer than the policy of
    /// rotated keys allows. Otherwise as [`login`](Self::login), except that the length is not
    /// limited: a verifier of long tokens needs a higher
    /// [limit](VerifierBuilder::max_token_len).
    pub fn issue<T: Serialize>(
        &self,
        token_type: &TokenType,
        lifetime: Duration,
        user_id: &UserId,
        claims: &T,
    ) -> Result<String, AuthError> {
        // Compared by name, because a custom type may have the same name.
        let is_refresh = token_type.as_str() == TokenType::Refresh.as_str();
        if is_refresh {
            return Err(IssueError::RefreshToken.into());
        }
        self.check_lifetime(lifetime)?;
        let now = self.0.clock.now();
        let times = (now, now.saturating_add(lifetime));
        self.0.minter.standalone(token_type, user_id.as_str(), times, claims)
    }

    /// Fails if no token may live for `lifetime`.
    pub(super) fn check_lifetime(&self, lifetime: Duration) -> Result<(), AuthError> {
        let keys = self.0.minter.keys.load();
        let outlives_key = keys
            .terms()
            .is_some_and(|terms| lifetime.saturating_add(self.0.leeway) > terms.token_lifetime);
        if outlives_key || lifetime.as_secs() == 0 {
            return Err(IssueError::Lifetime.into());
        }
        Ok(())
    }

    /// The hash of `name` as it is in [`LoginFailed`](Event::LoginFailed), 32 hexadecimal digits. All
    /// spellings of a name have the same hash. `None` without a
    /// [key](super::IssuerBuilder::login_name_key).
    #[must_use]
    pub fn login_name_hash(&self, name: &str) -> Option<String> {
        Some(self.0.name_key.as_ref()?.hash(name))
    }

    pub(crate) fn emit(&self, event: &Event<'_>) {
        self.count(event);
        if matches!(event, Event::ReuseDetected { .. }) {
            warn!("a spent refresh token was used again; its session was ended");
        }
        for listener in &self.0.listeners {
            listener(event);
        }
    }

    fn count(&self, event: &Event<'_>) {
        match event {
            Event::LoginSucceeded { .. } => {
                count!("jwt_auth_logins_total", "outcome" => "succeeded");
            }
            Event::LoginFailed { .. } => count!("jwt_auth_logins_total", "outcome" => "failed"),
            Event::Refreshed { .. } if self.0.rotate => {
                count!("jwt_auth_refreshes_total", "outcome" => "rotated");
            }
            Event::Refreshed { .. } => count!("jwt_auth_refreshes_total", "outcome" => "renewed"),
            Event::Replayed { .. } => count!("jwt_auth_refreshes_total", "outcome" => "replayed"),
            Event::ReuseDetected { .. } => {
                count!("jwt_auth_refreshes_total", "outcome" => "reused");
            }
            Event::TokenRevoked { .. } => {
                count!("jwt_auth_revocations_total", "revoked" => "token");
            }
            Event::SessionRevoked { .. } => {
                count!("jwt_auth_revocations_total", "revoked" => "session");
            }
            Event::SessionDisplaced { .. } => {
                count!("jwt_auth_revocations_total", "revoked" => "displaced_session");
            }
            Event::UserRevoked { .. } => count!("jwt_auth_revocations_total", "revoked" => "user"),
            #[cfg(feature = "accounts")]
            Event::AccountCreated { .. }
            | Event::EmailVerified { .. }
            | Event::PasswordChanged { .. }
            | Event::AccountDeleted { .. } => {}
            #[cfg(all(feature = "accounts", feature = "totp"))]
            Event::SecondFactorEnabled { .. } | Event::SecondFactorDisabled { .. } => {}
            #[cfg(feature = "accounts")]
            Event::MailFailed { .. } => count!("jwt_auth_failed_mails_total"),
        }
    }

    /// Fails unless the refresh token of `claims`, which has no `sid`, may begin a session.
    pub(super) async fn check_adoption(
        &self,
        claims: RegisteredClaims,
        now: NumericDate,
    ) -> Result<(), AuthError> {
        self.current_adoption(now)?.check(claims).await
    }

    /// Fails if refresh tokens without `sid` are not accepted, or not any more.
    pub(super) fn current_adoption(&self, now: NumericDate) -> Result<&Adoption, AuthError> {
        match &self.0.adoption {
            Some(adoption) if !adoption.has_ended(now) => Ok(adoption),
            _ => Err(AuthErrorKind::InvalidClaims.into()),
        }
    }

    #[cfg(feature = "routes")]
    pub(crate) fn now(&self) -> NumericDate {
        self.0.clock.now()
    }

    pub(crate) fn shared_store(&self) -> Option<&SharedStore> {
        self.0.store.as_ref()
    }

    pub(super) fn store(&self) -> Result<&SharedStore, AuthError> {
        self.shared_store().ok_or(IssueError::NoStore.into())
    }
}

impl<C, R> Issuer<C, R>
where
    C: DeserializeOwned + Send + Sync + 'static,
    R: DeserializeOwned + Send + Sync + 'static,
{
    /// Verifies an access or refresh token. If the issuer has a store, also checks that the token
    /// was neither revoked nor spent. It spends nothing. A refresh token whose session has exceeded
    /// its [lifetime](super::IssuerBuilder::session_lifetime) has expired. A token that is bound to a
    /// key is rejected, because its sender has proved nothing.
    ///
    /// # Errors
    ///
    /// The reason why the token is invalid, or [`Unavailable`](AuthErrorKind::Unavailable) if the
    /// store did not respond.
    pub async fn verify(&self, token: &str) -> Result<RegisteredClaims, AuthError> {
        self.verify_with(token, Binding::None).await
    }

    /// Like [`verify`](Self::verify), and also accepts tokens that are bound to a key, for a response
    /// that names the key.
    #[cfg(feature = "routes")]
    pub(crate) async fn inspect(&self, token: &str) -> Result<RegisteredClaims, AuthError> {
        self.verify_with(token, Binding::Any).await
    }

    async fn verify_with(
        &self,
        token: &str,
        binding: Binding,
    ) -> Result<RegisteredClaims, AuthError> {
        let Inner { access, refresh, store, clock, minter, .. } = &*self.0;
        match binding.check(&Checker::new(access.clone(), store.clone()), token).await {
            Ok(claims) => Ok(claims.registered_claims()),
            Err(error) if error.kind() == AuthErrorKind::WrongTokenType => {
                let checker = Checker::new(refresh.clone(), store.clone());
                let claims = binding.check(&checker, token).await?.registered_claims();
                let now = clock.now();
                if now >= minter.session_end(session_start(&claims)) {
                    return Err(AuthErrorKind::Expired.into());
                }
                if claims.session_id().is_none() {
                    self.check_adoption(claims.clone(), now).await?;
                }
                Ok(claims)
            }
            Err(error) => Err(error),
        }
    }
}

/// Which tokens are accepted without a proof.
#[derive(Clone, Copy)]
enum Binding {
    /// Tokens that are not bound to a key.
    None,
    #[cfg(feature = "routes")]
    Any,
}

impl Binding {
    async fn check<T>(self, checker: &Checker<T>, token: &str) -> Result<Claims<T>, AuthError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        match self {
            Self::None => checker.check_async(token).await,
            #[cfg(feature = "routes")]
            Self::Any => checker.check_unproven(token).await,
        }
    }
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
