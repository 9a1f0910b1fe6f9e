//! A store for tests whose result must not depend on the load of the machine.

use std::time::{Duration, Instant};

use tower_jwt_auth::{
    NumericDate,
    store::{
        Begun, Consume, Consumed, Generation, NewSession, Page, Revocation, SessionPage, Spend,
        Spent, StoreError, StoreErrorKind, TokenRef, TokenStore,
    },
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
            Err(error)
                if error.kind() == StoreErrorKind::Unavailable && began.elapsed() < RETRY_FOR => {}
            result => return result,
        }
    }
}

impl<S: TokenStore> TokenStore for RetryingStore<S> {
    async fn generation(&self) -> Result<Generation, StoreError> {
        retry(|| self.0.generation()).await
    }

    async fn begin(&self, session: &NewSession<'_>) -> Result<Begun, StoreError> {
        retry(|| self.0.begin(session)).await
    }

    async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, StoreError> {
        retry(|| self.0.spend(spend)).await
    }

    async fn consume(
        &self,
        consume: &Consume<'_>,
        now: NumericDate,
    ) -> Result<Consumed, StoreError> {
        retry(|| self.0.consume(consume, now)).await
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
        page: Page<'_>,
    ) -> Result<SessionPage, StoreError> {
        retry(|| self.0.sessions(user_id, now, page)).await
    }

    async fn set_label(
        &self,
        user_id: &UserId,
        session_id: &str,
        label: Option<&str>,
        now: NumericDate,
    ) -> Result<bool, StoreError> {
        retry(|| self.0.set_label(user_id, session_id, label, now)).await
    }

    async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        retry(|| self.0.purge(now, limit)).await
    }

    async fn ping(&self) -> Result<(), StoreError> {
        retry(|| self.0.ping()).await
    }
}
