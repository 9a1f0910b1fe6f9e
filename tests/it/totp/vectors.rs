//! Test vectors, and another implementation.

use serde_json::json;
use tower_jwt_auth::{ManualClock, NumericDate, totp::MemoryTotpStore, user::SecondFactor};

use crate::support::python;

use super::{clock, code_at, enable, totp, user, verify};

/// RFC 6238 appendix B: times, and codes of eight digits with SHA-1. A code of six digits is the end of
/// the longer one.
const RFC_6238: [(u64, &str); 6] = [
    (59, "94287082"),
    (1_111_111_109, "07081804"),
    (1_111_111_111, "14050471"),
    (1_234_567_890, "89005924"),
    (2_000_000_000, "69279037"),
    (20_000_000_000, "65353130"),
];

#[tokio::test]
async fn the_codes_are_those_of_rfc_6238() {
    for (time, code) in RFC_6238 {
        let clock = ManualClock::new(NumericDate::from_secs(time));
        let totp = totp(MemoryTotpStore::new(), &clock);
        drop(totp.import(&user(), b"12345678901234567890").await.unwrap());
        assert!(!verify(&totp, code).await, "it has eight digits");
        assert!(verify(&totp, &code[2..]).await, "{time}");
    }
}

const PYOTP: &str = "
import json, sys, pyotp
given = json.load(sys.stdin)
json.dump([
    {
        'uri': pyotp.parse_uri(item['uri']).provisioning_uri(),
        'issuer': pyotp.parse_uri(item['uri']).issuer,
        'name': pyotp.parse_uri(item['uri']).name,
        'codes': [pyotp.parse_uri(item['uri']).at(time) for time in item['times']],
        'secret': pyotp.TOTP(item['secret']).at(item['times'][0]),
    }
    for item in given
], sys.stdout)
";

#[tokio::test]
async fn pyotp_computes_the_codes_of_the_uri() {
    let start = clock().now().as_secs();
    let mut given = Vec::new();
    let mut machines = Vec::new();
    for number in 0..100_u64 {
        let clock = ManualClock::new(NumericDate::from_secs(start + number * 1_234_567));
        let totp = totp(MemoryTotpStore::new(), &clock);
        let name = format!("ada {number} & co+é@example.org");
        let enrolment = totp.enrol(&user(), &name).await.unwrap();
        let now = clock.now().as_secs();
        let times = [now - 30, now, now + 30];
        given.push(json!({ "uri": enrolment.uri(), "secret": enrolment.secret(), "times": times }));
        machines.push((totp, name, enrolment, now));
    }
    let Some(computed) = python::run(PYOTP, &json!(given)) else { return };
    for ((totp, name, enrolment, now), computed) in
        machines.iter().zip(computed.as_array().unwrap())
    {
        assert_eq!((&computed["issuer"], &computed["name"]), (&json!("Example"), &json!(name)));
        let codes: Vec<_> = computed["codes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|code| code.as_str().unwrap())
            .collect();
        assert_eq!(codes[0], code_at(enrolment.secret(), now - 30));
        assert_eq!(computed["secret"], codes[0]);
        drop(totp.confirm(&user(), codes[0]).await.unwrap());
        for code in &codes[1..] {
            assert!(totp.verify(&user(), code).await.unwrap(), "{code}");
        }
    }
}

#[tokio::test]
async fn times_at_the_ends_of_the_range_are_no_panic() {
    for time in [0, 29, 30, NumericDate::MAX.as_secs()] {
        let clock = ManualClock::new(NumericDate::from_secs(time));
        let totp = totp(MemoryTotpStore::new(), &clock);
        drop(totp.import(&user(), b"12345678901234567890").await.unwrap());
        assert!(!verify(&totp, "not it").await);
        verify(&totp, "000000").await;
    }
    let clock = ManualClock::new(NumericDate::from_secs(90));
    let totp = totp(MemoryTotpStore::new(), &clock);
    drop(enable(&totp, &clock).await);
}
