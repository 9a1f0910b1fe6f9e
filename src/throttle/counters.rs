//! Counting in the store, and in front of it.

use std::{error::Error, sync::Arc, time::Duration};

use crate::{
    clock::NumericDate,
    error::AuthError,
    store::{Attempt, AttemptLimit, Attempted},
    trace::warn,
};

use super::{recent_waits::RecentWaits, shared_store::SharedStore};

/// A name under which attempts are counted, and its limit.
pub(super) struct Counter {
    pub(super) name: Box<str>,
    pub(super) limit: AttemptLimit,
}

impl Counter {
    pub(super) fn attempt<'a>(&'a self, id: &'a str, now: NumericDate) -> Attempt<'a> {
        Attempt { name: &self.name, id, limit: self.limit, now }
    }
}

#[derive(Clone)]
pub(super) struct Counters {
    store: SharedStore,
    waits: Arc<RecentWaits>,
}

impl Counters {
    pub(super) fn new(store: SharedStore) -> Self {
        Self { store, waits: Arc::new(RecentWaits::new()) }
    }

    /// Fails if a wait was observed a moment ago.
    pub(super) fn check_waits(&self, counter: &Counter, now: NumericDate) -> Result<(), AuthError> {
        match self.waits.end_of(&counter.name, now) {
            Some(until) => Err(throttled(until, now)),
            None => Ok(()),
        }
    }

    pub(super) async fn count(
        &self,
        counter: &Counter,
        attempt: &Attempt<'_>,
    ) -> Result<(), AuthError> {
        match self.store.attempt(attempt).await? {
            Attempted::Permitted => Ok(()),
            Attempted::Blocked { until } => {
                self.waits.observe(&counter.name, attempt.now, until);
                Err(throttled(until, attempt.now))
            }
        }
    }

    pub(super) async fn take_back(&self, counter: &Counter, attempt: &Attempt<'_>) {
        if let Err(error) = self.store.take_back(attempt).await {
            warn_of(&error);
        }
        self.waits.forget(&counter.name);
    }

    pub(super) async fn forget(&self, counter: &Counter) {
        if let Err(error) = self.reset(counter).await {
            warn_of(&error);
        }
    }

    pub(super) async fn reset(&self, counter: &Counter) -> Result<(), AuthError> {
        let outcome = self.store.forget_attempts(&counter.name).await;
        self.waits.forget(&counter.name);
        outcome
    }
}

fn throttled(until: NumericDate, now: NumericDate) -> AuthError {
    AuthError::throttled(until.saturating_duration_since(now).max(Duration::from_secs(1)))
}

fn warn_of(error: &AuthError) {
    warn!(error = error as &dyn Error, "an attempt to log in stays counted");
}
