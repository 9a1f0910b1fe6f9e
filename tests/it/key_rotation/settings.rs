//! Settings that contradict each other.

use std::time::Duration;

use tower_jwt_auth::{
    Algorithm, AuthErrorKind, ConfigErrorKind, Issuer,
    key_rotation::{RotationPolicy, RotationPolicyBuilder},
    routes::WellKnownRoutes,
    token::{NoClaims, TokenType, UserId},
};

use crate::support::login::{DAY, HOUR, MINUTE, error_kind};

use super::{InMemory, clock, open, policy};

#[test]
fn rejects_contradictory_intervals() {
    let second = Duration::from_secs(1);
    let build = |change: &dyn Fn(RotationPolicyBuilder) -> RotationPolicyBuilder| {
        let builder = change(RotationPolicy::builder(Algorithm::ES256));
        builder.build().map(drop).map_err(|error| error.kind())
    };
    assert_eq!(build(&|policy| policy), Ok(()));
    assert_eq!(build(&|policy| policy.rotate_every(None)), Ok(()));
    for zero in [Duration::ZERO, second / 2] {
        assert_eq!(build(&|policy| policy.lead_time(zero)), Err(ConfigErrorKind::OutOfRange));
        assert_eq!(build(&|policy| policy.token_lifetime(zero)), Err(ConfigErrorKind::OutOfRange));
        assert_eq!(build(&|policy| policy.rotate_every(zero)), Err(ConfigErrorKind::Conflict));
    }
    let leeway = |leeway| build(&|policy| policy.leeway(leeway));
    assert_eq!(leeway(5 * MINUTE), Ok(()));
    assert_eq!(leeway(5 * MINUTE + second), Err(ConfigErrorKind::OutOfRange));
    let every = |interval| build(&|policy| policy.rotate_every(interval));
    assert_eq!(every(HOUR), Err(ConfigErrorKind::Conflict), "the lead time is one hour");
    assert_eq!(every(HOUR + second), Ok(()));
    // 98 days and the extra minute need one key too many.
    let lifetime = |lifetime| build(&|policy| policy.rotate_every(DAY).token_lifetime(lifetime));
    assert_eq!(lifetime(98 * DAY - MINUTE), Ok(()));
    assert_eq!(lifetime(98 * DAY), Err(ConfigErrorKind::Conflict));
    assert_eq!(lifetime(Duration::MAX), Err(ConfigErrorKind::Conflict));
}

#[tokio::test]
async fn rejects_token_lifetimes_longer_than_the_keys() {
    let clock = clock();
    let keys = open(&InMemory::default(), policy(&clock).leeway(MINUTE)).await;
    let build = |access, refresh, leeway| {
        let builder = Issuer::builder(&keys).access_lifetime(access);
        let builder = builder.refresh_lifetime(refresh).leeway(leeway).clock(&clock);
        builder.build().map_err(|error| error.kind())
    };
    let second = Duration::from_secs(1);
    let too_long = ConfigErrorKind::OutOfRange;
    assert_eq!(build(DAY + second, DAY, MINUTE).err(), Some(too_long));
    assert_eq!(build(DAY, DAY + second, MINUTE).err(), Some(too_long));
    assert_eq!(build(DAY, DAY, MINUTE + second).err(), Some(too_long));
    let issuer = build(DAY, DAY, MINUTE).unwrap();

    let issue = |lifetime| {
        let email = TokenType::from("email_verification");
        issuer.issue(&email, lifetime, &UserId::from(1), &NoClaims::default())
    };
    assert!(issue(DAY).is_ok());
    assert_eq!(error_kind(issue(DAY + second)), AuthErrorKind::Misconfigured);
}

#[tokio::test]
async fn published_keys_may_be_cached_for_half_the_lead_time() {
    let clock = clock();
    let keys = open(&InMemory::default(), policy(&clock)).await;
    let build = |max_age| {
        let routes = WellKnownRoutes::builder(&keys).max_age(max_age).build();
        routes.map(drop).map_err(|error| error.kind())
    };
    assert_eq!(build(HOUR / 2), Ok(()));
    assert_eq!(build(HOUR / 2 + Duration::from_secs(1)), Err(ConfigErrorKind::Conflict));
    keys.rotate().await.unwrap();
    assert_eq!(build(HOUR), Err(ConfigErrorKind::Conflict), "the rule holds after a rotation");
}
