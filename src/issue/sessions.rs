//! Revoking tokens, and listing and ending sessions.

#[cfg(feature = "accounts")]
use crate::check::token_ref;
use crate::{
    error::{AuthError, AuthErrorKind},
    store::{MAX_ID_LEN, Page, Revocation, Session},
    token::{Claims, UserId},
};

use super::{
    event::Event,
    issuer::{Inner, Issuer},
    label::clean_label,
    mint::keep_until,
};

impl<C, R> Issuer<C, R> {
    /// Revokes one verified token until it expires, even a token of another issuer.
    ///
    /// # Errors
    ///
    /// - [`Misconfigured`](AuthErrorKind::Misconfigured) without a store.
    /// - [`InvalidClaims`](AuthErrorKind::InvalidClaims) for a token without `jti`.
    /// - [`Unavailable`](AuthErrorKind::Unavailable) if the store did not respond. The revocation
    ///   may not have been stored.
    pub async fn revoke_token<T: ?Sized>(&self, claims: &Claims<T>) -> Result<(), AuthError> {
        let jti = claims.jti().ok_or(AuthErrorKind::InvalidClaims)?;
        let user_id = claims.user_id();
        let keep_until = keep_until(claims.expires_at(), self.0.leeway);
        let revocation = Revocation::Token { jti, user_id, keep_until };
        let (store, now) = (self.store()?, self.0.clock.now());
        store.revoke(&revocation, now).await?;
        if let Some(issuer) = claims.issuer().filter(|issuer| Some(*issuer) != store.issuer()) {
            // A verifier that knows the token by its own `iss` must find the revocation too.
            store.clone().for_users_of(Some(issuer)).revoke(&revocation, now).await?;
        }
        self.emit(&Event::TokenRevoked { user_id: user_id.as_str(), jti });
        Ok(())
    }

    /// Ends a session. Its refresh token is rejected from now on, and its access tokens are
    /// rejected wherever the store is asked.
    ///
    /// # Errors
    ///
    /// As [`revoke_token`](Self::revoke_token).
    pub async fn revoke_session(
        &self,
        user_id: &UserId,
        session_id: &str,
    ) -> Result<(), AuthError> {
        let Inner { minter, leeway, clock, .. } = &*self.0;
        let now = clock.now();
        // The session's refresh token is rejected afterwards too, because the session is unknown.
        let keep_until = minter.keep_ended_until(now, *leeway);
        let revocation = Revocation::Session { session_id, user_id, keep_until };
        self.store()?.revoke(&revocation, now).await?;
        self.emit(&Event::SessionRevoked { user_id: user_id.as_str(), session_id });
        Ok(())
    }

    /// Ends all sessions of a user. The user can log in again immediately.
    ///
    /// # Errors
    ///
    /// As [`revoke_token`](Self::revoke_token).
    pub async fn revoke_user(&self, user_id: &UserId) -> Result<(), AuthError> {
        self.end_sessions(user_id, None).await
    }

    /// Ends all sessions of a user except `session_id`, for example the one that sends the request.
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
        // Tokens of another issuer with the same secret may live longer, but are not accepted once
        // their session has ended.
        let keep_until = minter.keep_session_until(minter.session_end(now), *leeway);
        self.store()?.revoke(&Revocation::User { user_id, except, keep_until }, now).await?;
        self.emit(&Event::UserRevoked { user_id: user_id.as_str() });
        Ok(())
    }

    /// Fails if a verified token was revoked, or its session has ended.
    #[cfg(feature = "accounts")]
    pub(crate) async fn check_not_revoked<T: ?Sized>(
        &self,
        claims: &Claims<T>,
    ) -> Result<(), AuthError> {
        let store = self.store()?;
        if store.is_revoked(store.own_users(), &token_ref(claims)).await? {
            return Err(AuthErrorKind::Revoked.into());
        }
        Ok(())
    }

    /// Returns the sessions of a user that can still be refreshed, in no particular order.
    ///
    /// # Errors
    ///
    /// - [`Misconfigured`](AuthErrorKind::Misconfigured) without a store.
    /// - [`Unavailable`](AuthErrorKind::Unavailable) if the store did not respond.
    pub async fn sessions(&self, user_id: &UserId) -> Result<Vec<Session>, AuthError> {
        let (store, now) = (self.store()?, self.0.clock.now());
        let mut page = store.sessions(user_id, now, Page::first()).await?;
        let mut sessions = page.sessions;
        while let Some(cursor) = page.next {
            page = store.sessions(user_id, now, Page::after(&cursor)).await?;
            sessions.append(&mut page.sessions);
        }
        Ok(sessions)
    }

    /// Sets the [label](crate::store::Session::label) of a session, and returns whether the user has
    /// this session. `None` removes the label.
    ///
    /// Control characters are removed and long labels are truncated, as in
    /// [`login_with_label`](Self::login_with_label). A label that is then empty is removed.
    ///
    /// ```
    /// use tower_jwt_auth::{
    ///     Algorithm, Issuer, MemoryStore, SigningKey, token::NoClaims, user::User,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?)
    /// #     .store(MemoryStore::new())
    /// #     .build()?;
    /// let ada = User::new(42, NoClaims::default());
    /// let session_id = issuer.login(&ada).await?.session_id().to_owned();
    /// assert!(issuer.label_session(ada.id(), &session_id, Some("Ada's phone")).await?);
    /// assert_eq!(issuer.sessions(ada.id()).await?[0].label.as_deref(), Some("Ada's phone"));
    ///
    /// assert!(!issuer.label_session(ada.id(), "unknown", Some("Ada's phone")).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Misconfigured`](AuthErrorKind::Misconfigured) without a store.
    /// - [`Unavailable`](AuthErrorKind::Unavailable) if the store did not respond.
    pub async fn label_session(
        &self,
        user_id: &UserId,
        session_id: &str,
        label: Option<&str>,
    ) -> Result<bool, AuthError> {
        let store = self.store()?;
        if session_id.len() > MAX_ID_LEN {
            return Ok(false);
        }
        let label = label.and_then(clean_label);
        store.set_label(user_id, session_id, label.as_deref(), self.0.clock.now()).await
    }

    /// Checks that the store is able to work, for health checks. It takes one round trip.
    ///
    /// # Errors
    ///
    /// As [`sessions`](Self::sessions).
    pub async fn check_store(&self) -> Result<(), AuthError> {
        self.store()?.ping().await
    }
}
