//! A store that responds only when a test lets it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use tokio::sync::Semaphore;
use tower_jwt_auth::{
    NumericDate,
    store::{
        Begun, Consume, Consumed, Generation, NewSession, Page, Revocation, SessionPage, Spend,
        Spent, StoreError, TokenRef, TokenStore,
    },
    token::UserId,
};

/// Responds to `is_revoked` once it is [released](Self::release), and to nothing else.
#[derive(Clone)]
pub(crate) struct SlowStore(Arc<Inner>);

struct Inner {
    verdict: Verdict,
    asked: AtomicUsize,
    released: Semaphore,
}

#[derive(Clone, Copy)]
pub(crate) enum Verdict {
    NotRevoked,
    Revoked,
    /// The first lookup fails, the second finds a revocation.
    RevokedInSecondLookup,
    /// The store fails for this reason.
    Fails(&'static str),
    /// The store cannot hold the ids of the token.
    RejectsIds,
}

impl SlowStore {
    pub(crate) fn new(verdict: Verdict) -> Self {
        let (asked, released) = (AtomicUsize::new(0), Semaphore::new(0));
        Self(Arc::new(Inner { verdict, asked, released }))
    }

    /// A store that responds immediately.
    pub(crate) fn released(verdict: Verdict) -> Self {
        let store = Self::new(verdict);
        store.release();
        store
    }

    /// Lets it respond, now and in future.
    pub(crate) fn release(&self) {
        self.0.released.add_permits(1);
    }

    /// How many calls it has received.
    pub(crate) fn asked(&self) -> usize {
        self.0.asked.load(Ordering::SeqCst)
    }
}

impl TokenStore for SlowStore {
    async fn is_revoked(&self, _: &TokenRef<'_>) -> Result<bool, StoreError> {
        let earlier = self.0.asked.fetch_add(1, Ordering::SeqCst);
        let _permit = self.0.released.acquire().await.unwrap();
        match self.0.verdict {
            Verdict::NotRevoked => Ok(false),
            Verdict::Revoked => Ok(true),
            Verdict::RevokedInSecondLookup if earlier == 1 => Ok(true),
            Verdict::RevokedInSecondLookup => Err(StoreError::unavailable("the first lookup")),
            Verdict::Fails(reason) => Err(StoreError::unavailable(reason)),
            Verdict::RejectsIds => Err(StoreError::invalid_input("an id is too long")),
        }
    }

    async fn generation(&self) -> Result<Generation, StoreError> {
        unreachable!("a layer calls `is_revoked` only")
    }

    async fn begin(&self, _: &NewSession<'_>) -> Result<Begun, StoreError> {
        unreachable!("a layer calls `is_revoked` only")
    }

    async fn spend(&self, _: &Spend<'_>) -> Result<Spent, StoreError> {
        unreachable!("a layer calls `is_revoked` only")
    }

    async fn consume(&self, _: &Consume<'_>, _: NumericDate) -> Result<Consumed, StoreError> {
        unreachable!("a layer calls `is_revoked` only")
    }

    async fn revoke(&self, _: &Revocation<'_>, _: NumericDate) -> Result<(), StoreError> {
        unreachable!("a layer calls `is_revoked` only")
    }

    async fn sessions(
        &self,
        _: &UserId,
        _: NumericDate,
        _: Page<'_>,
    ) -> Result<SessionPage, StoreError> {
        unreachable!("a layer calls `is_revoked` only")
    }

    async fn set_label(
        &self,
        _: &UserId,
        _: &str,
        _: Option<&str>,
        _: NumericDate,
    ) -> Result<bool, StoreError> {
        unreachable!("a layer calls `is_revoked` only")
    }

    async fn purge(&self, _: NumericDate, _: usize) -> Result<usize, StoreError> {
        unreachable!("a layer calls `is_revoked` only")
    }
}

impl Verdict {
    pub(crate) fn is_not_revoked(self) -> bool {
        matches!(self, Self::NotRevoked)
    }
}
