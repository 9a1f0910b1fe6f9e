//! Time: [`NumericDate`], the format of tokens, and [`Clock`].

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, SystemTime},
};

/// A time in whole seconds since 1970-01-01T00:00:00Z, the format of [RFC 7519 section 2].
///
/// The latest time is 9999-12-31T23:59:59Z. Arithmetic saturates there and at zero.
///
/// [RFC 7519 section 2]: https://www.rfc-editor.org/rfc/rfc7519#section-2
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NumericDate(u64);

impl NumericDate {
    /// The latest time: 9999-12-31T23:59:59Z, the last second with a four-digit year.
    pub const MAX: Self = Self(253_402_300_799);

    /// Creates a time from seconds since 1970. Later than [`MAX`](Self::MAX) becomes `MAX`.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        if secs > Self::MAX.0 { Self::MAX } else { Self(secs) }
    }

    /// Returns the seconds since 1970.
    #[must_use]
    pub const fn as_secs(self) -> u64 {
        self.0
    }

    /// Adds `duration`, whose fraction of a second is ignored.
    #[must_use]
    pub const fn saturating_add(self, duration: Duration) -> Self {
        Self::from_secs(self.0.saturating_add(duration.as_secs()))
    }

    /// Subtracts `duration`, whose fraction of a second is ignored.
    #[must_use]
    pub const fn saturating_sub(self, duration: Duration) -> Self {
        Self(self.0.saturating_sub(duration.as_secs()))
    }

    /// Formats the time as [RFC 3339] in UTC.
    ///
    /// ```
    /// use tower_jwt_auth::NumericDate;
    ///
    /// let date = NumericDate::from_secs(1_700_000_000);
    /// assert_eq!(date.to_rfc3339(), "2023-11-14T22:13:20Z");
    /// ```
    ///
    /// [RFC 3339]: https://www.rfc-editor.org/rfc/rfc3339#section-5.6
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        let (days, secs) = (self.0 / 86_400, self.0 % 86_400);
        let (year, month, day) = civil_date(days);
        let (hour, minute, second) = (secs / 3600, secs / 60 % 60, secs % 60);
        format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }

    /// Returns the time since `earlier`, or zero if `earlier` is later.
    #[must_use]
    pub const fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_secs(self.0.saturating_sub(earlier.0))
    }
}

/// The year, month and day of the Gregorian calendar, `days` after 1970-01-01:
/// <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>.
const fn civil_date(days: u64) -> (u64, u64, u64) {
    // Years begin in March, so that a leap day is the last day of its year. 400 years have 146 097
    // days.
    let days = days + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month + 2) / 5 + 1;
    let year = era * 400 + year_of_era;
    if month < 10 { (year, month + 3, day) } else { (year + 1, month - 9, day) }
}

impl From<SystemTime> for NumericDate {
    /// Converts to whole seconds, rounded down. A time before 1970 becomes 1970.
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

/// The source of the current time: the system, or a [`ManualClock`] in tests.
#[derive(Clone, Default)]
pub struct Clock(Source);

#[derive(Clone, Default)]
enum Source {
    #[default]
    System,
    Manual(ManualClock),
}

impl Clock {
    /// The clock of the operating system. It is the default everywhere.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// Returns the current time.
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

/// A clock that changes only when it is set or advanced, so that tests need not sleep.
///
/// Clones share the same time.
///
/// ```
/// use std::time::Duration;
/// use tower_jwt_auth::{Clock, ManualClock, NumericDate};
///
/// let manual = ManualClock::new(NumericDate::from_secs(1_000));
/// let clock = Clock::from(&manual);
/// manual.advance(Duration::from_secs(60));
/// assert_eq!(clock.now(), NumericDate::from_secs(1_060));
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Creates a clock with the time `now`.
    #[must_use]
    pub fn new(now: NumericDate) -> Self {
        Self(Arc::new(AtomicU64::new(now.as_secs())))
    }

    /// Returns its time.
    #[must_use]
    pub fn now(&self) -> NumericDate {
        NumericDate::from_secs(self.0.load(Ordering::SeqCst))
    }

    /// Sets its time to `now`, which may be earlier.
    pub fn set(&self, now: NumericDate) {
        self.0.store(now.as_secs(), Ordering::SeqCst);
    }

    /// Advances it by the whole seconds of `duration`, at most to [`NumericDate::MAX`].
    pub fn advance(&self, duration: Duration) {
        let advanced = |now| Some(NumericDate::from_secs(now).saturating_add(duration).as_secs());
        // It cannot fail: the closure always returns a value.
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, advanced);
    }
}
