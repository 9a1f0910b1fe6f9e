//! Valid and invalid tokens for a configuration.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use tower_jwt_auth::Algorithm;

use crate::support::{mint::Minter, session::new_id};

use super::{configuration::Configuration, project::SECRET_KEY};

/// Mints tokens of a configuration.
pub(super) struct Mint {
    pub(super) minter: Minter,
    pub(super) algorithm: Algorithm,
    /// The secret or the public key, as configured.
    pub(super) public: String,
    /// Claims by their usual name, with their configured name and value.
    claims: Vec<(&'static str, String, Value)>,
    names: Vec<(&'static str, Option<String>)>,
    /// The time of creation. All times derive from it, so that both sides get equal tokens.
    pub(super) began: i64,
}

impl Mint {
    /// `digest` is the claim of `CHECK_REVOKE_TOKEN`, if tokens have it.
    pub(super) fn new(configuration: &Configuration, digest: Option<Value>) -> Self {
        let get =
            |name, default: &str| configuration.get(name).as_str().unwrap_or(default).to_owned();
        let algorithm: Algorithm = get("ALGORITHM", "HS256").parse().unwrap();
        let key = get("SIGNING_KEY", SECRET_KEY);
        let name = |setting, default| configuration.claim(setting, default).map(str::to_owned);
        let names = vec![
            ("type", name("TOKEN_TYPE_CLAIM", "token_type")),
            ("exp", Some("exp".to_owned())),
            ("iat", Some("iat".to_owned())),
            ("jti", name("JTI_CLAIM", "jti")),
            ("user", name("USER_ID_CLAIM", "user_id")),
            ("refresh_exp", name("SLIDING_TOKEN_REFRESH_EXP_CLAIM", "refresh_exp")),
            ("digest", name("REVOKE_TOKEN_CLAIM", "hash_password")),
        ];
        let mut claims = Vec::new();
        for (setting, claim) in [("AUDIENCE", "aud"), ("ISSUER", "iss")] {
            if let Some(value) = configuration.simple_jwt.get(setting) {
                claims.push((claim, claim.to_owned(), value.clone()));
            }
        }
        if let Some(digest) = digest {
            claims.push(("digest", get("REVOKE_TOKEN_CLAIM", "hash_password"), digest));
        }
        Self {
            minter: Minter::new(algorithm, key.as_bytes()),
            algorithm,
            public: get("VERIFYING_KEY", &key),
            began: now(),
            claims,
            names,
        }
    }

    /// The payload of a valid token with a new id and some members changed. Each change is a usual
    /// name and the JSON of its value, or an empty string to remove the member. The values
    /// [`LONG_IDS`] are replaced by new ids.
    pub(super) fn payload(
        &self,
        token_type: &str,
        user: &Value,
        changes: &[(&str, &str)],
    ) -> String {
        let mut usual = vec![
            ("type", json!(token_type)),
            ("exp", json!(self.began + 1000)),
            ("iat", json!(self.began - 1000)),
            ("jti", json!(format!("minted-{}", new_id()))),
            ("user", user.clone()),
        ];
        if token_type == "sliding" {
            usual.push(("refresh_exp", json!(self.began + 2000)));
        }
        usual.extend(self.claims.iter().map(|(usual, _, value)| (*usual, value.clone())));
        let changed = |name: &str| changes.iter().any(|(other, _)| *other == name);
        let members: Vec<_> = usual
            .iter()
            .filter(|(name, _)| !changed(name))
            .map(|(name, value)| (*name, value.to_string()))
            .chain(changes.iter().map(|(name, value)| (*name, with_long_id(value))))
            .filter(|(_, value)| !value.is_empty())
            .filter_map(|(name, value)| Some(format!("{}:{value}", json!(self.name(name)?))))
            .collect();
        format!("{{{}}}", members.join(","))
    }

    /// The configured name of a claim.
    fn name<'a>(&'a self, name: &'a str) -> Option<&'a str> {
        match self.names.iter().find(|(usual, _)| *usual == name) {
            Some((_, own)) => own.as_deref(),
            None => Some(name),
        }
    }

    /// A token with this [payload](Self::payload).
    pub(super) fn token(&self, token_type: &str, user: &Value, changes: &[(&str, &str)]) -> String {
        self.minter.token(self.payload(token_type, user, changes))
    }
}

pub(super) fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}

/// Placeholders for new ids of 255 and 256 bytes.
pub(super) const LONG_IDS: [&str; 2] = ["id of 255", "id of 256"];

fn with_long_id(value: &str) -> String {
    match LONG_IDS.iter().position(|placeholder| *placeholder == value) {
        Some(more) => json!(format!("{:x<1$}", new_id(), 255 + more)).to_string(),
        None => value.to_owned(),
    }
}
