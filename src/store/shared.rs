//! A store of any type, with a deadline on every call.

use std::{error::Error, fmt, future::Future, pin::pin, sync::Arc, task::Poll, time::Duration};

use futures::future::BoxFuture;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind, ConfigError},
    token::UserId,
};

use super::{
    error::{StoreError, StoreErrorKind},
    facts::{Begun, Generation, NewSession, Page, Revocation, SessionPage, Spend, Spent, TokenRef},
    token_store::TokenStore,
};

/// How long a call to a store may take by default.
pub(crate) const DEFAULT_DEADLINE: Duration = Duration::from_secs(2);

/// Rejects a deadline that no store can meet.
pub(crate) fn check_deadline(deadline: Duration) -> Result<(), ConfigError> {
    if deadline.is_zero() {
        return Err(ConfigError::out_of_range("the store deadline must not be zero"));
    }
    Ok(())
}

/// The object-safe twin of [`TokenStore`].
trait DynStore: Send + Sync {
    fn generation(&self) -> BoxFuture<'_, Result<Generation, StoreError>>;
    fn begin<'a>(&'a self, session: &'a NewSession<'_>)
    -> BoxFuture<'a, Result<Begun, StoreError>>;
    fn spend<'a>(&'a self, spend: &'a Spend<'_>) -> BoxFuture<'a, Result<Spent, StoreError>>;
    fn revoke<'a>(
        &'a self,
        revocation: &'a Revocation<'_>,
        now: NumericDate,
    ) -> BoxFuture<'a, Result<(), StoreError>>;
    fn is_revoked<'a>(&'a self, token: &'a TokenRef<'_>)
    -> BoxFuture<'a, Result<bool, StoreError>>;
    fn is_revoked_now(&self, token: &TokenRef<'_>) -> Option<bool>;
    fn sessions<'a>(
        &'a self,
        user_id: &'a UserId,
        now: NumericDate,
        page: Page<'a>,
    ) -> BoxFuture<'a, Result<SessionPage, StoreError>>;
    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>>;
}

impl<S: TokenStore> DynStore for S {
    fn generation(&self) -> BoxFuture<'_, Result<Generation, StoreError>> {
        Box::pin(TokenStore::generation(self))
    }

    fn begin<'a>(
        &'a self,
        session: &'a NewSession<'_>,
    ) -> BoxFuture<'a, Result<Begun, StoreError>> {
        Box::pin(TokenStore::begin(self, session))
    }

    fn spend<'a>(&'a self, spend: &'a Spend<'_>) -> BoxFuture<'a, Result<Spent, StoreError>> {
        Box::pin(TokenStore::spend(self, spend))
    }

    fn revoke<'a>(
        &'a self,
        revocation: &'a Revocation<'_>,
        now: NumericDate,
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(TokenStore::revoke(self, revocation, now))
    }

    fn is_revoked<'a>(
        &'a self,
        token: &'a TokenRef<'_>,
    ) -> BoxFuture<'a, Result<bool, StoreError>> {
        Box::pin(TokenStore::is_revoked(self, token))
    }

    fn is_revoked_now(&self, token: &TokenRef<'_>) -> Option<bool> {
        TokenStore::is_revoked_now(self, token)
    }

    fn sessions<'a>(
        &'a self,
        user_id: &'a UserId,
        now: NumericDate,
        page: Page<'a>,
    ) -> BoxFuture<'a, Result<SessionPage, StoreError>> {
        Box::pin(TokenStore::sessions(self, user_id, now, page))
    }

    fn ping(&self) -> BoxFuture<'_, Result<(), StoreError>> {
        Box::pin(TokenStore::ping(self))
    }
}

/// A [`TokenStore`] of any type. Cheap to clone.
#[derive(Clone)]
pub(crate) struct SharedStore {
    store: Arc<dyn DynStore>,
    deadline: Duration,
}

impl SharedStore {
    pub(crate) fn new(store: impl TokenStore, deadline: Duration) -> Self {
        Self { store: Arc::new(store), deadline }
    }

    pub(crate) fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline, ..self }
    }

    pub(crate) async fn generation(&self) -> Result<Generation, AuthError> {
        self.within_deadline(self.store.generation()).await
    }

    pub(crate) async fn begin(&self, session: &NewSession<'_>) -> Result<Begun, AuthError> {
        self.within_deadline(self.store.begin(session)).await
    }

    pub(crate) async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, AuthError> {
        self.within_deadline(self.store.spend(spend)).await
    }

    pub(crate) async fn revoke(
        &self,
        revocation: &Revocation<'_>,
        now: NumericDate,
    ) -> Result<(), AuthError> {
        self.within_deadline(self.store.revoke(revocation, now)).await
    }

    pub(crate) async fn is_revoked(&self, token: &TokenRef<'_>) -> Result<bool, AuthError> {
        self.within_deadline(self.store.is_revoked(token)).await
    }

    pub(crate) fn is_revoked_now(&self, token: &TokenRef<'_>) -> Option<bool> {
        self.store.is_revoked_now(token)
    }

    pub(crate) async fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
        page: Page<'_>,
    ) -> Result<SessionPage, AuthError> {
        self.within_deadline(self.store.sessions(user_id, now, page)).await
    }

    pub(crate) async fn ping(&self) -> Result<(), AuthError> {
        self.within_deadline(self.store.ping()).await
    }

    async fn within_deadline<T>(
        &self,
        call: impl Future<Output = Result<T, StoreError>>,
    ) -> Result<T, AuthError> {
        let mut call = pin!(call);
        // A store in memory is ready at once, and needs no timer and no runtime that has one.
        let result = match futures::poll!(&mut call) {
            Poll::Ready(result) => result,
            Poll::Pending => match tokio::time::timeout(self.deadline, call).await {
                Ok(result) => result,
                Err(_) => Err(StoreError::unavailable(DeadlineExceeded)),
            },
        };
        result.map_err(|error| {
            let kind = match error.kind() {
                StoreErrorKind::InvalidInput => AuthErrorKind::InvalidClaims,
                StoreErrorKind::Unavailable => AuthErrorKind::Unavailable,
            };
            AuthError::with_source(kind, error)
        })
    }
}

#[derive(Debug)]
struct DeadlineExceeded;

impl fmt::Display for DeadlineExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the deadline has passed")
    }
}

impl Error for DeadlineExceeded {}
