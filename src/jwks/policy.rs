//! When keys are fetched, and how long they are used.

use std::time::Duration;

use aws_lc_rs::rand;
use http::{
    HeaderMap, HeaderName,
    header::{AGE, CACHE_CONTROL},
};

use crate::clock::NumericDate;

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// The shortest interval that a `max-age` sets. The fetch takes place in its last tenth, so after
/// five minutes at the earliest.
const MIN_INTERVAL: Duration = Duration::from_secs(334);
/// The longest interval that a `max-age` sets.
const MAX_INTERVAL: Duration = DAY;
/// The interval after a response without `max-age`.
const DEFAULT_INTERVAL: Duration = HOUR;

/// The longest pause between two failed fetches while there are usable keys.
const MAX_RETRY_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause between two failed fetches while there are none.
const MAX_RETRY_PAUSE_WITHOUT_KEYS: Duration = Duration::from_secs(5);
/// Limits the exponential backoff, so that it does not overflow.
const MAX_DOUBLINGS: u32 = 8;

pub(super) struct Policy {
    /// Replaces the interval of the response.
    pub(super) refresh_every: Option<Duration>,
    pub(super) cooldown: Duration,
    pub(super) max_stale: Duration,
    pub(super) timeout: Duration,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            refresh_every: None,
            cooldown: Duration::from_secs(30),
            max_stale: DAY,
            timeout: Duration::from_secs(5),
        }
    }
}

impl Policy {
    /// The time from a successful fetch with these headers to the next one: before the keys expire
    /// and before they become too old to use.
    pub(super) fn refresh_after(&self, headers: &HeaderMap) -> Duration {
        let interval = self.refresh_every.unwrap_or_else(|| match lifetime(headers) {
            Some(lifetime) => lifetime.clamp(MIN_INTERVAL, MAX_INTERVAL),
            None => DEFAULT_INTERVAL,
        });
        in_last_tenth(interval.min(nine_tenths(self.max_stale)))
    }

    /// The time from the last of `failures` fetches to the next one.
    pub(super) fn retry_after(&self, failures: u32, is_usable: bool) -> Duration {
        let doublings = failures.saturating_sub(1).min(MAX_DOUBLINGS);
        let longest = if is_usable { MAX_RETRY_PAUSE } else { MAX_RETRY_PAUSE_WITHOUT_KEYS };
        let pause = Duration::from_secs(1 << doublings).min(longest);
        pause.min(self.refresh_every.unwrap_or(longest))
    }
}

/// Nine tenths of `duration`, in whole seconds.
fn nine_tenths(duration: Duration) -> Duration {
    Duration::from_secs((duration - duration / 10).as_secs())
}

/// A random time in the last tenth of `duration`, in whole seconds. Without randomness, copies of a
/// service that started together would always send their requests together.
fn in_last_tenth(duration: Duration) -> Duration {
    let (earliest, latest) = (nine_tenths(duration).as_secs(), duration.as_secs());
    let mut random = [0; 8];
    // Without random numbers, an early fetch is better than none.
    let delay = match rand::fill(&mut random) {
        Ok(()) => u64::from_ne_bytes(random) % (latest - earliest + 1),
        Err(_) => 0,
    };
    Duration::from_secs((earliest + delay).max(1))
}

/// How long a response with these headers stays fresh, if they define it
/// ([RFC 9111](https://www.rfc-editor.org/rfc/rfc9111)).
fn lifetime(headers: &HeaderMap) -> Option<Duration> {
    let directives = || {
        let values = headers.get_all(CACHE_CONTROL).iter().filter_map(|value| value.to_str().ok());
        values.flat_map(|value| value.split(',')).map(str::trim)
    };
    let is_uncacheable =
        |name: &str| ["no-cache", "no-store"].iter().any(|other| name.eq_ignore_ascii_case(other));
    if directives().any(is_uncacheable) {
        return Some(Duration::ZERO);
    }
    let max_age = directives().find_map(|directive| {
        let (name, value) = directive.split_once('=')?;
        name.trim().eq_ignore_ascii_case("max-age").then(|| value.trim().trim_matches('"'))
    })?;
    let age = seconds(headers, &AGE).unwrap_or(0);
    Some(Duration::from_secs(max_age.parse::<u64>().ok()?.saturating_sub(age)))
}

fn seconds(headers: &HeaderMap, name: &HeaderName) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// Whether `duration`, rounded up to whole seconds, has passed since `since`. A clock that was set
/// back ends every wait.
pub(super) fn has_passed(now: NumericDate, since: NumericDate, duration: Duration) -> bool {
    remaining(now, since, duration).is_zero()
}

/// The part of `duration` after `since` that has not passed.
pub(super) fn remaining(now: NumericDate, since: NumericDate, duration: Duration) -> Duration {
    if now < since {
        return Duration::ZERO;
    }
    let whole = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
    Duration::from_secs(whole).saturating_sub(now.saturating_duration_since(since))
}
