use std::{fmt, sync::Arc, time::Duration};

use tokio::task::JoinHandle;

use crate::clock::{Clock, NumericDate};

use super::{error::StoreError, token_store::TokenStore};

/// How many entries are forgotten in one go.
const BATCH: usize = 500;
/// How long others have the store to themselves between two goes.
const PAUSE: Duration = Duration::from_millis(50);
/// How long a go may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// A task that has a [`TokenStore`] forget what is over, until it is dropped.
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
/// It purges at once and then after each interval, in batches with pauses between them. Of several
/// copies of a service each may have one. When the store fails, it tries again after the interval.
#[must_use = "purging stops when this is dropped"]
pub struct Purger(JoinHandle<()>);

impl Purger {
    /// Starts purging `store` at every `interval`.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn spawn(store: impl TokenStore, interval: Duration) -> Self {
        Self::spawn_with_clock(store, interval, Clock::system())
    }

    /// The same by another clock: that of the [issuer](crate::issue::IssuerBuilder::clock).
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn spawn_with_clock(store: impl TokenStore, interval: Duration, clock: Clock) -> Self {
        let store = Arc::new(store);
        let purge = move |now, limit| {
            let store = Arc::clone(&store);
            async move { store.purge(now, limit).await }
        };
        Self::spawn_fn(purge, interval, clock)
    }

    /// Starts calling `purge` with the time and a limit at every `interval`.
    pub(crate) fn spawn_fn<F: Future<Output = Result<usize, StoreError>> + Send>(
        purge: impl Fn(NumericDate, usize) -> F + Send + 'static,
        interval: Duration,
        clock: Clock,
    ) -> Self {
        Self(tokio::spawn(async move {
            loop {
                let more = match tokio::time::timeout(DEADLINE, purge(clock.now(), BATCH)).await {
                    Ok(Ok(purged)) => purged == BATCH,
                    // Whatever keeps the store from it shows with every request, too.
                    Ok(Err(_)) | Err(_) => false,
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
