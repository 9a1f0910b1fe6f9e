//! A store for tests that ask what comes out and not when.

use std::time::{Duration, Instant};

use tower_jwt_auth::{
    NumericDate,
    store::{NewSession, Revocation, Session, Spend, Spent, StoreError, TokenRef, TokenStore},
    token::UserId,
};

/// On a machine that does much else, a store may be slower than it would have callers wait.
const RETRY_FOR: Duration = Duration::from_secs(60);

/// Calls a store again if it gives no answer, as the stores of this crate allow.
#[derive(Clone)]
pub(crate) struct RetryingStore<S>(pub(crate) S);

async fn retry<T, F: Future<Output = Result<T, StoreError>>>(
    call: impl Fn() -> F,
) -> Result<T, StoreError> {
    let began = Instant::now();
    loop {
        match call().await {
            Err(_) if began.elapsed() < RETRY_FOR => {}
            answer => return answer,
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
