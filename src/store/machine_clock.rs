//! The clock of the machine, which may jump ahead and back.

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant, SystemTime},
};

use crate::clock::NumericDate;

/// By how many seconds the time of a call may differ from the machine's time, and still come from
/// the machine's clock. Otherwise it comes from another clock, for example that of a test.
const SAME_CLOCK: u64 = 60;
/// A clock that was set ahead is believed after one to two of these periods.
const PERIOD: Duration = Duration::from_secs(3_600);

/// The machine's clock, compared with the time that has really passed.
///
/// What is due only because the clock jumped ahead must not be forgotten: the clock may be set back.
pub(super) struct MachineClock {
    source: Source,
    seen: Mutex<Seen>,
}

enum Source {
    Machine(Instant),
    #[cfg(test)]
    Manual(tests::ManualSource),
}

/// By how many seconds the clock was ahead of the time since the start, at the least: in this period
/// and in the one before.
struct Seen {
    period: u64,
    least_ahead: [u64; 2],
}

impl MachineClock {
    pub(super) fn new() -> Self {
        Self::with_source(Source::Machine(Instant::now()))
    }

    fn with_source(source: Source) -> Self {
        let seen = Seen { period: 0, least_ahead: [u64::MAX; 2] };
        let clock = Self { source, seen: Mutex::new(seen) };
        clock.steady_now();
        clock
    }

    /// Whether `now` comes from the machine's clock.
    pub(super) fn shows(&self, now: NumericDate) -> bool {
        now.as_secs().abs_diff(self.source.read().0) <= SAME_CLOCK
    }

    /// Returns `now`, or an earlier time if it comes from the machine's clock and that has jumped
    /// ahead.
    pub(super) fn steady(&self, now: NumericDate) -> NumericDate {
        if self.shows(now) { now.min(self.steady_now()) } else { now }
    }

    fn steady_now(&self) -> NumericDate {
        let (secs, elapsed) = self.source.read();
        let ahead = secs.saturating_sub(elapsed.as_secs());
        let period = elapsed.as_secs() / PERIOD.as_secs();
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if period > seen.period {
            *seen = Seen { period, least_ahead: [ahead, seen.least_ahead[0]] };
        }
        seen.least_ahead[0] = seen.least_ahead[0].min(ahead);
        let least = seen.least_ahead[0].min(seen.least_ahead[1]);
        NumericDate::from_secs(least.saturating_add(elapsed.as_secs()))
    }
}

impl Source {
    /// The seconds since 1970, and the time since the start.
    fn read(&self) -> (u64, Duration) {
        match self {
            Self::Machine(start) => {
                (NumericDate::from(SystemTime::now()).as_secs(), start.elapsed())
            }
            #[cfg(test)]
            Self::Manual(source) => source.read(),
        }
    }
}

/// A real clock cannot be made to jump in a test.
#[cfg(test)]
pub(super) mod tests {
    use std::sync::{Arc, MutexGuard};

    use super::*;

    const START: u64 = 1_700_000_000;
    const MINUTE: u64 = 60;
    const HOUR: u64 = 60 * MINUTE;
    const DAY: u64 = 24 * HOUR;

    /// What a test sets: by how much the clock is ahead, and the time that has passed, in seconds.
    #[derive(Clone, Default)]
    pub(in crate::store) struct ManualSource(Arc<Mutex<(u64, u64)>>);

    impl ManualSource {
        pub(in crate::store) fn clock(&self) -> MachineClock {
            MachineClock::with_source(Source::Manual(self.clone()))
        }

        pub(in crate::store) fn now(&self) -> NumericDate {
            NumericDate::from_secs(self.read().0)
        }

        pub(in crate::store) fn set_ahead(&self, secs: u64) {
            self.lock().0 = secs;
        }

        pub(in crate::store) fn wait(&self, secs: u64) {
            self.lock().1 += secs;
        }

        fn lock(&self) -> MutexGuard<'_, (u64, u64)> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }

        pub(super) fn read(&self) -> (u64, Duration) {
            let (ahead, elapsed) = *self.lock();
            (START + ahead + elapsed, Duration::from_secs(elapsed))
        }
    }

    #[test]
    fn a_clock_that_jumps_ahead_for_less_than_an_hour_is_not_believed() {
        let source = ManualSource::default();
        let clock = source.clock();
        for _ in 0..100 {
            source.wait(50 * MINUTE);
            let right = source.now();
            assert_eq!(clock.steady(right), right);
            source.set_ahead(DAY);
            for _ in 0..59 {
                source.wait(MINUTE);
                let steady = clock.steady(source.now());
                assert_eq!(steady.as_secs() + DAY, source.now().as_secs());
            }
            source.set_ahead(0);
        }
    }

    #[test]
    fn a_clock_that_was_set_right_is_believed_after_two_hours() {
        let source = ManualSource::default();
        let clock = source.clock();
        source.wait(10);
        source.set_ahead(DAY);
        for _ in 0..120 {
            clock.steady(source.now());
            source.wait(MINUTE);
        }
        assert_eq!(clock.steady(source.now()), source.now());
        // A clock that is set back is believed at once.
        source.set_ahead(HOUR);
        assert_eq!(clock.steady(source.now()), source.now());
    }

    #[test]
    fn other_clocks_are_believed() {
        let source = ManualSource::default();
        let clock = source.clock();
        for secs in [0, START - 61, START + 61, START + DAY] {
            assert_eq!(clock.steady(NumericDate::from_secs(secs)).as_secs(), secs);
        }
    }
}
