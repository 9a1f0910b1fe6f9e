//! Tokens that can be used once.

use std::time::Duration;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{
    error::{AuthError, AuthErrorKind},
    store::{Consume, Consumed, Generation},
    token::{Claims, TokenType, UserId},
};

use super::{
    error::IssueError,
    issuer::Issuer,
    login::LoginStart,
    mint::{Bound, keep_until},
    ticket_claims::{SECOND_STEP, TICKET},
};

impl<C, R> Issuer<C, R> {
    /// Issues a token of a custom type that can be used once, for example for a link in a mail. It
    /// belongs to no session and lives for `lifetime`, in whole seconds. Requires a
    /// [store](super::IssuerBuilder::store).
    ///
    /// [`redeem`](Self::redeem) uses it. From then on every verifier that asks the store rejects it,
    /// as after [`revoke_token`](Self::revoke_token). [`revoke_user`](Self::revoke_user) and
    /// [`revoke_other_sessions`](Self::revoke_other_sessions) revoke the tokens that were issued
    /// before, so a link for a new password does not outlive the next change of the password.
    ///
    /// ```
    /// use std::time::Duration;
    /// use serde::{Deserialize, Serialize};
    /// use tower_jwt_auth::{
    ///     Algorithm, AuthErrorKind, Issuer, MemoryStore, SigningKey,
    ///     token::{TokenType, UserId},
    /// };
    ///
    /// #[derive(Serialize, Deserialize)]
    /// struct Verification { email: String }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?)
    ///     .store(MemoryStore::new())
    ///     .build()?;
    /// let verification = TokenType::from("email_verification");
    /// let (day, claims) =
    ///     (Duration::from_secs(86_400), Verification { email: "ada@example.org".to_owned() });
    /// let token = issuer.issue_single_use(&verification, day, &UserId::from(42), &claims).await?;
    ///
    /// let claims = issuer.redeem::<Verification>(&verification, &token).await?;
    /// assert_eq!((claims.user_id().as_str(), &*claims.email), ("42", "ada@example.org"));
    ///
    /// let error = issuer.redeem::<Verification>(&verification, &token).await.unwrap_err();
    /// assert_eq!(error.kind(), AuthErrorKind::Revoked);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Misconfigured`](AuthErrorKind::Misconfigured) without a store, for the types `access`,
    ///   `refresh`, `sliding`, `ticket` and `second_step`, for a lifetime of less than a second or of
    ///   more than the [session lifetime](super::IssuerBuilder::session_lifetime), and otherwise as
    ///   [`issue`](Self::issue). The length of the token is
    ///   [limited](super::IssuerBuilder::max_token_len).
    /// - [`Unavailable`](AuthErrorKind::Unavailable) if the store did not respond.
    pub async fn issue_single_use<T: Serialize>(
        &self,
        token_type: &TokenType,
        lifetime: Duration,
        user_id: &UserId,
        claims: &T,
    ) -> Result<String, AuthError> {
        self.check_single_use(token_type, lifetime)?;
        let start = self.start_login().await?;
        self.single_use_since(start, token_type, lifetime, (user_id, None), claims)
    }

    /// Issues a token that revocations after `start` revoke, without a call to the store. If it has a
    /// session, it can be used as long as the session is live.
    pub(crate) fn single_use_since<T: Serialize>(
        &self,
        start: LoginStart,
        token_type: &TokenType,
        lifetime: Duration,
        (user_id, session_id): (&UserId, Option<&str>),
        claims: &T,
    ) -> Result<String, AuthError> {
        let bound_to = Bound {
            user_id: user_id.as_str(),
            session_id,
            generation: start.generation,
            epoch: None,
            jkt: None,
        };
        let now = self.0.clock.now();
        let times = (now, now.saturating_add(lifetime));
        self.0.minter.single_use(token_type, bound_to, times, claims)
    }

