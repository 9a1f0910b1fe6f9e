//! Settings that contradict each other or have no effect.

use std::time::Duration;

use tower_jwt_auth::{
    ConfigErrorKind, JwtAuthLayer,
    introspection::{Introspection, IntrospectionBuilder},
    protected_resource::ProtectedResource,
    token::NoClaims,
};

use super::{URL, auth};
use crate::support::app::{layer, verifier_builder};

#[track_caller]
fn assert_error(builder: IntrospectionBuilder, kind: ConfigErrorKind, named: &str) {
    let error = builder.build().unwrap_err();
    assert_eq!(error.kind(), kind, "{error}");
    assert!(error.to_string().contains(named), "{error}");
}

fn builder() -> IntrospectionBuilder {
    Introspection::builder(URL, auth())
}

#[test]
fn settings_outside_their_range_are_an_error() {
    let secs = Duration::from_secs;
    use ConfigErrorKind::{Conflict, Ineffective, OutOfRange};
    assert_error(builder().timeout(Duration::ZERO), OutOfRange, "`timeout`");
    assert_error(builder().timeout(secs(31)), OutOfRange, "`timeout`");
    assert_error(builder().cache(65_535), OutOfRange, "`cache`");
    assert_error(builder().cache_for(secs(3601)), OutOfRange, "`cache_for`");
    assert_error(builder().cache_rejected_for(secs(61)), OutOfRange, "`cache_rejected_for`");
    assert_error(builder().leeway(secs(301)), OutOfRange, "`leeway`");
    assert_error(builder().clock_skew(secs(301)), OutOfRange, "`clock_skew`");
    assert_error(builder().audience(""), Ineffective, "`audiences`");
    assert_error(builder().audiences([""; 0]), Ineffective, "`audiences`");
    assert_error(builder().issuer(""), Ineffective, "`issuers`");
    assert_error(builder().user_id_member("iss"), Conflict, "claim");
    assert_error(builder().user_id_member(""), Conflict, "claim");
    assert_error(builder().check(|_| true).claims::<NoClaims>(), Ineffective, "`check`");
    let twice = builder().check(|_| true).claims::<NoClaims>().claims::<NoClaims>();
    assert_error(twice, Ineffective, "`check`");
    assert!(builder().claims::<NoClaims>().check(|_| true).build().is_ok());
    assert_error(builder().max_concurrent(0), OutOfRange, "`max_concurrent`");
    let both = builder().issuer("https://a.example").default_issuer("https://b.example");
    assert_error(both, Ineffective, "`default_issuer`");
}

#[test]
fn only_https_is_allowed_by_default() {
    let of = |url: &str| Introspection::builder(url, auth());
    for url in [
        "http://login.example/i",
        "http://127.0.0.1/i",
        "login.example/i",
        "https://user@login.example/i",
        "https://login.example/i#f",
        "",
    ] {
        assert_error(of(url), ConfigErrorKind::OutOfRange, "introspection endpoint");
    }
    assert!(of("http://127.0.0.1/i").insecure_loopback_http().build().is_ok());
    let remote = of("http://login.example/i");
    assert_error(remote.insecure_loopback_http(), ConfigErrorKind::OutOfRange, "loopback");
    assert!(of("http://login.example/i").insecure_http().build().is_ok());
}

/// Otherwise opaque tokens for other services would be accepted beside JWTs for this one.
#[test]
fn an_audience_is_required_beside_a_verifier_that_requires_one() {
    let without = || builder().build().unwrap();
    let with = || builder().audience("api").build().unwrap();
    let strict =
        || JwtAuthLayer::new(verifier_builder::<NoClaims>().audience("a").build().unwrap());
    let error = strict().with_introspection(without()).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Ineffective, "{error}");
    assert!(strict().with_introspection(with()).is_ok());
    assert!(layer().with_introspection(without()).is_ok());

    let resource =
        ProtectedResource::builder("https://api.example").audience("api").build().unwrap();
    let opaque = JwtAuthLayer::from_introspection(without());
    assert!(opaque.with_protected_resource(&resource).is_err());
    let opaque = JwtAuthLayer::from_introspection(with());
    assert!(opaque.with_protected_resource(&resource).is_ok());
    let both = layer().with_introspection(with()).unwrap();
    assert!(both.with_protected_resource(&resource).is_err());
}
