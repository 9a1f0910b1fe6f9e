//! `exp`, `nbf`, `iat`, the leeway and lifetimes.

use std::time::Duration;

use tower_jwt_auth::{Algorithm, ManualClock, NumericDate, Verifier};

use super::{
    EXPIRED, INVALID_CLAIMS, INVALID_SIGNATURE, MALFORMED, NOT_YET_VALID, Outcome, assert_outcome,
    assert_values, builder, strict,
};
use crate::support::{
    keys,
    mint::{Minter, NOW, claims},
};

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

fn with_leeway(secs: u64) -> Verifier {
    with_tolerance(secs, 0)
}

fn with_tolerance(leeway: u64, clock_skew: u64) -> Verifier {
    let [leeway, clock_skew] = [leeway, clock_skew].map(Duration::from_secs);
    builder().leeway(leeway).clock_skew(clock_skew).build().unwrap()
}

/// Values that are not dates.
const NOT_DATES: [(&str, Outcome); 22] = [
    ("null", INVALID_CLAIMS),
    ("true", INVALID_CLAIMS),
    (r#""1700000300""#, INVALID_CLAIMS),
    (r#""2033-01-01T00:00:00Z""#, INVALID_CLAIMS),
    (r#""""#, INVALID_CLAIMS),
    ("[]", INVALID_CLAIMS),
    ("[1700000300]", INVALID_CLAIMS),
    ("{}", INVALID_CLAIMS),
    (r#"{"$numberLong":"1700000300"}"#, INVALID_CLAIMS),
    ("-1", INVALID_CLAIMS),
    ("-0.5", INVALID_CLAIMS),
    ("-1700000300", INVALID_CLAIMS),
    ("-9223372036854775809", INVALID_CLAIMS),
    ("253402300800", INVALID_CLAIMS),
    ("9223372036854775808", INVALID_CLAIMS),
    ("18446744073709551615", INVALID_CLAIMS),
    ("18446744073709551616", INVALID_CLAIMS),
    ("1e300", INVALID_CLAIMS),
    // Numbers beyond the range of a double, and values that are not JSON.
    ("1e400", MALFORMED),
    ("NaN", MALFORMED),
    ("Infinity", MALFORMED),
    ("0700", MALFORMED),
];

#[test]
fn rejects_dates_that_are_not_numbers_from_1970_to_9999() {
    for name in ["exp", "nbf", "iat"] {
        assert_values(&strict(), name, &NOT_DATES);
        // The leeway does not change what a date is.
        assert_values(&with_leeway(300), name, &NOT_DATES);
    }
}

#[test]
fn requires_exp() {
    assert_values(&strict(), "exp", &[("", INVALID_CLAIMS)]);
    assert_values(&with_leeway(300), "exp", &[("", INVALID_CLAIMS)]);
}

#[test]
fn rejects_tokens_on_and_after_their_expiry() {
    assert_values(
        &strict(),
        "exp",
        &[
            ("1700000001", Ok(())),
            ("1700000000", EXPIRED),
            ("1699999999", EXPIRED),
            ("0", EXPIRED),
            ("-0", EXPIRED),
            ("253402300799", Ok(())),
            ("1.7000003e9", Ok(())),
            ("1700000001.0", Ok(())),
            // Fractions are ignored, so the token expires up to a second early.
            ("1700000000.9", EXPIRED),
            ("1e-400", EXPIRED),
        ],
    );
}

#[test]
fn ignores_everything_after_an_exp_that_has_passed() {
    for rest in ["", r#","jti":7"#, r#","exp":1700000300"#, ",", r#","jti":"cut"#] {
        let token = Minter::hs256().token(format!(r#"{{"exp":1700000000{rest}}}"#));
        assert_outcome(&strict(), &token, EXPIRED, rest);
    }
    let token = Minter::hs256().token(r#"{"exp":1700000300,"exp":1700000000}"#);
    assert_outcome(&strict(), &token, INVALID_CLAIMS, "the duplicate is not read");
}

#[test]
fn verifies_the_signature_before_the_times() {
    let forger = Minter::new(Algorithm::HS256, keys::LONG_SECRET);
    for exp in ["1700000300", "1700000000", "0", "null", ""] {
        let token = forger.token(claims(&[("exp", exp)]));
        assert_outcome(&strict(), &token, INVALID_SIGNATURE, exp);
    }
}

#[test]
fn the_leeway_extends_the_expiry() {
    let rows = [("1699999991", Ok(())), ("1699999990", EXPIRED), ("1699999989", EXPIRED)];
    assert_values(&with_leeway(10), "exp", &rows);
    let rows = [("1699999701", Ok(())), ("1699999700", EXPIRED)];
    assert_values(&with_leeway(300), "exp", &rows);
}

#[test]
fn rejects_nbf_iat_and_auth_time_in_the_future() {
    for name in ["nbf", "iat", "auth_time"] {
        let rows = [
            ("0", Ok(())),
            ("1699999999.9", Ok(())),
            ("1700000000", Ok(())),
            ("1700000001", NOT_YET_VALID),
            ("1700003600", NOT_YET_VALID),
            ("253402300799", NOT_YET_VALID),
            ("", Ok(())),
        ];
        assert_values(&with_tolerance(0, 0), name, &rows);
        let rows = [("1700000010", Ok(())), ("1700000011", NOT_YET_VALID)];
        assert_values(&with_leeway(10), name, &rows);
    }
}

/// Clocks of two machines differ, so a new token may seem to be issued in the future.
#[test]
fn tolerates_clock_skew_in_nbf_iat_and_auth_time() {
    for name in ["nbf", "iat", "auth_time"] {
        let within = |tolerance: u64| {
            let [last, next] = [NOW + tolerance, NOW + tolerance + 1].map(|date| date.to_string());
            move |verifier: &Verifier| {
                let rows = [(last.as_str(), Ok(())), (next.as_str(), NOT_YET_VALID)];
                assert_values(verifier, name, &rows);
            }
        };
        within(60)(&strict());
        within(5)(&with_tolerance(0, 5));
        within(300)(&with_tolerance(0, 300));
        // The larger of both counts, not the sum.
        within(60)(&with_tolerance(10, 60));
        within(100)(&with_tolerance(100, 60));
    }
    // The skew does not extend the lifetime.
    let rows = [("1700000001", Ok(())), ("1700000000", EXPIRED)];
    assert_values(&strict(), "exp", &rows);
    assert_values(&with_tolerance(0, 300), "exp", &rows);
}

#[test]
fn reads_the_clock_at_every_call() {
    let clock = ManualClock::new(NumericDate::from_secs(NOW - 1));
    let verifier: Verifier = builder().clock(&clock).clock_skew(Duration::ZERO).build().unwrap();
    let token = Minter::hs256().token(claims(&[]));
    let at = |now: u64, expected| {
        clock.set(NumericDate::from_secs(now));
        assert_outcome(&verifier, &token, expected, &now.to_string());
    };
    at(NOW - 1, NOT_YET_VALID);
    at(NOW, Ok(()));
    at(NOW + 299, Ok(()));
    at(NOW + 300, EXPIRED);
    at(NOW + 299, Ok(()));
    at(LAST, EXPIRED);
    at(0, NOT_YET_VALID);
}

#[test]
fn date_arithmetic_saturates() {
    let clock = ManualClock::new(NumericDate::MAX);
    let verifier: Verifier =
        builder().clock(&clock).leeway(Duration::from_secs(300)).build().unwrap();
    let minter = Minter::hs256();
    let last = LAST.to_string();
    let token = minter.token(claims(&[("exp", &last), ("nbf", &last), ("iat", &last)]));
    // The leeway does not extend the latest date.
    assert_outcome(&verifier, &token, EXPIRED, "the last second");
    clock.set(NumericDate::from_secs(LAST - 1));
    assert_outcome(&verifier, &token, Ok(()), "the second before");

    clock.set(NumericDate::from_secs(0));
    let token = minter.token(claims(&[("exp", "0"), ("nbf", "0"), ("iat", "300")]));
    assert_outcome(&verifier, &token, Ok(()), "the first second, within the leeway");
}

#[test]
fn rejects_lifetimes_longer_than_configured() {
    let verifier: Verifier = builder().longest_lifetime(Duration::from_secs(300)).build().unwrap();
    let check = |exp: &str, iat: &str, expected: Outcome| {
        let token = Minter::hs256().token(claims(&[("exp", exp), ("iat", iat)]));
        assert_outcome(&verifier, &token, expected, &format!("exp {exp}, iat {iat}"));
    };
    check("1700000300", "1700000000", Ok(()));
    check("1700000301", "1700000000", INVALID_CLAIMS);
    check("1700000300", "1699999999", INVALID_CLAIMS);
    check("1700000001", "1699999701", Ok(()));
    check("253402300799", "1700000000", INVALID_CLAIMS);
    // Without `iat` the lifetime is unknown.
    check("1700000300", "", INVALID_CLAIMS);
    assert_values(&strict(), "exp", &[("253402300799", Ok(()))]);
}
