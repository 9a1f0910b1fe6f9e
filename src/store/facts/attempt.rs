use std::{fmt, num::NonZeroU32, time::Duration};

use crate::{clock::NumericDate, error::ConfigError};

use super::{super::error::StoreError, lengths::check_lengths};

/// No wait doubles more often. The longest first wait, a day, then lasts far beyond the longest one.
const MAX_DOUBLINGS: u32 = 20;
const DAY: Duration = Duration::from_secs(86_400);
const MAX_ATTEMPTS: u32 = 10_000;

/// How many attempts are permitted, and how long the next one must wait afterwards.
///
/// The level of an account or address rises by one with each permitted attempt, and falls by one with
/// each [`recovery`](Self::with_recovery). An attempt that takes the level to the number of free
/// [attempts](Self::new) or beyond blocks the next ones for a while: for the
/// [first wait](Self::with_waits) at that number, and for twice as long with each level beyond it, up
/// to the longest wait. Attempts during a block are not counted, so a block always ends by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AttemptLimit {
    attempts: NonZeroU32,
    recovery: Duration,
    first_wait: Duration,
    longest_wait: Duration,
}

impl AttemptLimit {
    /// A limit of `attempts`, with a recovery of 15 minutes, and waits of 30 seconds to an hour.
    ///
    /// # Errors
    ///
    /// If `attempts` is zero or more than 10 000.
    pub const fn new(attempts: u32) -> Result<Self, ConfigError> {
        let Some(attempts) = NonZeroU32::new(attempts) else { return Err(INVALID_ATTEMPTS) };
        if attempts.get() > MAX_ATTEMPTS {
            return Err(INVALID_ATTEMPTS);
        }
        Ok(Self {
            attempts,
            recovery: Duration::from_secs(900),
            first_wait: Duration::from_secs(30),
            longest_wait: Duration::from_secs(3_600),
        })
    }

    /// Sets the time after which an attempt is forgotten, in whole seconds. It is also the average time
    /// between attempts that go on without end. Default: 15 minutes.
    ///
    /// # Errors
    ///
    /// If it is less than a second or more than a day.
    pub fn with_recovery(mut self, recovery: Duration) -> Result<Self, ConfigError> {
        if !is_allowed(recovery) {
            return Err(ConfigError::out_of_range(
                "the recovery of an attempt limit must be 1 second to 1 day",
            ));
        }
        self.recovery = recovery;
        Ok(self)
    }

    /// Sets the first and the longest wait, in whole seconds. Default: 30 seconds and an hour.
    ///
    /// # Errors
    ///
    /// If one is less than a second or more than a day, or the first is longer than the longest.
    pub fn with_waits(mut self, first: Duration, longest: Duration) -> Result<Self, ConfigError> {
        if !is_allowed(first) || !is_allowed(longest) || first > longest {
            return Err(ConfigError::out_of_range(
                "the waits of an attempt limit must be 1 second to 1 day, the first one not longer \
                 than the longest",
            ));
        }
        (self.first_wait, self.longest_wait) = (first, longest);
        Ok(self)
    }

    /// The number of attempts after which the next one must wait.
    #[must_use]
    pub const fn attempts(&self) -> u32 {
        self.attempts.get()
    }

    /// The time after which an attempt is forgotten.
    #[must_use]
    pub const fn recovery(&self) -> Duration {
        self.recovery
    }

    /// The first wait.
    #[must_use]
    pub const fn first_wait(&self) -> Duration {
        self.first_wait
    }

    /// The longest wait.
    #[must_use]
    pub const fn longest_wait(&self) -> Duration {
        self.longest_wait
    }
}

const INVALID_ATTEMPTS: ConfigError =
    ConfigError::out_of_range("an attempt limit must have 1 to 10 000 attempts");

fn is_allowed(duration: Duration) -> bool {
    (Duration::from_secs(1)..=DAY).contains(&duration)
}

/// An attempt that is counted.
///
/// `Debug` shows neither the name nor the id.
#[derive(Clone, Copy)]
pub struct Attempt<'a> {
    /// What the attempt is counted under: a hash that names an account or an address.
    pub name: &'a str,
    /// An id that no other attempt has. A call that is repeated after its reply was lost has the same
    /// id.
    pub id: &'a str,
    /// The limit.
    pub limit: AttemptLimit,
    /// The time of the attempt.
    pub now: NumericDate,
}

impl Attempt<'_> {
    /// Checks the lengths of the name and the id.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](super::super::StoreErrorKind::InvalidInput) if one is longer than
    /// [`MAX_ID_LEN`](super::MAX_ID_LEN), or the id is empty.
    pub fn validate(&self) -> Result<(), StoreError> {
        if self.id.is_empty() {
            return Err(StoreError::invalid_input("the id of an attempt is empty"));
        }
        check_lengths([self.name, self.id])
    }

    /// The time beyond which no block lasts.
    #[must_use]
    pub fn latest_block(&self) -> NumericDate {
        self.now.saturating_add(self.limit.longest_wait)
    }

    /// The highest level that is raised by one more attempt, as the time at which it has fallen to
    /// zero. Higher ones count as this one.
    #[must_use]
    pub fn highest_level(&self) -> NumericDate {
        let AttemptLimit { attempts, recovery, .. } = self.limit;
        self.now.saturating_add(recovery_of(recovery, attempts.get() - 1 + MAX_DOUBLINGS))
    }

    /// Counts this attempt on top of `level`, the time at which the level falls to zero. Returns the
    /// new level, and the time until which the next attempts are blocked, or the beginning of time.
    #[must_use]
    pub fn counted(&self, level: NumericDate) -> (NumericDate, NumericDate) {
        let AttemptLimit { attempts, recovery, first_wait, .. } = self.limit;
        let level = level.max(self.now).min(self.highest_level()).saturating_add(recovery);
        let height =
            level.saturating_duration_since(self.now).as_secs().div_ceil(recovery.as_secs());
        let blocked = match height.checked_sub(u64::from(attempts.get())) {
            Some(surplus) => {
                let wait = first_wait.as_secs() << surplus.min(u64::from(MAX_DOUBLINGS));
                self.now.saturating_add(Duration::from_secs(wait)).min(self.latest_block())
            }
            None => NumericDate::default(),
        };
        (level, blocked)
    }
}

fn recovery_of(recovery: Duration, attempts: u32) -> Duration {
    Duration::from_secs(recovery.as_secs() * u64::from(attempts))
}

impl fmt::Debug for Attempt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Attempt")
            .field("limit", &self.limit)
            .field("now", &self.now)
            .finish_non_exhaustive()
    }
}

/// Whether an attempt is permitted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempted {
    /// It is permitted, and was counted.
    Permitted,
    /// It is not permitted, and was not counted.
    Blocked {
        /// When the next attempt is permitted.
        until: NumericDate,
    },
}
