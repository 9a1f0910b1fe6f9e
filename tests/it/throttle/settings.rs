//! Settings that are rejected.

use std::time::Duration;

use tower_jwt_auth::{
    ConfigErrorKind, MemoryStore,
    throttle::{AttemptLimit, ForwardedHeader, Throttle},
};

use crate::support::login::DAY;

#[test]
fn rejects_limits_out_of_range() {
    assert!(AttemptLimit::new(0).is_err());
    assert!(AttemptLimit::new(10_001).is_err());
    let limit = AttemptLimit::new(10_000).unwrap();
    let second = Duration::from_secs(1);
    for recovery in [Duration::ZERO, Duration::from_millis(999), DAY + second] {
        assert!(limit.with_recovery(recovery).is_err(), "{recovery:?}");
    }
    for (first, longest) in [(Duration::ZERO, DAY), (second, DAY + second), (DAY, second)] {
        assert!(limit.with_waits(first, longest).is_err(), "{first:?} {longest:?}");
    }
    assert!(limit.with_recovery(DAY).unwrap().with_waits(DAY, DAY).is_ok());
}

#[test]
fn rejects_impossible_numbers_of_proxies() {
    for count in [0, 17] {
        let builder = Throttle::builder(MemoryStore::new());
        let error = builder.trusted_proxies(count, ForwardedHeader::Forwarded).build().unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::OutOfRange);
    }
    let builder = Throttle::builder(MemoryStore::new()).without_addresses();
    let error = builder.trusted_proxies(1, ForwardedHeader::XForwardedFor).build().unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Ineffective);
}
