//! Time: [`NumericDate`] as tokens write it, and the [`Clock`] everything reads.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// A moment in whole seconds since 1970-01-01T00:00:00Z, as [RFC 7519 section 2] writes times.
///
/// The latest moment is 9999-12-31T23:59:59Z; arithmetic saturates there and at zero.
///
/// [RFC 7519 section 2]: https://www.rfc-editor.org/rfc/rfc7519#section-2
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumericDate(u64);

impl NumericDate {
    /// 9999-12-31T23:59:59Z, the last second of a four-digit year.
    pub const MAX: Self = Self(253_402_300_799);

    /// The moment `secs` seconds after 1970; later than [`MAX`](Self::MAX) becomes `MAX`.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        if secs > Self::MAX.0 { Self::MAX } else { Self(secs) }
    }

    /// Whole seconds since 1970.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// This moment plus `duration`, whose fraction of a second is dropped.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self::from_secs(self.0.saturating_add(duration.as_secs()))
    }

    /// This moment minus `duration`, whose fraction of a second is dropped.
    #[must_use]
    pub const fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_secs()))
    }

    /// The time from `earlier` to this moment; zero when `earlier` is later.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}

impl From<SystemTime> for NumericDate {
    /// Drops the fraction of a second; a moment before 1970 becomes 1970.
    fn from(time: SystemTime) -> Self {
        let since_epoch = time.duration_since(SystemTime::UNIX_EPOCH);
        Self::from_secs(since_epoch.map_or(0, |elapsed| elapsed.as_secs()))
    }
}

impl From<NumericDate> for SystemTime {
    fn from(date: NumericDate) -> Self {
        Self::UNIX_EPOCH + Duration::from_secs(date.0)
    }
}

/// Where the current time comes from: the system, or a [`ManualClock`] in tests.
#[derive(Clone, Default)]
pub struct Clock(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    Manual(ManualClock),
}

impl Clock {
    /// The clock of the operating system; the default everywhere.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// The current moment.
    #[must_use]
    pub fn now(&self) -> NumericDate {
        match &self.0 {
            Source::System => SystemTime::now().into(),
            Source::Manual(clock) => clock.now(),
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::System => "Clock(system)",
            Source::Manual(_) => "Clock(manual)",
        })
    }
}

impl From<ManualClock> for Clock {
    fn from(clock: ManualClock) -> Self {
        Self(Source::Manual(clock))
    }
}

impl From<&ManualClock> for Clock {
    fn from(clock: &ManualClock) -> Self {
        Self::from(clock.clone())
    }
}

/// A clock that stands still until it is moved, so that tests of expiry need not sleep.
///
/// Clones share the same hands.
///
/// ```
/// use std::time::Duration;
/// use tower_jwt_auth::{Clock, ManualClock, NumericDate};
///
/// let hands = ManualClock::new(NumericDate::from_secs(1_000));
/// let clock = Clock::from(&hands);
/// hands.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), NumericDate::from_secs(1_060));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// A clock that shows `now`.
    #[must_use]
    pub fn new(now: NumericDate) -> Self {
        Self(Arc::new(AtomicU64::new(now.as_secs())))
    }

    /// The moment it shows.
    #[must_use]
    pub fn now(&self) -> NumericDate {
        NumericDate::from_secs(self.0.load(Ordering::SeqCst))
    }

    /// Moves it to `now`, which may lie in its past.
    pub fn set(&self, now: NumericDate) {
        self.0.store(now.as_secs(), Ordering::SeqCst);
    }

    /// Moves it on by the whole seconds of `duration`, to [`NumericDate::MAX`] at most.
    pub fn advance(&self, duration: Duration) {
        let advanced = |now| Some(NumericDate::from_secs(now).saturating_add(duration).as_secs());
        // The closure never declines.
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, advanced);
    }
}
