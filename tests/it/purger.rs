//! The task that has a store forget.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tower_jwt_auth::{
    ManualClock, MemoryStore, NumericDate,
    store::{
        Begun, Generation, NewSession, Page, Purger, Revocation, SessionPage, Spend, Spent,
        StoreError, TokenRef, TokenStore,
    },
    token::UserId,
};

use crate::support::session::{at, begin};

/// Waits, on a clock that jumps, until `done`.
async fn until(done: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("it never happens");
}

#[tokio::test(start_paused = true)]
async fn what_is_over_is_forgotten_until_the_purger_is_dropped() {
    let store = MemoryStore::new();
    let clock = ManualClock::new(at(0));
    for id in 0..2000 {
        begin(&store, &id.to_string(), "first").await.unwrap();
    }
    let hour = Duration::from_secs(3600);
    let purger = Purger::spawn_with_clock(store.clone(), hour, (&clock).into());
    tokio::time::sleep(hour * 3).await;
    assert_eq!(store.len(), 2000, "nothing is over");
    clock.set(at(2_000_000));
    until(|| store.is_empty()).await;

    drop(purger);
    clock.set(at(0));
    begin(&store, "left", "first").await.unwrap();
    clock.set(at(2_000_000));
    tokio::time::sleep(hour * 3).await;
    assert_eq!(store.len(), 1, "the purger has stopped");
}

/// A store that fails or hangs whenever it is purged.
struct Broken {
    tries: Arc<AtomicUsize>,
    hangs: bool,
}

impl TokenStore for Broken {
    async fn generation(&self) -> Result<Generation, StoreError> {
        Err(StoreError::unavailable("broken"))
    }

    async fn begin(&self, _: &NewSession<'_>) -> Result<Begun, StoreError> {
        Err(StoreError::unavailable("broken"))
    }

    async fn spend(&self, _: &Spend<'_>) -> Result<Spent, StoreError> {
        Err(StoreError::unavailable("broken"))
    }

    async fn revoke(&self, _: &Revocation<'_>, _: NumericDate) -> Result<(), StoreError> {
        Err(StoreError::unavailable("broken"))
    }

    async fn is_revoked(&self, _: &TokenRef<'_>) -> Result<bool, StoreError> {
        Err(StoreError::unavailable("broken"))
    }

    async fn sessions(
        &self,
        _: &UserId,
        _: NumericDate,
        _: Page<'_>,
    ) -> Result<SessionPage, StoreError> {
        Err(StoreError::unavailable("broken"))
    }

    async fn purge(&self, _: NumericDate, _: usize) -> Result<usize, StoreError> {
        self.tries.fetch_add(1, Ordering::Relaxed);
        if self.hangs {
            std::future::pending().await
        } else {
            Err(StoreError::unavailable("broken"))
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_store_that_fails_or_hangs_is_tried_again() {
    for hangs in [false, true] {
        let tries = Arc::new(AtomicUsize::new(0));
        let store = Broken { tries: Arc::clone(&tries), hangs };
        let _purger = Purger::spawn(store, Duration::from_secs(60));
        until(|| tries.load(Ordering::Relaxed) >= 3).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(tries.load(Ordering::Relaxed) < 10, "it is given time");
    }
}

#[tokio::test(start_paused = true)]
async fn no_interval_is_too_short() {
    let tries = Arc::new(AtomicUsize::new(0));
    let store = Broken { tries: Arc::clone(&tries), hangs: false };
    let _purger = Purger::spawn(store, Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(tries.load(Ordering::Relaxed) < 50, "it leaves pauses");
}
