//! Reading settings, and rejecting invalid ones.

use std::time::Duration;

use serde_json::{Value, json};
use tower_jwt_auth::{
    Algorithm, ConfigError, ConfigErrorKind, SigningKey,
    simplejwt::{AudienceSetting, Settings, SimpleJwt, TokenClass},
    token::NoClaims,
};

use crate::support::keys;

use super::setup::Site;

const SECRET: &str = "a secret key of Django's, which has fifty characters";

fn read(settings: &Value) -> Result<Settings, String> {
    serde_json::from_value(settings.clone()).map_err(|error| error.to_string())
}

/// Builds without a database.
fn build(settings: &Value) -> Result<SimpleJwt, ConfigError> {
    SimpleJwt::builder(read(settings).unwrap()).secret_key(SECRET).build()
}

fn kind(settings: &Value) -> Option<ConfigErrorKind> {
    build(settings).err().map(|error| error.kind())
}

#[test]
fn has_simplejwts_defaults() {
    let settings = read(&json!({})).unwrap();
    assert_eq!(settings.access_token_lifetime, Duration::from_secs(300));
    assert_eq!(settings.refresh_token_lifetime, Duration::from_secs(86_400));
    assert_eq!(settings.sliding_token_lifetime, Duration::from_secs(300));
    assert_eq!(settings.sliding_token_refresh_lifetime, Duration::from_secs(86_400));
    assert!(!settings.rotate_refresh_tokens && !settings.blacklist_after_rotation);
    assert!(!settings.update_last_login && !settings.check_revoke_token);
    assert!(settings.check_user_is_active);
    assert_eq!(settings.algorithm, Algorithm::HS256);
    assert!(settings.signing_key.is_none() && settings.verifying_key.is_none());
    assert!(settings.audience.is_none() && settings.issuer.is_none());
    assert_eq!(settings.leeway, Duration::ZERO);
    assert_eq!(settings.auth_header_types.concat(), "Bearer");
    assert_eq!(&*settings.auth_header_name, "HTTP_AUTHORIZATION");
    assert_eq!((&*settings.user_id_field, &*settings.user_id_claim), ("id", "user_id"));
    assert_eq!(settings.auth_token_classes, [TokenClass::Access]);
    assert_eq!(settings.token_type_claim.as_deref(), Some("token_type"));
    assert_eq!(settings.jti_claim.as_deref(), Some("jti"));
    assert_eq!(&*settings.sliding_token_refresh_exp_claim, "refresh_exp");
    assert_eq!(&*settings.revoke_token_claim, "hash_password");
}

#[test]
fn accepts_simplejwts_defaults_written_out() {
    let paths = json!({
        "ALGORITHM": "HS256",
        "SIGNING_KEY": SECRET,
        "VERIFYING_KEY": "",
        "AUDIENCE": null,
        "ISSUER": null,
        "JSON_ENCODER": null,
        "JWK_URL": null,
        "LEEWAY": 0,
        "AUTH_HEADER_TYPES": ["Bearer"],
        "USER_AUTHENTICATION_RULE":
            "rest_framework_simplejwt.authentication.default_user_authentication_rule",
        "ON_LOGIN_SUCCESS": "rest_framework_simplejwt.serializers.default_on_login_success",
        "ON_LOGIN_FAILED": "rest_framework_simplejwt.serializers.default_on_login_failed",
        "AUTH_TOKEN_CLASSES": ["rest_framework_simplejwt.tokens.AccessToken"],
        "TOKEN_USER_CLASS": "rest_framework_simplejwt.models.TokenUser",
        "TOKEN_OBTAIN_SERIALIZER":
            "rest_framework_simplejwt.serializers.TokenObtainPairSerializer",
        "TOKEN_REFRESH_SERIALIZER": "rest_framework_simplejwt.serializers.TokenRefreshSerializer",
        "TOKEN_VERIFY_SERIALIZER": "rest_framework_simplejwt.serializers.TokenVerifySerializer",
        "TOKEN_BLACKLIST_SERIALIZER":
            "rest_framework_simplejwt.serializers.TokenBlacklistSerializer",
        "SLIDING_TOKEN_OBTAIN_SERIALIZER":
            "rest_framework_simplejwt.serializers.TokenObtainSlidingSerializer",
        "SLIDING_TOKEN_REFRESH_SERIALIZER":
            "rest_framework_simplejwt.serializers.TokenRefreshSlidingSerializer",
    });
    build(&paths).unwrap();
}

