//! The compared configurations.

use serde_json::{Value, json};

use crate::support::keys;

pub(super) struct Configuration {
    pub(super) simple_jwt: Value,
    pub(super) blacklist_app: bool,
    /// `TIME_ZONE`, if `USE_TZ` is off.
    pub(super) local_zone: Option<&'static str>,
    /// The variable `TZ` of our process. Django sets its own to `TIME_ZONE`.
    pub(super) process_zone: &'static str,
}

impl Configuration {
    fn new(simple_jwt: Value) -> Self {
        Self { simple_jwt, blacklist_app: true, local_zone: None, process_zone: "UTC" }
    }

    fn without_the_blacklist_app(self) -> Self {
        Self { blacklist_app: false, ..self }
    }

    pub(super) fn get(&self, name: &str) -> &Value {
        &self.simple_jwt[name]
    }

    /// Whether a setting is on. Default: off.
    pub(super) fn is_on(&self, name: &str) -> bool {
        self.get(name) == true
    }

    /// The name of a claim.
    pub(super) fn claim<'a>(&'a self, setting: &str, default: &'a str) -> Option<&'a str> {
        match self.simple_jwt.get(setting) {
            None => Some(default),
            Some(name) => name.as_str(),
        }
    }

    /// A duration in seconds.
    pub(super) fn seconds(&self, name: &str, default: i64) -> i64 {
        self.get(name).as_i64().unwrap_or(default)
    }

    pub(super) fn list(&self, name: &str, default: &str) -> Vec<String> {
        match self.get(name).as_array() {
            Some(list) => list.iter().map(|item| item.as_str().unwrap().to_owned()).collect(),
            None => vec![default.to_owned()],
        }
    }
}

pub(super) fn defaults() -> Configuration {
    Configuration::new(json!({}))
}

pub(super) fn no_blacklist_app() -> Configuration {
    Configuration::new(json!({"ROTATE_REFRESH_TOKENS": true})).without_the_blacklist_app()
}

pub(super) fn rotation() -> Configuration {
    Configuration::new(json!({
        "ROTATE_REFRESH_TOKENS": true,
        "ACCESS_TOKEN_LIFETIME": 1800,
        "REFRESH_TOKEN_LIFETIME": 1_209_600,
    }))
}

pub(super) fn rotation_with_blacklist() -> Configuration {
    Configuration::new(json!({"ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true}))
}

pub(super) fn blacklist_only() -> Configuration {
    Configuration::new(json!({"BLACKLIST_AFTER_ROTATION": true}))
}

pub(super) fn sliding() -> Configuration {
    Configuration::new(json!({
        "AUTH_TOKEN_CLASSES": ["rest_framework_simplejwt.tokens.SlidingToken"],
        "SLIDING_TOKEN_LIFETIME": 900,
        "SLIDING_TOKEN_REFRESH_LIFETIME": 604_800,
    }))
}

pub(super) fn two_token_classes() -> Configuration {
    Configuration::new(json!({
        "AUTH_TOKEN_CLASSES": [
            "rest_framework_simplejwt.tokens.AccessToken",
            "rest_framework_simplejwt.tokens.SlidingToken",
        ],
        "BLACKLIST_AFTER_ROTATION": true,
    }))
}

pub(super) fn any_token_class() -> Configuration {
    Configuration::new(json!({
        "AUTH_TOKEN_CLASSES": [
            "rest_framework_simplejwt.tokens.RefreshToken",
            "rest_framework_simplejwt.tokens.UntypedToken",
        ],
    }))
}

pub(super) fn audience_and_issuer() -> Configuration {
    Configuration::new(json!({
        "AUDIENCE": "https://api.example",
        "ISSUER": "https://issuer.example",
        "ROTATE_REFRESH_TOKENS": true,
    }))
}

pub(super) fn several_audiences() -> Configuration {
    Configuration::new(json!({"AUDIENCE": ["api", "admin"]}))
}

pub(super) fn other_headers() -> Configuration {
    Configuration::new(json!({
        "AUTH_HEADER_TYPES": ["JWT", "Bearer"],
        "AUTH_HEADER_NAME": "HTTP_X_ACCESS_TOKEN",
    }))
}

pub(super) fn renamed_claims() -> Configuration {
    Configuration::new(json!({
        "USER_ID_CLAIM": "uid",
        "JTI_CLAIM": "id",
        "TOKEN_TYPE_CLAIM": "kind",
        "SLIDING_TOKEN_REFRESH_EXP_CLAIM": "until",
        "ROTATE_REFRESH_TOKENS": true,
        "BLACKLIST_AFTER_ROTATION": true,
    }))
}

pub(super) fn no_type_claim() -> Configuration {
    Configuration::new(json!({"TOKEN_TYPE_CLAIM": null, "ROTATE_REFRESH_TOKENS": true}))
}

/// Django's refreshed tokens have the claim `null` twice.
pub(super) fn no_id_claim() -> Configuration {
    Configuration::new(json!({"JTI_CLAIM": null, "ROTATE_REFRESH_TOKENS": true}))
        .without_the_blacklist_app()
}

pub(super) fn hs512() -> Configuration {
    Configuration::new(json!({
        "ALGORITHM": "HS512",
        "SIGNING_KEY": str::from_utf8(keys::LONG_SECRET).unwrap(),
    }))
}

pub(super) fn rs256() -> Configuration {
    Configuration::new(json!({
        "ALGORITHM": "RS256",
        "SIGNING_KEY": keys::RSA,
        "VERIFYING_KEY": keys::RSA_PUBLIC,
    }))
}

pub(super) fn es256() -> Configuration {
    Configuration::new(json!({
        "ALGORITHM": "ES256",
        "SIGNING_KEY": keys::P256,
        "VERIFYING_KEY": keys::P256_PUBLIC,
        "ROTATE_REFRESH_TOKENS": true,
        "BLACKLIST_AFTER_ROTATION": true,
    }))
}

pub(super) fn check_revoke_token() -> Configuration {
    Configuration::new(json!({
        "CHECK_REVOKE_TOKEN": true,
        "REVOKE_TOKEN_CLAIM": "password_digest",
        "ROTATE_REFRESH_TOKENS": true,
        "BLACKLIST_AFTER_ROTATION": true,
    }))
}

pub(super) fn inactive_users_accepted() -> Configuration {
    Configuration::new(json!({"CHECK_USER_IS_ACTIVE": false}))
}

pub(super) fn update_last_login() -> Configuration {
    Configuration::new(json!({"UPDATE_LAST_LOGIN": true}))
}

/// Without `USE_TZ`.
pub(super) fn local_times(zone: &'static str) -> Configuration {
    let simple_jwt = json!({
        "ROTATE_REFRESH_TOKENS": true,
        "BLACKLIST_AFTER_ROTATION": true,
        "UPDATE_LAST_LOGIN": true,
    });
    Configuration { local_zone: Some(zone), process_zone: zone, ..Configuration::new(simple_jwt) }
}

pub(super) fn leeway() -> Configuration {
    Configuration::new(json!({
        "LEEWAY": 120,
        "ROTATE_REFRESH_TOKENS": true,
        "BLACKLIST_AFTER_ROTATION": true,
    }))
}

pub(super) fn users_by_name() -> Configuration {
    Configuration::new(json!({
        "USER_ID_FIELD": "username",
        "USER_ID_CLAIM": "sub",
        "ROTATE_REFRESH_TOKENS": true,
        "BLACKLIST_AFTER_ROTATION": true,
    }))
}
