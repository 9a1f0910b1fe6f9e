//! Dates, durations and clocks.

use std::time::{Duration, SystemTime};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tower_jwt_auth::{Clock, ManualClock, NumericDate};

const NOON: NumericDate = NumericDate::from_secs(1_700_000_000);

#[test]
fn saturates_at_the_year_9999() {
    assert_eq!(NumericDate::MAX.as_secs(), 253_402_300_799);
    for secs in [253_402_300_799, 253_402_300_800, i64::MAX as u64, u64::MAX] {
        assert_eq!(NumericDate::from_secs(secs), NumericDate::MAX);
    }
    for start in [NumericDate::default(), NOON, NumericDate::MAX] {
        // The second is the smallest that overflows 64 bits.
        let over = u64::MAX - start.as_secs().saturating_sub(1);
        let most = [NumericDate::MAX.as_secs(), over, u64::MAX];
        for duration in most.map(Duration::from_secs).into_iter().chain([Duration::MAX]) {
            assert_eq!(start.saturating_add(duration), NumericDate::MAX);
        }
    }
    assert_eq!(NumericDate::from(SystemTime::from(NumericDate::MAX)), NumericDate::MAX);
}

#[test]
fn saturates_at_1970() {
    let epoch = NumericDate::default();
    for duration in [NOON.as_secs(), NOON.as_secs() + 1, u64::MAX].map(Duration::from_secs) {
        assert_eq!(NOON.saturating_sub(duration), epoch);
    }
    assert_eq!(NOON.saturating_duration_since(NumericDate::MAX), Duration::ZERO);
    assert_eq!(NumericDate::from(SystemTime::UNIX_EPOCH - Duration::from_secs(1)), epoch);
}

#[test]
fn ignores_fractions_of_a_second() {
    let almost = Duration::from_millis(1_999);
    let next = NumericDate::from_secs(NOON.as_secs() + 1);
    assert_eq!(NOON.saturating_add(almost), next);
    assert_eq!(next.saturating_sub(almost), NOON);
    assert_eq!(next.saturating_duration_since(NOON), Duration::from_secs(1));
    assert_eq!(NumericDate::from(SystemTime::from(NOON) + almost), next);
}

#[test]
fn a_manual_clock_changes_only_when_it_is_set_or_advanced() {
    let manual = ManualClock::new(NOON);
    let clock = Clock::from(&manual);
    assert_eq!(clock.now(), NOON);
    manual.advance(Duration::from_secs(1));
    assert_eq!(clock.now().saturating_duration_since(NOON), Duration::from_secs(1));
    for _ in 0..2 {
        manual.advance(Duration::MAX);
        assert_eq!(clock.now(), NumericDate::MAX);
    }
    manual.set(NumericDate::default());
    assert_eq!(clock.now(), NumericDate::default());
    assert!(Clock::system().now() > NOON);
}

#[test]
fn formats_as_rfc_3339() {
    const DAY: u64 = 86_400;
    let last = NumericDate::MAX.as_secs();
    // A prime number of seconds, so that all months, days and hours occur.
    let samples = (0..=last).step_by(4_000_037);
    let edges = [0, 1, DAY - 1, DAY, 951_782_399, 951_782_400, 951_868_800, 4_107_542_399];
    for secs in samples.chain(edges).chain([4_107_542_400, last - 1, last]) {
        let date = OffsetDateTime::from_unix_timestamp(secs.try_into().unwrap()).unwrap();
        let formatted = NumericDate::from_secs(secs).to_rfc3339();
        assert_eq!(formatted, date.format(&Rfc3339).unwrap());
    }
    assert_eq!(NumericDate::default().to_rfc3339(), "1970-01-01T00:00:00Z");
    assert_eq!(NumericDate::from_secs(951_782_400).to_rfc3339(), "2000-02-29T00:00:00Z");
    assert_eq!(NumericDate::from_secs(4_107_542_400).to_rfc3339(), "2100-03-01T00:00:00Z");
    assert_eq!(NumericDate::MAX.to_rfc3339(), "9999-12-31T23:59:59Z");
}
