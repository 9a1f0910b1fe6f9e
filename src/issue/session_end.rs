//! Waiting for the end of a session.

use std::time::Duration;

use tokio::time::{MissedTickBehavior, interval};

use crate::{
    clock::{Clock, NumericDate},
    error::AuthError,
    store::{Page, SessionPage, SharedStore, TokenRef},
    token::{Claims, TokenType},
};

use super::issuer::{Inner, Issuer};

/// How often the store is asked.
const INTERVAL: Duration = Duration::from_secs(1);

impl<C, R> Issuer<C, R> {
    /// Waits until the session of `claims` has ended, for what outlives a request: close a WebSocket
    /// or an event stream then.
    ///
    /// 1. The store is asked each second whether the session has ended, the access token or the user
    ///    was revoked.
    /// 2. When the token of `claims` has expired, and then once per
    ///    [access lifetime](super::IssuerBuilder::access_lifetime) and whenever the session would
    ///    expire, the session must still be among the [sessions](Self::sessions) of the user, which
    ///    it is for as long as it can be refreshed. A token without session has ended when it
    ///    expires, and so has every token if the issuer has no store.
    /// 3. While the store does not respond, the session counts as live until the next time of rule 2.
    ///
    /// Each call asks the store by itself. With a
    #[cfg_attr(
        feature = "replica",
        doc = "[`RevocationReplica`](crate::store::replica::RevocationReplica)"
    )]
    #[cfg_attr(not(feature = "replica"), doc = "`RevocationReplica`")]
    /// or a [`MemoryStore`](crate::MemoryStore), rule 1 costs no round trip; use one for many
    /// sockets.
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
    /// # let ada = User::new(42, NoClaims::default());
    /// # let tokens = issuer.login(&ada).await?;
    /// let claims = issuer.verifier().verify(tokens.access())?;
    /// let ended = issuer.session_ended(&claims);
    /// let socket = tokio::spawn(async move {
    ///     tokio::select! {
    ///         () = ended => "the session has ended",
    ///         // Receive and send messages here.
    ///         () = std::future::pending() => "the client has closed the connection",
    ///     }
    /// });
    /// issuer.revoke_user(ada.id()).await?;
    /// assert_eq!(socket.await?, "the session has ended");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// The future panics when it is polled outside of a Tokio runtime.
    pub fn session_ended<T>(
        &self,
        claims: &Claims<T>,
    ) -> impl Future<Output = ()> + Send + 'static + use<C, R, T>
    where
        T: ?Sized + Send + Sync + 'static,
    {
        let Inner { store, clock, leeway, minter, .. } = &*self.0;
        let watch = Watch {
            store: store.clone(),
            clock: clock.clone(),
            claims: claims.clone(),
            expires_at: claims.expires_at().saturating_add(*leeway),
            access_lifetime: minter.access_lifetime,
        };
        watch.ended()
    }
}

struct Watch<T: ?Sized> {
    store: Option<SharedStore>,
    clock: Clock,
    claims: Claims<T>,
    expires_at: NumericDate,
    access_lifetime: Duration,
}

impl<T: ?Sized> Watch<T> {
    async fn ended(self) {
        let mut next_proof = self.expires_at;
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            let now = self.clock.now();
            if now >= next_proof {
                let Ok(Some(expires_at)) = self.expiry_if_listed(now).await else { return };
                next_proof = now.saturating_add(self.access_lifetime).min(expires_at);
            } else if self.is_revoked().await.unwrap_or(false) {
                return;
            }
        }
    }

    async fn is_revoked(&self) -> Result<bool, AuthError> {
        let Some(store) = &self.store else { return Ok(false) };
        let claims = &self.claims;
        let is_access = claims.token_type() == Some(&TokenType::Access);
        let issued_at = claims.issued_at().unwrap_or_default();
        let token = TokenRef::new(claims.user_id().as_str(), issued_at)
            .with_session(claims.session_id())
            // A ticket is revoked by its use.
            .with_jti(claims.jti().filter(|_| is_access));
        match store.is_revoked_now(store.own_users(), &token) {
            Some(is_revoked) => Ok(is_revoked),
            None => store.is_revoked(store.own_users(), &token).await,
        }
    }

    /// When the session expires, or `None` if it has ended.
    async fn expiry_if_listed(&self, now: NumericDate) -> Result<Option<NumericDate>, AuthError> {
        let (Some(store), Some(session_id)) = (&self.store, self.claims.session_id()) else {
            return Ok(None);
        };
        let user_id = self.claims.user_id();
        let expiry_in = |page: &SessionPage| {
            let session = page.sessions.iter().find(|session| *session.id == *session_id);
            session.map(|session| session.expires_at)
        };
        let mut cursor: Option<Box<str>> = None;
        loop {
            let page = cursor.as_deref().map_or(Page::first(), Page::after);
            let page = store.sessions(user_id, now, page).await?;
            let expires_at = expiry_in(&page);
            if expires_at.is_some() {
                return Ok(expires_at);
            }
            match (page.next, cursor) {
                (Some(next), _) => cursor = Some(next),
                (None, None) => return Ok(None),
                // A session that was used in the meantime has moved to the first page.
                (None, Some(_)) => {
                    return Ok(expiry_in(&store.sessions(user_id, now, Page::first()).await?));
                }
            }
        }
    }
}
