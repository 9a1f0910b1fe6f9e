//! How old the replica's knowledge is.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::{sync::Notify, time::Instant};

/// Until when the replica may decide.
pub(super) struct Staleness {
    start: Instant,
    /// In nanoseconds since `start`.
    fresh_until: AtomicU64,
    max_age: Duration,
    renewed: Notify,
}

impl Staleness {
    pub(super) fn new(max_age: Duration) -> Self {
        let fresh_until = AtomicU64::new(0);
        Self { start: Instant::now(), fresh_until, max_age, renewed: Notify::new() }
    }

    pub(super) const fn max_age(&self) -> Duration {
        self.max_age
    }

    /// Whether everything is known that was revoked more than `max_age` ago.
    pub(super) fn is_fresh(&self) -> bool {
        self.now() < self.fresh_until.load(Ordering::Acquire)
    }

    /// Nanoseconds on a monotonic clock: the number of a heartbeat that is sent now.
    pub(super) fn now(&self) -> u64 {
        nanos(self.start.elapsed())
    }

    /// Everything is known that was revoked when the heartbeat `number` was sent.
    pub(super) fn renew(&self, number: u64) {
        let fresh_until = number.min(self.now()).saturating_add(nanos(self.max_age));
        self.fresh_until.fetch_max(fresh_until, Ordering::AcqRel);
        self.renewed.notify_waiters();
    }

    /// For how long it has not been fresh.
    pub(super) fn stale_for(&self) -> Duration {
        let fresh_until = self.fresh_until.load(Ordering::Acquire);
        Duration::from_nanos(self.now().saturating_sub(fresh_until))
    }

    /// Whether it has been fresh since the last [`reset`](Self::reset).
    pub(super) fn was_renewed(&self) -> bool {
        self.fresh_until.load(Ordering::Acquire) > 0
    }

    /// From now on a revocation may be missing.
    pub(super) fn reset(&self) {
        self.fresh_until.store(0, Ordering::Release);
    }

    /// Waits until `condition` holds, and checks it after every renewal.
    pub(super) async fn wait_until(&self, condition: impl Fn() -> bool) {
        loop {
            let renewed = self.renewed.notified();
            if condition() {
                return;
            }
            renewed.await;
        }
    }
}

/// Enough for 584 years.
const fn nanos(duration: Duration) -> u64 {
    duration.as_nanos() as u64
}
