//! Invalid settings.

use std::time::Duration;

use serde_json::Value;
use tower_jwt_auth::{
    Algorithm, ConfigError, ConfigErrorKind, Verifier, VerifyingKey,
    token::{ClaimNames, NoClaims, VerifierBuilder},
};

use super::builder;
use crate::support::keys;

#[track_caller]
fn assert_rejected(what: &str, builder: VerifierBuilder, kind: ConfigErrorKind) {
    match builder.build() {
        Ok(_) => panic!("{what}: accepted"),
        Err(error) => assert_eq!(error.kind(), kind, "{what}: {error}"),
    }
}

#[test]
fn rejects_values_out_of_range() {
    let rejects = |what, builder| assert_rejected(what, builder, ConfigErrorKind::OutOfRange);
    rejects("leeway of 301 s", builder().leeway(Duration::from_secs(301)));
    rejects("leeway of 300.5 s", builder().leeway(Duration::from_millis(300_500)));
    rejects("unlimited leeway", builder().leeway(Duration::MAX));
    rejects("skew of 301 s", builder().clock_skew(Duration::from_secs(301)));
    rejects("unlimited skew", builder().clock_skew(Duration::MAX));
    rejects("lifetime of 0 s", builder().longest_lifetime(Duration::ZERO));
    rejects("lifetime of 999 ms", builder().longest_lifetime(Duration::from_millis(999)));
    rejects("tiny tokens", builder().max_token_len(63));
    rejects("tiny tokens", builder().max_token_len(0));
    rejects("huge tokens", builder().max_token_len(1024 * 1024 + 1));
    rejects("huge tokens", builder().max_token_len(usize::MAX));

    for builder in [
        builder::<NoClaims>().leeway(Duration::from_secs(300)),
        builder().leeway(Duration::ZERO),
        builder().clock_skew(Duration::ZERO),
        builder().clock_skew(Duration::from_secs(300)),
        builder().longest_lifetime(Duration::from_secs(1)),
        builder().longest_lifetime(Duration::MAX),
        builder().max_token_len(64),
        builder().max_token_len(1024 * 1024),
    ] {
        assert!(builder.build().is_ok());
    }
}

#[test]
fn rejects_settings_without_effect() {
    let rejects = |what, builder| assert_rejected(what, builder, ConfigErrorKind::Ineffective);
    rejects("no audience", builder().audiences::<&str>([]));
    rejects("an empty audience", builder().audience(""));
    rejects("empty audiences", builder().audiences(["", ""]));
    rejects("an empty audience among others", builder().audiences(["api", ""]));
    rejects("an empty issuer", builder().issuer(""));
    rejects("no token type", builder().token_types([]));
    rejects("an empty typ", builder().header_typ(""));
    rejects("an empty typ", builder().header_typ("application/"));
}

#[test]
fn rejects_claim_names_that_are_not_distinct() {
    let names = ClaimNames::default;
    for fixed in [
        "exp",
        "nbf",
        "iat",
        "iss",
        "aud",
        "sid",
        "auth_time",
        "amr",
        "scope",
        "scp",
        "user_epoch",
        "session_start",
        "cnf",
        "",
    ] {
        for names in
            [names().with_user_id(fixed), names().with_token_type(fixed), names().with_jti(fixed)]
        {
            assert_rejected(fixed, builder().claim_names(names), ConfigErrorKind::Conflict);
        }
    }
    for names in [
        names().with_user_id("jti"),
        names().with_user_id("token_type"),
        names().with_token_type("jti"),
        names().with_token_type("x").with_jti("x"),
        names().with_jti("sub"),
        names().with_token_type("sub"),
    ] {
        assert_rejected("equal names", builder().claim_names(names), ConfigErrorKind::Conflict);
    }
    for names in [names().with_user_id("sub"), names().with_user_id("jti").with_jti("id")] {
        assert!(builder::<NoClaims>().claim_names(names).build().is_ok());
    }
}

/// The closure of `check` receives claims of the type that `claims` sets, so it would be lost.
#[test]
fn rejects_a_check_before_the_claims_type() {
    let key = || VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap();
    let error = Verifier::builder(key()).check(|_| false).claims::<Value>().build().unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Ineffective);
    assert!(error.to_string().contains("`check`") && error.to_string().contains("`claims`"));
    assert!(Verifier::builder(key()).claims::<Value>().check(|_| false).build().is_ok());
}

#[test]
fn config_errors_name_the_setting() {
    let error: Box<dyn std::error::Error + Send + Sync> =
        builder::<NoClaims>().leeway(Duration::MAX).build().unwrap_err().into();
    let text = error.to_string();
    assert!(text.contains("leeway") && !text.ends_with('.'), "{text}");
    assert_ne!(format!("{error:?}"), text);
    assert!(error.downcast_ref::<ConfigError>().is_some());
}