#[test]
fn reads_durations_in_several_forms() {
    for (form, secs) in [
        (json!(90), 90),
        (json!(90.0), 90),
        (json!("90"), 90),
        (json!("00:01:30"), 90),
        (json!("1 00:00:30"), 86_430),
        (json!("2 days, 1:00:00"), 176_400),
        (json!("1 day, 0:00:00"), 86_400),
        (json!("100:00:00"), 360_000),
    ] {
        let settings = read(&json!({ "ACCESS_TOKEN_LIFETIME": form })).unwrap();
        assert_eq!(settings.access_token_lifetime, Duration::from_secs(secs), "{form}");
    }
    for form in [
        json!(-1),
        json!(0.5),
        json!(1e30),
        json!(null),
        json!(true),
        json!(""),
        json!("-1"),
        json!("1:2"),
        json!("00:60:00"),
        json!("00:00:60"),
        json!("1 2 00:00:00"),
        json!("day 00:00:00"),
        json!("99999999999999999999"),
        json!("99999999999999999 00:00:00"),
    ] {
        let error = read(&json!({ "ACCESS_TOKEN_LIFETIME": form })).unwrap_err();
        assert!(error.starts_with("ACCESS_TOKEN_LIFETIME: "), "{form}: {error}");
    }
}

/// As loaders of environment variables provide them.
#[test]
fn reads_strings_and_lower_case_names() {
    let settings = read(&json!({
        "access_token_lifetime": "60",
        "rotate_refresh_tokens": "True",
        "check_user_is_active": "false",
        "auth_header_types": "Bearer, JWT",
        "auth_token_classes": "rest_framework_simplejwt.tokens.SlidingToken",
        "audience": "api",
    }))
    .unwrap();
    assert_eq!(settings.access_token_lifetime, Duration::from_secs(60));
    assert!(settings.rotate_refresh_tokens && !settings.check_user_is_active);
    assert_eq!(settings.auth_header_types.join("|"), "Bearer|JWT");
    assert_eq!(settings.auth_token_classes, [TokenClass::Sliding]);
    assert_eq!(settings.audience, Some(AudienceSetting::One("api".into())));
}

#[test]
fn errors_name_the_setting() {
    let string = json!("x");
    for (name, value, word) in [
        ("ACESS_TOKEN_LIFETIME", &json!(1), "unknown setting"),
        ("AUTH_HEADER_TYPE", &string, "AUTH_HEADER_TYPES"),
        ("AUTH_TOKEN_CLASS", &string, "AUTH_TOKEN_CLASSES"),
        ("SECRET_KEY", &string, "SIGNING_KEY"),
        ("TOKEN_BACKEND_CLASS", &string, "removed"),
        ("ROTATE_REFRESH_TOKENS", &json!("maybe"), "true or false"),
        ("ALGORITHM", &json!("ES512"), "algorithm"),
        ("ALGORITHM", &json!("none"), "algorithm"),
        ("JSON_ENCODER", &string, "Serialize"),
        ("JWK_URL", &json!("https://login.example/jwks"), "SimpleJwtBuilder::keys"),
        ("AUTH_TOKEN_CLASSES", &json!(["app.tokens.OwnToken"]), "Verifier"),
        ("USER_AUTHENTICATION_RULE", &json!("app.rule"), "user_rule"),
        ("ON_LOGIN_SUCCESS", &json!("app.hook"), "on_login_success"),
        ("ON_LOGIN_FAILED", &json!("app.hook"), "on_login_failed"),
        ("TOKEN_USER_CLASS", &json!("app.User"), "TokenUser::claim"),
        ("TOKEN_OBTAIN_SERIALIZER", &json!("app.Own"), "token_claims"),
        ("SLIDING_TOKEN_OBTAIN_SERIALIZER", &json!("app.Own"), "token_claims"),
        ("TOKEN_REFRESH_SERIALIZER", &json!("app.Own"), "SimpleJwt"),
        ("SLIDING_TOKEN_REFRESH_SERIALIZER", &json!("app.Own"), "SimpleJwt"),
        ("TOKEN_VERIFY_SERIALIZER", &json!("app.Own"), "SimpleJwt"),
        ("TOKEN_BLACKLIST_SERIALIZER", &json!("app.Own"), "SimpleJwt"),
        ("LEEWAY", &json!(0.5), "whole seconds"),
    ] {
        let error = read(&json!({ name: value })).unwrap_err();
        assert!(error.starts_with(&format!("{name}: ")) && error.contains(word), "{error}");
    }
    let twice = r#"{"LEEWAY": 1, "leeway": 2}"#;
    let error = serde_json::from_str::<Settings>(twice).unwrap_err().to_string();
    assert!(error.contains("LEEWAY: duplicate setting"), "{error}");
}

