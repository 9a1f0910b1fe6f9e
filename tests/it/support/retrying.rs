//! A store for tests whose result must not depend on the load of the machine.

use std::time::{Duration, Instant};

use tower_jwt_auth::{
    NumericDate,
    store::{NewSession, Revocation, Session, Spend, Spent, StoreError, TokenRef, TokenStore},
    token::UserId,
};

/// How long calls are repeated. A busy machine may exceed the deadlines of a store.
const RETRY_FOR: Duration = Duration::from_secs(60);

/// Repeats failed calls, which all stores of this crate permit.
#[derive(Clone)]
pub(crate) struct RetryingStore<S>(pub(crate) S);

async fn retry<T, F: Future<Output = Result<T, StoreError>>>(
    call: impl Fn() -> F,
) -> Result<T, StoreError> {
    let began = Instant::now();
    loop {
        match call().await {
            Err(_) if began.elapsed() < RETRY_FOR => {}
            result => return result,
        }
    }
}

impl<S: TokenStore> TokenStore for RetryingStore<S> {
    async fn begin(&self, session: &NewSession<'_>) -> Result<Vec<Box<str>>, StoreError> {
        retry(|| self.0.begin(session)).await
    }

    async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, StoreError> {
        retry(|| self.0.spend(spend)).await
    }

    async fn revoke(
        &self,
        revocation: &Revocation<'_>,
        now: NumericDate,
    ) -> Result<(), StoreError> {
        retry(|| self.0.revoke(revocation, now)).await
    }

    async fn is_revoked(&self, token: &TokenRef<'_>) -> Result<bool, StoreError> {
        retry(|| self.0.is_revoked(token)).await
    }

    fn is_revoked_now(&self, token: &TokenRef<'_>) -> Option<bool> {
        self.0.is_revoked_now(token)
    }

    async fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
    ) -> Result<Vec<Session>, StoreError> {
        retry(|| self.0.sessions(user_id, now)).await
    }

    async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        retry(|| self.0.purge(now, limit)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        retry(|| self.0.ping()).await
    }
}
