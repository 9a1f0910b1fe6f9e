//! Logins in two steps: the token that leads from the first to the second.

use std::time::Duration;

use serde::{
    Serialize,
    de::{DeserializeOwned, IgnoredAny},
};

use crate::{
    check::check_step_binding,
    clock::NumericDate,
    error::{AuthError, AuthErrorKind},
    possession::UnusedProof,
    store::{Consume, Consumed, TokenRef},
    token::{Claims, KeyThumbprint, TokenType, UserId},
    user::User,
};

use super::{
    issuer::{Inner, Issuer},
    login::LoginStart,
    mint::{Bound, keep_until},
    single_use::generation_of,
    ticket_claims::SECOND_STEP,
    tokens::Tokens,
};

const LIFETIME: Duration = Duration::from_secs(5 * 60);

/// How many codes can be tried with one token.
const MAX_TRIES: usize = 5;

/// A verified token, with claims of the routes.
pub(crate) struct SecondStep<T>(Claims<T>);

impl<T> SecondStep<T> {
    pub(crate) fn user_id(&self) -> &UserId {
        self.0.user_id()
    }

    pub(crate) fn claims(&self) -> &T {
        &self.0
    }

    /// Fails if the epoch of the user has changed after the start of the login.
    pub(crate) fn check_epoch<C, R>(&self, user: &User<C, R>) -> Result<(), AuthError> {
        if self.0.epoch() == user.epoch() { Ok(()) } else { Err(AuthErrorKind::Revoked.into()) }
    }

    fn jti(&self) -> Result<&str, AuthError> {
        Ok(self.0.jti().ok_or(AuthErrorKind::InvalidClaims)?)
    }
}

impl<C, R> Issuer<C, R> {
    /// Issues the token with which `user`, whose password was checked after `start`, completes the
    /// login.
    pub(crate) fn issue_second_step<T: Serialize>(
        &self,
        start: LoginStart,
        user: &User<C, R>,
        claims: &T,
    ) -> Result<String, AuthError> {
        let Inner { minter, clock, .. } = &*self.0;
        self.store()?;
        let jkt = start.key.map(KeyThumbprint::encode);
        let bound_to = Bound {
            user_id: user.id().as_str(),
            session_id: None,
            generation: start.generation,
            epoch: user.epoch(),
            jkt: jkt.as_deref(),
        };
        // The store remembers revocations of users for longer than a refresh token lives, and so do
        // keys.
        let now = clock.now();
        let times = (now, now.saturating_add(LIFETIME.min(minter.refresh_lifetime)));
        minter.single_use(&TokenType::from(SECOND_STEP), bound_to, times, claims)
    }

    /// Returns the user whose login the `step` of a
    /// [second step](crate::routes#second-factor) completes. It counts no try.
    ///
    /// A passkey signs a challenge that is made for its user. So before the client can send anything
    /// to `/second-factor`, a route of the application has to make the challenge, and this method
    /// returns for whom. See [`SecondFactor`](crate::user::SecondFactor#passkeys).
    ///
    /// # Errors
    ///
    /// - The reason why the token is invalid, or [`Revoked`](AuthErrorKind::Revoked) if it was used.
    /// - [`Unavailable`](AuthErrorKind::Unavailable) if the store did not respond.
    /// - [`Misconfigured`](AuthErrorKind::Misconfigured) without a store.
    pub async fn second_step_user(&self, step: &str) -> Result<UserId, AuthError> {
        let step: SecondStep<IgnoredAny> = self.verify_second_step(step).await?;
        Ok(step.user_id().clone())
    }

    /// Verifies a token that was not used, and the proof of the key to which it is bound.
    ///
    /// Returns the token, and the key to which the tokens of the login will be bound.
    pub(crate) async fn resume_second_step<T>(
        &self,
        token: &str,
        proof: Option<&UnusedProof>,
    ) -> Result<(SecondStep<T>, Option<KeyThumbprint>), AuthError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let step: SecondStep<T> = self.verify_second_step(token).await?;
        let key = check_step_binding(&step.0, proof)?;
        Ok((step, key))
    }

    /// Counts a try with a token. The first five tries succeed.
    pub(crate) async fn try_second_step<T>(&self, step: &SecondStep<T>) -> Result<(), AuthError> {
        let store = self.store()?;
        let keep_until = keep_until(step.0.expires_at(), self.0.leeway);
        for number in 1..=MAX_TRIES {
            let id = format!("second_step:{}:{number}", step.jti()?);
            let consume = Consume::other(&id, step.user_id(), keep_until);
            if store.consume(&consume, self.0.clock.now()).await? == Consumed::First {
                return Ok(());
            }
        }
        Err(AuthErrorKind::Revoked.into())
    }

    /// Verifies a token that was not used.
    async fn verify_second_step<T>(&self, token: &str) -> Result<SecondStep<T>, AuthError>
    where
        T: DeserializeOwned + Send + Sync + 'static,
    {
        let builder = self.verifier_builder().token_type(TokenType::from(SECOND_STEP)).cache(0);
        let verifier = builder
            .claims::<T>()
            .build()
            .map_err(|error| AuthError::with_source(AuthErrorKind::Misconfigured, error))?;
        let step = SecondStep(verifier.verify_bytes(token.as_bytes())?);
        let store = self.store()?;
        // Whether the token was used. A revocation of the user is noticed when it is used, because
        // only that compares the generations.
        let token =
            TokenRef::new(step.user_id().as_str(), NumericDate::MAX).with_jti(Some(step.jti()?));
        if store.is_revoked(store.own_users(), &token).await? {
            return Err(AuthErrorKind::Revoked.into());
        }
        Ok(step)
    }
}

impl<C: Serialize, R: Serialize> Issuer<C, R> {
    /// Uses the token and begins the session of `user`. Fails if the user was revoked after the start
    /// of the login. The tokens are bound to `key`, if there is one.
    pub(crate) async fn finish_second_step<T>(
        &self,
        step: &SecondStep<T>,
        user: &User<C, R>,
        (amr, acr): (&'static [&'static str], Option<&'static str>),
        label: Option<&str>,
        key: Option<KeyThumbprint>,
    ) -> Result<Tokens, AuthError> {
        let start = LoginStart { generation: generation_of(&step.0)?, amr, acr, key };
        self.consume(&step.0).await?;
        self.finish_login(start, user, label).await
    }
}
