//! A store that a test can make fail.

use std::{
    future,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
};

use tower_jwt_auth::{
    MemoryStore, NumericDate,
    store::{
        Begun, Consume, Consumed, Generation, NewSession, Page, Revocation, SessionPage, Spend,
        Spent, StoreError, TokenRef, TokenStore,
    },
    token::UserId,
};

/// How all calls of a [`FlakyStore`] fail. Nothing is changed by a failed call.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum StoreFailure {
    None,
    /// They return an error.
    Errors,
    /// They never return.
    Hangs,
}

/// A [`MemoryStore`] that can be made to fail. Clones share everything.
#[derive(Clone, Default)]
pub(crate) struct FlakyStore {
    pub(crate) inner: MemoryStore,
    failure: Arc<AtomicU8>,
    revoked_next: Arc<Mutex<Option<(UserId, NumericDate)>>>,
}

impl FlakyStore {
    pub(crate) fn set_failure(&self, failure: StoreFailure) {
        self.failure.store(failure as u8, Ordering::SeqCst);
    }

    /// Has another process revoke this user, right after the next check of a token.
    pub(crate) fn revoke_after_check(&self, user_id: UserId, now: NumericDate) {
        *self.revoked_next.lock().unwrap() = Some((user_id, now));
    }

    async fn check_failure(&self) -> Result<(), StoreError> {
        const ERRORS: u8 = StoreFailure::Errors as u8;
        const HANGS: u8 = StoreFailure::Hangs as u8;
        match self.failure.load(Ordering::SeqCst) {
            ERRORS => Err(StoreError::unavailable("unavailable")),
            HANGS => future::pending().await,
            _ => Ok(()),
        }
    }
}

impl TokenStore for FlakyStore {
    async fn generation(&self) -> Result<Generation, StoreError> {
        self.check_failure().await?;
        self.inner.generation().await
    }

    async fn begin(&self, session: &NewSession<'_>) -> Result<Begun, StoreError> {
        self.check_failure().await?;
        self.inner.begin(session).await
    }

    async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, StoreError> {
        self.check_failure().await?;
        self.inner.spend(spend).await
    }

    async fn consume(
        &self,
        consume: &Consume<'_>,
        now: NumericDate,
    ) -> Result<Consumed, StoreError> {
        self.check_failure().await?;
        self.inner.consume(consume, now).await
    }

    async fn revoke(
        &self,
        revocation: &Revocation<'_>,
        now: NumericDate,
    ) -> Result<(), StoreError> {
        self.check_failure().await?;
        self.inner.revoke(revocation, now).await
    }

    async fn is_revoked(&self, token: &TokenRef<'_>) -> Result<bool, StoreError> {
        self.check_failure().await?;
        let is_revoked = self.inner.is_revoked(token).await;
        let revoked_next = self.revoked_next.lock().unwrap().take();
        if let Some((user_id, now)) = &revoked_next {
            let keep_until = NumericDate::MAX;
            let revocation = Revocation::User { user_id, except: None, keep_until };
            self.inner.revoke(&revocation, *now).await?;
        }
        is_revoked
    }

    async fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
        page: Page<'_>,
    ) -> Result<SessionPage, StoreError> {
        self.check_failure().await?;
        self.inner.sessions(user_id, now, page).await
    }

    async fn set_label(
        &self,
        user_id: &UserId,
        session_id: &str,
        label: Option<&str>,
        now: NumericDate,
    ) -> Result<bool, StoreError> {
        self.check_failure().await?;
        self.inner.set_label(user_id, session_id, label, now).await
    }

    async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        self.check_failure().await?;
        self.inner.purge(now, limit).await
    }
}
