//! A store that breaks when a test says so.

use std::{
    future,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
};

use tower_jwt_auth::{
    MemoryStore, NumericDate,
    store::{NewSession, Revocation, Session, Spend, Spent, StoreError, TokenRef, TokenStore},
    token::UserId,
};

/// What a [`FlakyStore`] does with every call.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum StoreFailure {
    None,
    /// It answers with an error, and nothing is changed.
    Errors,
    /// It never answers, and nothing is changed.
    Hangs,
}

/// A [`MemoryStore`] behind a switch. Clones share both.
#[derive(Clone, Default)]
pub(crate) struct FlakyStore {
    pub(crate) inner: MemoryStore,
    failure: Arc<AtomicU8>,
}

impl FlakyStore {
    pub(crate) fn set_failure(&self, failure: StoreFailure) {
        self.failure.store(failure as u8, Ordering::SeqCst);
    }

    async fn pass(&self) -> Result<(), StoreError> {
        const ERRORS: u8 = StoreFailure::Errors as u8;
        const HANGS: u8 = StoreFailure::Hangs as u8;
        match self.failure.load(Ordering::SeqCst) {
            ERRORS => Err(StoreError::unavailable("out of order")),
            HANGS => future::pending().await,
            _ => Ok(()),
        }
    }
}

impl TokenStore for FlakyStore {
    async fn begin(&self, session: &NewSession<'_>) -> Result<Vec<Box<str>>, StoreError> {
        self.pass().await?;
        self.inner.begin(session).await
    }

    async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, StoreError> {
        self.pass().await?;
        self.inner.spend(spend).await
    }

    async fn revoke(
        &self,
        revocation: &Revocation<'_>,
        now: NumericDate,
    ) -> Result<(), StoreError> {
        self.pass().await?;
        self.inner.revoke(revocation, now).await
    }

    async fn is_revoked(&self, token: &TokenRef<'_>) -> Result<bool, StoreError> {
        self.pass().await?;
        self.inner.is_revoked(token).await
    }

    async fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
    ) -> Result<Vec<Session>, StoreError> {
        self.pass().await?;
        self.inner.sessions(user_id, now).await
    }

    async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        self.pass().await?;
        self.inner.purge(now, limit).await
    }
}
