//! Row 60: settings that contradict each other or protect nothing.

use std::time::Duration;

use tower_jwt_auth::{
    ConfigError, ConfigErrorKind,
    token::{ClaimNames, NoClaims, VerifierBuilder},
};

use super::builder;

#[track_caller]
fn assert_refused(what: &str, builder: VerifierBuilder, kind: ConfigErrorKind) {
    match builder.build() {
        Ok(_) => panic!("{what}: accepted"),
        Err(error) => assert_eq!(error.kind(), kind, "{what}: {error}"),
    }
}

#[test]
fn values_out_of_range_are_refused() {
    let refused = |what, builder| assert_refused(what, builder, ConfigErrorKind::OutOfRange);
    refused("leeway of 301 s", builder().leeway(Duration::from_secs(301)));
    refused("leeway of 300.5 s", builder().leeway(Duration::from_millis(300_500)));
    refused("endless leeway", builder().leeway(Duration::MAX));
    refused("no lifetime", builder().longest_lifetime(Duration::ZERO));
    refused("no lifetime", builder().longest_lifetime(Duration::from_millis(999)));
    refused("tiny tokens", builder().max_token_len(63));
    refused("tiny tokens", builder().max_token_len(0));
    refused("huge tokens", builder().max_token_len(1024 * 1024 + 1));
    refused("huge tokens", builder().max_token_len(usize::MAX));

    for builder in [
        builder::<NoClaims>().leeway(Duration::from_secs(300)),
        builder().leeway(Duration::ZERO),
        builder().longest_lifetime(Duration::from_secs(1)),
        builder().longest_lifetime(Duration::MAX),
        builder().max_token_len(64),
        builder().max_token_len(1024 * 1024),
    ] {
        assert!(builder.build().is_ok());
    }
}

#[test]
fn settings_that_protect_nothing_are_refused() {
    let refused = |what, builder| assert_refused(what, builder, ConfigErrorKind::Ineffective);
    refused("no audience", builder().audiences::<&str>([]));
    refused("an empty audience", builder().audience(""));
    refused("empty audiences", builder().audiences(["", ""]));
    refused("an empty audience among others", builder().audiences(["api", ""]));
    refused("an empty issuer", builder().issuer(""));
    refused("no token type", builder().token_types([]));
    refused("an empty typ", builder().header_typ(""));
    refused("an empty typ", builder().header_typ("application/"));
}

#[test]
fn claim_names_that_clash_are_refused() {
    let names = ClaimNames::default;
    for fixed in [
        "exp",
        "nbf",
        "iat",
        "iss",
        "aud",
        "sid",
        "auth_time",
        "scope",
        "scp",
        "user_epoch",
        "cnf",
        "",
    ] {
        for names in
            [names().with_user_id(fixed), names().with_token_type(fixed), names().with_jti(fixed)]
        {
            assert_refused(fixed, builder().claim_names(names), ConfigErrorKind::Conflict);
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
        assert_refused("clash", builder().claim_names(names), ConfigErrorKind::Conflict);
    }
    for names in [names().with_user_id("sub"), names().with_user_id("jti").with_jti("id")] {
        assert!(builder::<NoClaims>().claim_names(names).build().is_ok());
    }
}

#[test]
fn config_errors_are_errors() {
    let error: Box<dyn std::error::Error + Send + Sync> =
        builder::<NoClaims>().leeway(Duration::MAX).build().unwrap_err().into();
    let text = error.to_string();
    assert!(text.contains("leeway") && !text.ends_with('.'), "{text}");
    assert_ne!(format!("{error:?}"), text);
    assert!(error.downcast_ref::<ConfigError>().is_some());
}