#[test]
fn rejects_missing_weak_and_mismatched_keys() {
    use ConfigErrorKind::{Conflict, Key};
    let rsa = |settings: &[(&str, &str)]| {
        let mut all = json!({ "ALGORITHM": "RS256" });
        for (name, value) in settings {
            all[*name] = json!(value);
        }
        all
    };
    for (settings, expected) in [
        (json!({ "SIGNING_KEY": "short" }), Some(Key)),
        (json!({ "ALGORITHM": "HS384" }), None),
        // Django generates secret keys of fifty characters, which are too short.
        (json!({ "ALGORITHM": "HS512" }), Some(Key)),
        (json!({ "VERIFYING_KEY": SECRET }), None),
        (json!({ "VERIFYING_KEY": "another" }), Some(Conflict)),
        (rsa(&[]), Some(Key)),
        (rsa(&[("SIGNING_KEY", SECRET)]), Some(Key)),
        (rsa(&[("SIGNING_KEY", keys::RSA)]), None),
        (rsa(&[("SIGNING_KEY", keys::RSA), ("VERIFYING_KEY", keys::RSA_PUBLIC)]), None),
        (
            rsa(&[("SIGNING_KEY", keys::RSA), ("VERIFYING_KEY", keys::RSA_8192_PUBLIC)]),
            Some(Conflict),
        ),
        (rsa(&[("VERIFYING_KEY", keys::RSA_PUBLIC)]), None),
        (rsa(&[("VERIFYING_KEY", keys::RSA)]), Some(Key)),
        (rsa(&[("SIGNING_KEY", keys::P256)]), Some(Key)),
        (rsa(&[("SIGNING_KEY", keys::RSA_1024)]), Some(Key)),
        (json!({ "ALGORITHM": "ES256", "SIGNING_KEY": keys::P256 }), None),
    ] {
        assert_eq!(kind(&settings), expected, "{settings}");
    }
    let error = SimpleJwt::builder(Settings::default()).build().unwrap_err();
    assert_eq!(error.kind(), Key);
    assert!(error.to_string().contains("SECRET_KEY"));
}

