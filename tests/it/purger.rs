//! Tests of the task that purges a store.

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
        Begun, Consume, Consumed, Generation, NewSession, Page, Purger, Revocation, SessionPage,
        Spend, Spent, StoreError, TokenRef, TokenStore,
    },
    token::UserId,
};

use crate::support::{
    log::Log,
    recorded::Recorded,
    session::{at, begin},
};

/// Waits until `done` returns `true`. Requires the paused clock of tokio.
async fn until(done: impl Fn() -> bool) {
    for _ in 0..10_000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the condition is never met");
}

#[tokio::test(start_paused = true)]
async fn removes_expired_entries_until_it_is_dropped() {
    let store = MemoryStore::new();
    let clock = ManualClock::new(at(0));
    for id in 0..2000 {
        begin(&store, &id.to_string(), "first").await.unwrap();
    }
    let hour = Duration::from_secs(3600);
    let purger = Purger::spawn_with_clock(store.clone(), hour, (&clock).into());
    tokio::time::sleep(hour * 3).await;
    assert_eq!(store.len(), 2000, "an entry was removed before it expired");
    clock.set(at(2_000_000));
    until(|| store.is_empty()).await;

    drop(purger);
    clock.set(at(0));
    begin(&store, "left", "first").await.unwrap();
    clock.set(at(2_000_000));
    tokio::time::sleep(hour * 3).await;
    assert_eq!(store.len(), 1, "the purger still runs after it was dropped");
}

/// A store whose `purge` fails or hangs.
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

    async fn consume(&self, _: &Consume<'_>, _: NumericDate) -> Result<Consumed, StoreError> {
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

    async fn set_label(
        &self,
        _: &UserId,
        _: &str,
        _: Option<&str>,
        _: NumericDate,
    ) -> Result<bool, StoreError> {
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
async fn retries_if_the_store_fails_or_hangs() {
    for hangs in [false, true] {
        let tries = Arc::new(AtomicUsize::new(0));
        let store = Broken { tries: Arc::clone(&tries), hangs };
        let _purger = Purger::spawn(store, Duration::from_secs(60));
        until(|| tries.load(Ordering::Relaxed) >= 3).await;
        tokio::time::sleep(Duration::from_secs(60)).await;
        assert!(tries.load(Ordering::Relaxed) < 10, "the purger retries too often");
    }
}

#[tokio::test(start_paused = true)]
async fn pauses_even_if_the_interval_is_zero() {
    let tries = Arc::new(AtomicUsize::new(0));
    let store = Broken { tries: Arc::clone(&tries), hangs: false };
    let _purger = Purger::spawn(store, Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert!(tries.load(Ordering::Relaxed) < 50, "the purger does not pause");
}

#[tokio::test(start_paused = true)]
async fn logs_and_counts_purges() {
    let (log, _guard) = Log::collect();
    let recorded = Recorded::start();
    let hour = Duration::from_secs(3600);
    for (hangs, line) in [
        (false, "WARN event purging failed cause=the token store is unavailable: broken"),
        (true, "WARN event purging failed: the store did not respond in time"),
    ] {
        let _purger = Purger::spawn(Broken { tries: Arc::default(), hangs }, hour);
        tokio::time::sleep(Duration::from_secs(60)).await;
        let lines = log.take();
        let lines: Vec<_> = lines.iter().filter(|line| line.contains("purger")).collect();
        assert!(lines.len() == 1 && lines[0].starts_with(line), "{lines:?}");
        assert_eq!(recorded.take()[r#"jwt_auth_purges_total{outcome="failed"}"#], 1.0);
    }
    let _purger = Purger::spawn(MemoryStore::new(), hour);
    tokio::time::sleep(Duration::from_secs(60)).await;
    assert_eq!(recorded.take()[r#"jwt_auth_purges_total{outcome="ok"}"#], 1.0);
}
