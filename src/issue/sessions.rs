//! Ending what was begun: tokens, sessions, all of a user; and telling which sessions there are.

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind},
    store::{Revocation, Session},
    token::{Claims, UserId},
};

use super::{
    event::Event,
    issuer::{Inner, Issuer},
    mint::keep_until,
};

impl<C, R> Issuer<C, R> {
    /// Revokes one token that was verified, until it expires.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](AuthErrorKind::Misconfigured) without a store,
    /// [`InvalidClaims`](AuthErrorKind::InvalidClaims) for a token without `jti`,
    /// [`Unavailable`](AuthErrorKind::Unavailable) when the store did not answer: nothing may have
    /// been revoked then.
    pub async fn revoke_token<T>(&self, claims: &Claims<T>) -> Result<(), AuthError> {
        let jti = claims.jti().ok_or(AuthErrorKind::InvalidClaims)?;
        let user_id = claims.user_id();
        let keep_until = keep_until(claims.expires_at(), self.0.leeway);
        let revocation = Revocation::Token { jti, user_id, keep_until };
        self.store()?.revoke(&revocation, self.0.clock.now()).await?;
        self.emit(&Event::TokenRevoked { user_id: user_id.as_str(), jti });
        Ok(())
    }

    /// Ends a session: its refresh token is refused, and its access tokens where the store is
    /// asked.
    ///
    /// # Errors
    ///
    /// As [`revoke_token`](Self::revoke_token).
    pub async fn revoke_session(
        &self,
        user_id: &UserId,
        session_id: &str,
    ) -> Result<(), AuthError> {
        self.end_session(user_id, session_id, self.longest_keep()).await
    }

    pub(super) async fn end_session(
        &self,
        user_id: &UserId,
        session_id: &str,
        keep_until: NumericDate,
    ) -> Result<(), AuthError> {
        let revocation = Revocation::Session { session_id, user_id, keep_until };
        self.store()?.revoke(&revocation, self.0.clock.now()).await?;
        self.emit(&Event::SessionRevoked { user_id: user_id.as_str(), session_id });
        Ok(())
    }

    /// Ends all sessions of a user. A login right afterwards begins a new one.
    ///
    /// # Errors
    ///
    /// As [`revoke_token`](Self::revoke_token).
    pub async fn revoke_user(&self, user_id: &UserId) -> Result<(), AuthError> {
        self.end_sessions(user_id, None).await
    }

    /// Ends all sessions of a user but `session_id`, such as the one that asks for it.
    ///
    /// # Errors
    ///
    /// As [`revoke_token`](Self::revoke_token).
    pub async fn revoke_other_sessions(
        &self,
        user_id: &UserId,
        session_id: &str,
    ) -> Result<(), AuthError> {
        self.end_sessions(user_id, Some(session_id)).await
    }

    async fn end_sessions(&self, user_id: &UserId, except: Option<&str>) -> Result<(), AuthError> {
        let Inner { minter, leeway, clock, .. } = &*self.0;
        let now = clock.now();
        // Tokens that others issued with the same secret may live longer than this issuer's, but
        // none buys anything once its session would be over.
        let keep_until = minter.keep_session_until(minter.session_end(now), *leeway);
        self.store()?.revoke(&Revocation::User { user_id, except, keep_until }, now).await?;
        self.emit(&Event::UserRevoked { user_id: user_id.as_str() });
        Ok(())
    }

    /// The sessions of a user that can still be refreshed, in no particular order.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](AuthErrorKind::Misconfigured) without a store,
    /// [`Unavailable`](AuthErrorKind::Unavailable) when it did not answer.
    pub async fn sessions(&self, user_id: &UserId) -> Result<Vec<Session>, AuthError> {
        self.store()?.sessions(user_id, self.0.clock.now()).await
    }

    /// Fails unless the store could do its work now: what a health check may ask. One round trip.
    ///
    /// # Errors
    ///
    /// As [`sessions`](Self::sessions).
    pub async fn check_store(&self) -> Result<(), AuthError> {
        self.store()?.ping().await
    }
}
