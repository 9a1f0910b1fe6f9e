//! How old the replica's knowledge is.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// Until when the replica may answer.
pub(super) struct Freshness {
    begin: Instant,
    /// In nanoseconds since `begin`.
    fresh_until: AtomicU64,
    max_age: Duration,
    gained: Notify,
}

impl Freshness {
    pub(super) fn new(max_age: Duration) -> Self {
        let fresh_until = AtomicU64::new(0);
        Self { begin: Instant::now(), fresh_until, max_age, gained: Notify::new() }
    }

    pub(super) const fn max_age(&self) -> Duration {
        self.max_age
    }

    /// Whether everything is known that was revoked `max_age` ago.
    pub(super) fn is_fresh(&self) -> bool {
        self.now() < self.fresh_until.load(Ordering::Acquire)
    }

    /// Nanoseconds on a clock that nobody sets: the number of a beat that is sent now.
    pub(super) fn now(&self) -> u64 {
        nanos(self.begin.elapsed())
    }

    /// Everything is known that was revoked at `beat`, which was the time once.
    pub(super) fn renew(&self, beat: u64) {
        let fresh_until = beat.min(self.now()).saturating_add(nanos(self.max_age));
        self.fresh_until.fetch_max(fresh_until, Ordering::AcqRel);
        self.gained.notify_waiters();
    }

    /// For how long it is not fresh now.
    pub(super) fn stale_for(&self) -> Duration {
        let fresh_until = self.fresh_until.load(Ordering::Acquire);
        Duration::from_nanos(self.now().saturating_sub(fresh_until))
    }

    /// Whether it has been fresh since it was last [lost](Self::lose).
    pub(super) fn was_gained(&self) -> bool {
        self.fresh_until.load(Ordering::Acquire) > 0
    }

    /// From now on something may be missing.
    pub(super) fn lose(&self) {
        self.fresh_until.store(0, Ordering::Release);
    }

    /// Waits until `is_gained`, looking whenever it may have become so.
    pub(super) async fn wait_until(&self, is_gained: impl Fn() -> bool) {
        loop {
            let gained = self.gained.notified();
            if is_gained() {
                return;
            }
            gained.await;
        }
    }
}

/// They last for 584 years.
const fn nanos(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}