#[test]
fn rejects_contradictory_and_ineffective_settings() {
    use ConfigErrorKind::{Conflict, Ineffective, OutOfRange};
    for (settings, expected) in [
        (json!({ "BLACKLIST_AFTER_ROTATION": true }), Some(Ineffective)),
        (
            json!({ "ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true }),
            Some(Ineffective),
        ),
        (json!({ "ROTATE_REFRESH_TOKENS": true }), None),
        (json!({ "ACCESS_TOKEN_LIFETIME": 0 }), Some(OutOfRange)),
        (json!({ "REFRESH_TOKEN_LIFETIME": 0 }), Some(OutOfRange)),
        (json!({ "SLIDING_TOKEN_LIFETIME": 0 }), Some(OutOfRange)),
        (json!({ "SLIDING_TOKEN_REFRESH_LIFETIME": 0 }), Some(OutOfRange)),
        (json!({ "LEEWAY": 300 }), None),
        (json!({ "LEEWAY": 301 }), Some(OutOfRange)),
        (json!({ "AUDIENCE": [] }), Some(Ineffective)),
        (json!({ "AUDIENCE": ["a", "b"] }), None),
        (json!({ "AUDIENCE": "" }), Some(Ineffective)),
        (json!({ "ISSUER": "" }), Some(Ineffective)),
        (json!({ "AUTH_TOKEN_CLASSES": [] }), Some(Ineffective)),
        (json!({ "AUTH_HEADER_TYPES": [] }), Some(Ineffective)),
        (json!({ "AUTH_HEADER_TYPES": [""] }), Some(OutOfRange)),
        (json!({ "AUTH_HEADER_TYPES": ["two words"] }), Some(OutOfRange)),
        (json!({ "AUTH_HEADER_TYPES": "JWT" }), None),
        (json!({ "AUTH_HEADER_NAME": "HTTP_X_AUTH" }), None),
        (json!({ "AUTH_HEADER_NAME": "Authorization" }), Some(OutOfRange)),
        (json!({ "AUTH_HEADER_NAME": "HTTP_" }), Some(OutOfRange)),
        (json!({ "USER_ID_FIELD": "" }), Some(OutOfRange)),
        (json!({ "USER_ID_CLAIM": "sub" }), None),
        (json!({ "USER_ID_CLAIM": "exp" }), Some(Conflict)),
        (json!({ "USER_ID_CLAIM": "jti" }), Some(Conflict)),
        (json!({ "JTI_CLAIM": "token_type" }), Some(Conflict)),
        (json!({ "JTI_CLAIM": null, "TOKEN_TYPE_CLAIM": null }), None),
        (json!({ "SLIDING_TOKEN_REFRESH_EXP_CLAIM": "exp" }), Some(Conflict)),
        (json!({ "SLIDING_TOKEN_REFRESH_EXP_CLAIM": "hash_password" }), Some(Conflict)),
        (json!({ "REVOKE_TOKEN_CLAIM": "user_id" }), Some(Conflict)),
        (json!({ "REVOKE_TOKEN_CLAIM": "" }), Some(Conflict)),
    ] {
        assert_eq!(kind(&settings), expected, "{settings}");
    }
}

#[tokio::test]
async fn the_blacklist_app_requires_token_ids() {
    let site = Site::with_blacklist_app().await;
    let build = |jti: Value| site.builder(&json!({ "JTI_CLAIM": jti })).build().map(drop);
    assert!(build("id".into()).is_ok());
    assert_eq!(build(Value::Null).unwrap_err().kind(), ConfigErrorKind::Conflict);
}

#[test]
fn views_and_users_require_a_database() {
    let jwt = build(&json!({})).unwrap();
    assert_eq!(jwt.views().unwrap_err().kind(), ConfigErrorKind::Ineffective);
    assert_eq!(jwt.layer().unwrap_err().kind(), ConfigErrorKind::Ineffective);
    let _ = jwt.stateless_layer();
    let with_app = SimpleJwt::builder(Settings::default()).secret_key(SECRET).blacklist_app(true);
    assert_eq!(with_app.build().unwrap_err().kind(), ConfigErrorKind::Conflict);
}

/// A forgotten line must not make blacklisted tokens valid.
#[tokio::test]
async fn the_blacklist_app_has_no_default_with_users() {
    let site = Site::new().await;
    let with_users =
        || SimpleJwt::builder(Settings::default()).secret_key(SECRET).users(site.users());
    let error = with_users().build().unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Conflict);
    assert!(error.to_string().contains("blacklist_app"), "{error}");
    with_users().blacklist_app(false).build().unwrap();

    // Sliding tokens can be blacklisted, even if only a stateless layer verifies them.
    let sliding = json!({ "AUTH_TOKEN_CLASSES": "rest_framework_simplejwt.tokens.SlidingToken" });
    assert_eq!(kind(&sliding), Some(ConfigErrorKind::Conflict));
    let settings = read(&sliding).unwrap();
    SimpleJwt::builder(settings).secret_key(SECRET).blacklist_app(false).build().unwrap();
}

/// A verifier does not ask the blacklist.
#[tokio::test]
async fn there_is_no_verifier_for_tokens_that_can_be_blacklisted() {
    let class = |name: &str| format!("rest_framework_simplejwt.tokens.{name}");
    let classes = |names: &[&str]| json!({ "AUTH_TOKEN_CLASSES": names.iter().map(|name| class(name)).collect::<Vec<_>>() });
    let (site, with_app) = (Site::new().await, Site::with_blacklist_app().await);
    for (settings, is_blacklistable) in [
        (json!({}), false),
        (classes(&["AccessToken"]), false),
        (classes(&["SlidingToken"]), true),
        (classes(&["AccessToken", "SlidingToken"]), true),
        (classes(&["RefreshToken"]), true),
        (classes(&["UntypedToken"]), true),
        (json!({ "TOKEN_TYPE_CLAIM": null }), true),
    ] {
        let verifier =
            |site: &Site| site.builder(&settings).build().unwrap().verifier::<NoClaims>();
        verifier(&site).unwrap();
        let kind = verifier(&with_app).err().map(|error| error.kind());
        assert_eq!(kind, is_blacklistable.then_some(ConfigErrorKind::Conflict), "{settings}");
    }
}

#[test]
fn accepts_keys_from_elsewhere() {
    let key = SigningKey::generate(Algorithm::ES256).unwrap();
    SimpleJwt::builder(Settings::default()).keys(key.verifying_key()).build().unwrap();
}

#[test]
fn shows_no_secrets() {
    let settings = read(&json!({ "SIGNING_KEY": SECRET })).unwrap();
    let builder = SimpleJwt::builder(settings.clone()).secret_key(SECRET);
    let shown = format!("{settings:?} {builder:?}");
    assert!(!shown.contains(SECRET), "{shown}");
    let shown = format!("{:?}", builder.build().unwrap());
    assert!(!shown.contains(SECRET), "{shown}");
    let shown = read(&json!({ "SIGNING_KEY": 8_675_309 })).unwrap_err();
    assert!(shown.starts_with("SIGNING_KEY: ") && !shown.contains("8675309"), "{shown}");
}
