//! Waits that were observed a moment ago, so that a flood costs no call to the store for each attempt.
//!
//! A limiter of its own in front of the store would have to guess the state of the other machines. The
//! last response of the store is exact: during a wait, nothing but a login that began earlier changes
//! it.

use std::time::Duration;

use quick_cache::sync::Cache;

use crate::clock::NumericDate;

const CAPACITY: usize = 10_000;
/// For how long a response of the store is used.
const FRESH: Duration = Duration::from_secs(5);

pub(super) struct RecentWaits(Cache<Box<str>, Wait>);

#[derive(Clone, Copy)]
struct Wait {
    observed_at: NumericDate,
    until: NumericDate,
}

impl RecentWaits {
    pub(super) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    /// The end of the wait of `name`, if there is one.
    pub(super) fn end_of(&self, name: &str, now: NumericDate) -> Option<NumericDate> {
        let wait = self.0.get(name)?;
        let is_fresh =
            wait.observed_at <= now && now < wait.observed_at.saturating_add(FRESH).min(wait.until);
        is_fresh.then_some(wait.until)
    }

    pub(super) fn observe(&self, name: &str, now: NumericDate, until: NumericDate) {
        self.0.insert(name.into(), Wait { observed_at: now, until });
    }

    pub(super) fn forget(&self, name: &str) {
        self.0.remove(name);
    }
}
