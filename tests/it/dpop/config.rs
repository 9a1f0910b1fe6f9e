//! The settings of `Dpop`.

use std::time::Duration;

use tower_jwt_auth::{
    Algorithm, ConfigErrorKind, MemoryStore,
    possession::{Dpop, DpopBuilder},
};

use super::{PUBLIC_URL, dpop};

#[track_caller]
fn assert_error(builder: DpopBuilder, kind: ConfigErrorKind) {
    assert_eq!(builder.build().map(drop).map_err(|error| error.kind()), Err(kind));
}

#[test]
fn requires_a_store_or_that_replay_is_allowed() {
    assert_error(Dpop::builder(PUBLIC_URL), ConfigErrorKind::Ineffective);
    assert_error(dpop().insecure_allow_replay(), ConfigErrorKind::Conflict);
    assert!(Dpop::builder(PUBLIC_URL).insecure_allow_replay().build().is_ok());
}

#[test]
fn requires_a_public_url() {
    for url in [
        "",
        "api.example",
        "/",
        "ftp://api.example",
        "https://user@api.example",
        "https://api.example?q",
        "https://api.example#top",
        "https://api.example:x",
    ] {
        let builder = Dpop::builder(url).store(MemoryStore::new());
        assert_error(builder, ConfigErrorKind::OutOfRange);
    }
}

#[test]
fn requires_asymmetric_algorithms() {
    assert_error(dpop().algorithms([]), ConfigErrorKind::OutOfRange);
    let algorithms = [Algorithm::ES256, Algorithm::HS256];
    assert_error(dpop().algorithms(algorithms), ConfigErrorKind::OutOfRange);
}

#[test]
fn durations_have_limits() {
    let (secs, range) = (Duration::from_secs, ConfigErrorKind::OutOfRange);
    assert_error(dpop().max_age(Duration::ZERO), range);
    assert_error(dpop().max_age(secs(301)), range);
    assert_error(dpop().clock_skew(secs(61)), range);
    assert_error(dpop().store_deadline(Duration::ZERO), range);
    assert_error(dpop().nonces([7, 9].repeat(16), secs(9)), range);
    assert_error(dpop().nonces([7, 9].repeat(16), secs(3601)), range);
}

#[test]
fn nonces_require_a_secret() {
    for secret in [vec![], [7, 9].repeat(15), vec![7; 32]] {
        assert_error(dpop().nonces(secret, Duration::from_secs(60)), ConfigErrorKind::Key);
    }
}