    /// Fails if no single-use token may have this type and lifetime.
    pub(crate) fn check_single_use(
        &self,
        token_type: &TokenType,
        lifetime: Duration,
    ) -> Result<(), AuthError> {
        check_type(token_type)?;
        self.check_lifetime(lifetime)?;
        self.store()?;
        if self.0.minter.session_lifetime.is_some_and(|longest| lifetime > longest) {
            return Err(IssueError::SingleUseLifetime.into());
        }
        Ok(())
    }

    /// Verifies a token of a custom type and uses it. Of any number of calls with one token, at any
    /// number of processes with one store, at most one succeeds.
    ///
    /// A token that is rejected for another reason than its use remains usable. After a success the
    /// token is used, whatever the application does next: check first whatever else can fail.
    ///
    /// # Errors
    ///
    /// - [`Revoked`](AuthErrorKind::Revoked) if the token was used before, or it or its user was
    ///   revoked.
    /// - The reason why the token is invalid.
    /// - [`Unavailable`](AuthErrorKind::Unavailable) if the store did not respond. The token may be
    ///   used up.
    /// - [`Misconfigured`](AuthErrorKind::Misconfigured) without a store, and for the types
    ///   `access`, `refresh`, `sliding`, `ticket` and `second_step`.
    pub async fn redeem<T>(
        &self,
        token_type: &TokenType,
        token: &str,
    ) -> Result<Claims<T>, AuthError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let claims = self.verify_single_use(token_type, token)?;
        self.consume(&claims).await?;
        Ok(claims)
    }

    /// Verifies a token of a custom type without using it, and without a call to the store.
    pub(crate) fn verify_single_use<T>(
        &self,
        token_type: &TokenType,
        token: &str,
    ) -> Result<Claims<T>, AuthError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        check_type(token_type)?;
        // Most are used once.
        let builder = self.verifier_builder().token_type(token_type.clone()).cache(0).claims();
        let verifier = builder
            .build()
            .map_err(|error| AuthError::with_source(AuthErrorKind::Misconfigured, error))?;
        verifier.verify(token)
    }

    /// Remembers `id` for `duration`, and returns whether it was not remembered before. Of any number of
    /// calls, one returns `true`.
    #[cfg(feature = "accounts")]
    pub(crate) async fn is_first(
        &self,
        id: &str,
        user_id: &UserId,
        duration: Duration,
    ) -> Result<bool, AuthError> {
        let now = self.0.clock.now();
        let consume = Consume::other(id, user_id, now.saturating_add(duration));
        Ok(self.store()?.consume(&consume, now).await? == Consumed::First)
    }

    /// Uses a verified token.
    pub(crate) async fn consume<T: ?Sized>(&self, claims: &Claims<T>) -> Result<(), AuthError> {
        let jti = claims.jti().ok_or(AuthErrorKind::InvalidClaims)?;
        let issued_at = claims.issued_at().unwrap_or_default();
        let keep_until = keep_until(claims.expires_at(), self.0.leeway);
        let consume = Consume::token(jti, claims.user_id(), issued_at, keep_until)
            .with_session(claims.session_id())
            .with_generation(generation_of(claims)?);
        match self.store()?.consume(&consume, self.0.clock.now()).await? {
            Consumed::First => Ok(()),
            Consumed::Before => Err(AuthErrorKind::Revoked.into()),
        }
    }
}

/// Other verifiers accept the types of this crate any number of times.
fn check_type(token_type: &TokenType) -> Result<(), AuthError> {
    // Compared by name, because a custom type may have the same name.
    match TokenType::from(token_type.as_str()) {
        TokenType::Custom(name) if ![TICKET, SECOND_STEP].contains(&&*name) => Ok(()),
        _ => Err(IssueError::SingleUseType.into()),
    }
}

/// The store's generation when the token was issued. `None` for tokens of
/// [`Issuer::issue`] and of other issuers.
pub(super) fn generation_of<T: ?Sized>(
    claims: &Claims<T>,
) -> Result<Option<Generation>, AuthError> {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(default)]
        store_generation: Option<u64>,
    }
    let payload: Payload =
        serde_json::from_str(claims.json()).map_err(|_| AuthErrorKind::InvalidClaims)?;
    Ok(payload.store_generation.map(Generation::new))
}
