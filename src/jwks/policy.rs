//! When keys are fetched, and for how long they serve.

use std::time::Duration;

use aws_lc_rs::rand;
use http::{
    HeaderMap, HeaderName,
    header::{AGE, CACHE_CONTROL},
};

use crate::clock::NumericDate;

const MINUTE: Duration = Duration::from_secs(60);
/// In its last tenth, five minutes are over.
const SHORTEST_INTERVAL: Duration = Duration::from_secs(334);
const LONGEST_INTERVAL: Duration = MINUTE.saturating_mul(24 * 60);
/// Where the server does not say.
const USUAL_INTERVAL: Duration = MINUTE.saturating_mul(60);
/// Between two tries while there are usable keys, and while there are none.
const LONGEST_PAUSES: [Duration; 2] = [Duration::from_secs(30), Duration::from_secs(5)];

pub(super) struct Policy {
    /// How often keys are refreshed, whatever the server says.
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
            max_stale: MINUTE * 24 * 60,
            timeout: Duration::from_secs(5),
        }
    }
}

impl Policy {
    /// How long after a good fetch with these headers the next one is due: before what it brought
    /// expires, and before it must not be used any more.
    pub(super) fn refresh_after(&self, headers: &HeaderMap) -> Duration {
        let usual = || match lifetime(headers) {
            Some(lifetime) => lifetime.clamp(SHORTEST_INTERVAL, LONGEST_INTERVAL),
            None => USUAL_INTERVAL,
        };
        let interval = self.refresh_every.unwrap_or_else(usual);
        in_last_tenth(interval.min(before(self.max_stale)))
    }

    /// How long after the last of `failures` fetches the next try is due.
    pub(super) fn retry_after(&self, failures: u32, is_usable: bool) -> Duration {
        let doubled = Duration::from_secs(1 << failures.saturating_sub(1).min(8));
        let longest = LONGEST_PAUSES[usize::from(!is_usable)];
        doubled.min(longest).min(self.refresh_every.unwrap_or(longest))
    }
}

/// Nine tenths of `duration`, in whole seconds.
fn before(duration: Duration) -> Duration {
    Duration::from_secs((duration - duration / 10).as_secs())
}

/// Some time in the last tenth of `duration`, in whole seconds: copies of a service that began
/// together would ask together for ever.
fn in_last_tenth(duration: Duration) -> Duration {
    let (earliest, latest) = (before(duration).as_secs(), duration.as_secs());
    let mut random = [0; 8];
    // Without random numbers, early is better than not at all.
    let later = match rand::fill(&mut random) {
        Ok(()) => u64::from_ne_bytes(random) % (latest - earliest + 1),
        Err(_) => 0,
    };
    Duration::from_secs((earliest + later).max(1))
}

/// For how long an answer with these headers is fresh, if they say
/// ([RFC 9111](https://www.rfc-editor.org/rfc/rfc9111)).
fn lifetime(headers: &HeaderMap) -> Option<Duration> {
    let directives = || {
        let lines = headers.get_all(CACHE_CONTROL).iter().filter_map(|line| line.to_str().ok());
        lines.flat_map(|line| line.split(',')).map(str::trim)
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

/// Whether `duration`, in whole seconds and rounded up, has passed since `since`; a clock that was
/// set back ends every wait.
pub(super) fn has_passed(now: NumericDate, since: NumericDate, duration: Duration) -> bool {
    remaining(now, since, duration).is_zero()
}

/// How much of `duration` after `since` is left.
pub(super) fn remaining(now: NumericDate, since: NumericDate, duration: Duration) -> Duration {
    if now < since {
        return Duration::ZERO;
    }
    let whole = duration.as_secs().saturating_add(u64::from(duration.subsec_nanos() > 0));
    Duration::from_secs(whole).saturating_sub(now.saturating_duration_since(since))
}
