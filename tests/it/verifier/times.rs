//! Rows 18 to 20: `exp`, `nbf`, `iat`, leeway, lifetimes.

use std::time::Duration;

use tower_jwt_auth::{Algorithm, ManualClock, NumericDate, Verifier};

use super::{
    BAD_SIGNATURE, EXPIRED, INVALID_CLAIMS, MALFORMED, NOT_YET_VALID, Outcome, assert_outcome,
    assert_values, builder, strict,
};
use crate::support::{
    keys,
    mint::{Minter, NOW, claims},
};

/// The last second of the year 9999.
const LAST: u64 = 253_402_300_799;

fn with_leeway(secs: u64) -> Verifier {
    builder().leeway(Duration::from_secs(secs)).build().unwrap()
}

/// Values that are no date, whichever claim has them.
const NO_DATES: [(&str, Outcome); 22] = [
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
    // JSON has numbers that no program can hold, and no others.
    ("1e400", MALFORMED),
    ("NaN", MALFORMED),
    ("Infinity", MALFORMED),
    ("0700", MALFORMED),
];

#[test]
fn dates_are_numbers_from_1970_to_9999() {
    for name in ["exp", "nbf", "iat", "auth_time"] {
        assert_values(&strict(), name, &NO_DATES);
        // Leeway changes nothing about what a date is.
        assert_values(&with_leeway(300), name, &NO_DATES);
    }
}

#[test]
fn exp_is_required() {
    assert_values(&strict(), "exp", &[("", INVALID_CLAIMS)]);
    assert_values(&with_leeway(300), "exp", &[("", INVALID_CLAIMS)]);
}

#[test]
fn a_token_is_refused_on_and_after_its_expiry() {
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
            // Fractions are dropped, so such a token ends a little early.
            ("1700000000.9", EXPIRED),
            ("1e-400", EXPIRED),
        ],
    );
}

#[test]
fn nothing_is_read_behind_an_expiry_that_is_over() {
    for rest in ["", r#","jti":7"#, r#","exp":1700000300"#, ",", r#","jti":"cut"#] {
        let token = Minter::hs256().token(format!(r#"{{"exp":1700000000{rest}}}"#));
        assert_outcome(&strict(), &token, EXPIRED, rest);
    }
    let token = Minter::hs256().token(r#"{"exp":1700000300,"exp":1700000000}"#);
    assert_outcome(&strict(), &token, INVALID_CLAIMS, "what comes before is");
}

#[test]
fn the_times_of_a_forged_token_are_not_looked_at() {
    let forger = Minter::new(Algorithm::HS256, keys::LONG_SECRET);
    for exp in ["1700000300", "1700000000", "0", "null", ""] {
        let token = forger.token(claims(&[("exp", exp)]));
        assert_outcome(&strict(), &token, BAD_SIGNATURE, exp);
    }
}

#[test]
fn leeway_moves_the_expiry_by_exactly_itself() {
    let rows = [("1699999991", Ok(())), ("1699999990", EXPIRED), ("1699999989", EXPIRED)];
    assert_values(&with_leeway(10), "exp", &rows);
    let rows = [("1699999701", Ok(())), ("1699999700", EXPIRED)];
    assert_values(&with_leeway(300), "exp", &rows);
}

#[test]
fn nbf_and_iat_lie_not_in_the_future() {
    for name in ["nbf", "iat"] {
        let rows = [
            ("0", Ok(())),
            ("1699999999.9", Ok(())),
            ("1700000000", Ok(())),
            ("1700000001", NOT_YET_VALID),
            ("1700003600", NOT_YET_VALID),
            ("253402300799", NOT_YET_VALID),
            ("", Ok(())),
        ];
        assert_values(&strict(), name, &rows);
        let rows = [("1700000010", Ok(())), ("1700000011", NOT_YET_VALID)];
        assert_values(&with_leeway(10), name, &rows);
    }
    // When a login was is no condition; what it permits, others decide.
    assert_values(&strict(), "auth_time", &[("0", Ok(())), ("1700003600", Ok(()))]);
}

#[test]
fn the_clock_decides_at_every_call() {
    let clock = ManualClock::new(NumericDate::from_secs(NOW - 1));
    let verifier: Verifier = builder().clock(&clock).build().unwrap();
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
fn arithmetic_saturates_at_both_ends_of_time() {
    let clock = ManualClock::new(NumericDate::MAX);
    let verifier: Verifier =
        builder().clock(&clock).leeway(Duration::from_secs(300)).build().unwrap();
    let minter = Minter::hs256();
    let last = LAST.to_string();
    let token = minter.token(claims(&[("exp", &last), ("nbf", &last), ("iat", &last)]));
    // No moment lies after the last one, so the leeway adds nothing to it.
    assert_outcome(&verifier, &token, EXPIRED, "the last second");
    clock.set(NumericDate::from_secs(LAST - 1));
    assert_outcome(&verifier, &token, Ok(()), "the second before");

    clock.set(NumericDate::from_secs(0));
    let token = minter.token(claims(&[("exp", "0"), ("nbf", "0"), ("iat", "300")]));
    assert_outcome(&verifier, &token, Ok(()), "the first second, within the leeway");
}

#[test]
fn the_longest_lifetime_binds_exp_to_iat() {
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
    // Without iat nobody knows how long it lives.
    check("1700000300", "", INVALID_CLAIMS);
    assert_values(&strict(), "exp", &[("253402300799", Ok(()))]);
}
