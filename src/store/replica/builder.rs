use std::{fmt, time::Duration};

use crate::{clock::Clock, error::ConfigError};

use super::{RevocationReplica, feed::RevocationFeed};

const DEFAULT_MAX_AGE: Duration = Duration::from_secs(1);
const SHORTEST_MAX_AGE: Duration = Duration::from_millis(100);
const LONGEST_MAX_AGE: Duration = Duration::from_secs(60);
const DEFAULT_CAPACITY: usize = 4_000_000;

/// Sets up a [`RevocationReplica`].
#[must_use]
pub struct RevocationReplicaBuilder<S> {
    store: S,
    max_age: Duration,
    capacity: usize,
    clock: Clock,
}

impl<S: RevocationFeed> RevocationReplicaBuilder<S> {
    pub(super) fn new(store: S) -> Self {
        let (max_age, capacity) = (DEFAULT_MAX_AGE, DEFAULT_CAPACITY);
        Self { store, max_age, capacity, clock: Clock::system() }
    }

    /// Sets how old its knowledge may be when it answers; at least 100 milliseconds, at most a
    /// minute. Default: 1 second.
    ///
    /// A revoked token may be taken for good for as long at other machines. The shorter it is, the
    /// sooner a slow store is asked itself, and the more beats it has to pass on: four in this time.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Sets how many revocations it holds, of 30 to 110 bytes each. Default: 4 000 000.
    ///
    /// While there are more, everything is asked of the store.
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Sets the clock by which revocations are forgotten: that of the
    /// [issuer](crate::issue::IssuerBuilder::clock). Default: the system's.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// When [`max_age`](Self::max_age) is out of range, or the [capacity](Self::capacity) is zero.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn build(self) -> Result<RevocationReplica<S>, ConfigError> {
        if !(SHORTEST_MAX_AGE..=LONGEST_MAX_AGE).contains(&self.max_age) {
            return Err(ConfigError::out_of_range(
                "the greatest age of a replica must be from 100 milliseconds to 1 minute",
            ));
        }
        if self.capacity == 0 {
            return Err(ConfigError::ineffective("a replica without capacity answers nothing"));
        }
        Ok(self.start())
    }

    /// Starts it with settings that are known to be good.
    pub(super) fn start(self) -> RevocationReplica<S> {
        RevocationReplica::start(self.store, self.max_age, self.capacity, self.clock)
    }
}

impl<S: fmt::Debug> fmt::Debug for RevocationReplicaBuilder<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RevocationReplicaBuilder")
            .field("store", &self.store)
            .field("max_age", &self.max_age)
            .field("capacity", &self.capacity)
            .finish_non_exhaustive()
    }
}
