use std::{fmt, time::Duration};

use crate::{clock::Clock, error::ConfigError};

use super::{
    feed::RevocationFeed, index::Index, revocation_replica::RevocationReplica,
    staleness::Staleness, state::State,
};

const DEFAULT_MAX_AGE: Duration = Duration::from_secs(1);
const SHORTEST_MAX_AGE: Duration = Duration::from_millis(100);
const LONGEST_MAX_AGE: Duration = Duration::from_secs(60);
const DEFAULT_CAPACITY: usize = 4_000_000;

impl<S: RevocationFeed> RevocationReplica<S> {
    /// A replica of `store` with the default settings.
    ///
    /// The store may still be unavailable; the replica connects to it as soon as possible.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    #[must_use]
    pub fn new(store: S) -> Self {
        Self::builder(store).start()
    }

    /// A builder for a replica of `store`.
    pub fn builder(store: S) -> RevocationReplicaBuilder<S> {
        let (max_age, capacity) = (DEFAULT_MAX_AGE, DEFAULT_CAPACITY);
        RevocationReplicaBuilder { store, max_age, capacity, clock: Clock::system() }
    }
}

/// Builds a [`RevocationReplica`].
#[must_use]
pub struct RevocationReplicaBuilder<S> {
    store: S,
    max_age: Duration,
    capacity: usize,
    clock: Clock,
}

impl<S: RevocationFeed> RevocationReplicaBuilder<S> {
    /// Sets how old the replica's knowledge may be when it decides: 100 milliseconds to 1 minute.
    /// Default: 1 second.
    ///
    /// After a revocation, other machines may accept the token for this long. A shorter time means
    /// that a slow store is asked sooner, and that the store passes on more heartbeats: four in this
    /// time.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Sets how many revocations are kept in memory, of 30 to 80 bytes each. Default: 4 000 000.
    ///
    /// While there are more, every token is checked by the store.
    pub fn capacity(mut self, capacity: usize) -> Self {
        self.capacity = capacity;
        self
    }

    /// Sets the clock by which revocations expire. Default: the system's.
    ///
    /// It must be the [issuer's clock](crate::issue::IssuerBuilder::clock).
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Starts the replica.
    ///
    /// # Errors
    ///
    /// When [`max_age`](Self::max_age) is out of range, or [`capacity`](Self::capacity) is zero.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn build(self) -> Result<RevocationReplica<S>, ConfigError> {
        if !(SHORTEST_MAX_AGE..=LONGEST_MAX_AGE).contains(&self.max_age) {
            return Err(ConfigError::out_of_range(
                "the replica's `max_age` must be 100 milliseconds to 1 minute",
            ));
        }
        if self.capacity == 0 {
            return Err(ConfigError::ineffective("the replica's `capacity` must not be zero"));
        }
        Ok(self.start())
    }

    /// Starts the replica with settings that are valid.
    fn start(self) -> RevocationReplica<S> {
        let Self { store, max_age, capacity, clock } = self;
        let index = Index::with_capacity(capacity);
        RevocationReplica::start(store, State { index, staleness: Staleness::new(max_age), clock })
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
