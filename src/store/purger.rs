use std::{fmt, sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use crate::{
    clock::{Clock, NumericDate},
    metrics::count,
    trace::warn,
};

use super::{error::StoreError, token_store::TokenStore};

/// The number of entries in a batch.
const BATCH: usize = 500;
/// The pause between two batches, which leaves the store to others.
const PAUSE: Duration = Duration::from_millis(50);
/// The time that a batch may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// A task that deletes the expired entries of a [`TokenStore`] until this is dropped.
///
/// ```
/// use std::time::Duration;
/// use tower_jwt_auth::{MemoryStore, store::Purger};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let store = MemoryStore::new();
/// let _purger = Purger::spawn(store.clone(), Duration::from_secs(300));
/// # }
/// ```
///
/// It purges at once, and then after each interval, in batches with pauses between them. Every
/// instance of a service may have a purger. If the store fails, it tries again after the interval.
#[must_use = "purging stops when this is dropped"]
pub struct Purger(JoinHandle<()>);

impl Purger {
    /// Starts purging `store` every `interval`.
    ///
    /// # Panics
    ///
    /// If called outside of a Tokio runtime.
    pub fn spawn(store: impl TokenStore, interval: Duration) -> Self {
        Self::spawn_with_clock(store, interval, Clock::system())
    }

    /// Starts purging `store` every `interval`, by the clock of the
    /// [issuer](crate::issue::IssuerBuilder::clock).
    ///
    /// # Panics
    ///
    /// If called outside of a Tokio runtime.
    pub fn spawn_with_clock(store: impl TokenStore, interval: Duration, clock: Clock) -> Self {
        let store = Arc::new(store);
        let purge = move |now, limit| {
            let store = Arc::clone(&store);
            async move { store.purge(now, limit).await }
        };
        Self::spawn_fn(purge, interval, clock)
    }

    /// Calls `purge` with the time and a limit every `interval`.
    pub(crate) fn spawn_fn<F: Future<Output = Result<usize, StoreError>> + Send>(
        purge: impl Fn(NumericDate, usize) -> F + Send + 'static,
        interval: Duration,
        clock: Clock,
    ) -> Self {
        Self(tokio::spawn(async move {
            loop {
                let more = match tokio::time::timeout(DEADLINE, purge(clock.now(), BATCH)).await {
                    Ok(Ok(purged)) => {
                        count!("jwt_auth_purges_total", "outcome" => "ok");
                        purged == BATCH
                    }
                    Ok(Err(error)) => {
                        count!("jwt_auth_purges_total", "outcome" => "failed");
                        warn!(cause = %crate::error::Causes(&error), "purging failed");
                        drop(error);
                        false
                    }
                    Err(_) => {
                        count!("jwt_auth_purges_total", "outcome" => "failed");
                        warn!("purging failed: the store did not respond in time");
                        false
                    }
                };
                tokio::time::sleep(if more { PAUSE } else { interval.max(PAUSE) }).await;
            }
        }))
    }
}

impl Drop for Purger {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for Purger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Purger").finish_non_exhaustive()
    }
}
