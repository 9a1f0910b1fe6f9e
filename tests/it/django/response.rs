//! Responses, with a description in place of everything that differs between two runs.

use std::collections::{BTreeMap, HashMap};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, json};

use crate::support::{login::part, reply::Reply};

use super::{configuration::Configuration, database::Database, deviations::NO_NULL, minting::now};

/// The compared headers.
const HEADERS: [&str; 3] = ["www-authenticate", "allow", "content-type"];
/// The tolerance for times, in seconds.
const TOLERANCE: i64 = 60;

#[derive(Debug, PartialEq)]
pub(super) struct Normalized {
    pub(super) status: u16,
    headers: BTreeMap<&'static str, Vec<String>>,
    body: Value,
    /// Whether a token has the claim `null`, which SimpleJWT writes for a name of `None`.
    has_null: bool,
}

impl Normalized {
    pub(super) fn read(reply: &Reply, seen: &mut Seen) -> Self {
        let values = |name| reply.header(name).into_iter().map(str::to_owned).collect();
        seen.null = false;
        let body = match serde_json::from_str(&reply.body) {
            Ok(body) => seen.describe(body),
            Err(_) => json!({ "unparsed": reply.body }),
        };
        Self {
            status: reply.status.as_u16(),
            headers: HEADERS.into_iter().map(|name| (name, values(name))).collect(),
            body,
            has_null: seen.null,
        }
    }

    /// Removes the deviation that any response may have, and returns it.
    pub(super) fn excuse(&mut self, of_django: &Self) -> Option<&'static str> {
        let excused = of_django.has_null && !self.has_null;
        // Our tokens copy what Django has written.
        self.has_null = of_django.has_null;
        excused.then_some(NO_NULL)
    }
}

/// What the responses of one side contained so far.
pub(super) struct Seen {
    /// The ids of tokens, with their description and latest expiry.
    ids: HashMap<String, (String, i64)>,
    /// The configured lifetimes, in seconds.
    lifetimes: Vec<i64>,
    id_claim: Option<String>,
    pub(super) leeway: i64,
    /// The ids of users that exist once for each side, with their common name.
    twins: HashMap<String, String>,
    /// Whether a token of the current response has the claim `null`.
    null: bool,
    /// The expiry of the tokens in requests, by id.
    sent: HashMap<String, i64>,
}

impl Seen {
    pub(super) fn new(configuration: &Configuration, database: &Database) -> Self {
        let lifetimes = [
            ("ACCESS_TOKEN_LIFETIME", 300),
            ("REFRESH_TOKEN_LIFETIME", 86_400),
            ("SLIDING_TOKEN_LIFETIME", 300),
            ("SLIDING_TOKEN_REFRESH_LIFETIME", 86_400),
        ];
        let mut twins = HashMap::new();
        for user in &database.rows().users {
            if let Some((name, "django" | "ours")) = user.username.rsplit_once('@') {
                twins.insert(user.id.to_string(), name.to_owned());
                twins.insert(user.username.clone(), name.to_owned());
            }
        }
        Self {
            ids: HashMap::new(),
            lifetimes: lifetimes.map(|(name, default)| configuration.seconds(name, default)).into(),
            id_claim: configuration.claim("JTI_CLAIM", "jti").map(str::to_owned),
            leeway: configuration.seconds("LEEWAY", 0),
            twins,
            null: false,
            sent: HashMap::new(),
        }
    }

    /// Replaces tokens by their claims.
    fn describe(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) if text.starts_with("eyJ") && text.split('.').count() == 3 => {
                self.describe_token(&text)
            }
            Value::String(text) => self.user(&text).into(),
            Value::Number(number) => match self.twins.get(&number.to_string()) {
                Some(name) => name.as_str().into(),
                None => number.into(),
            },
            Value::Array(list) => list.into_iter().map(|value| self.describe(value)).collect(),
            Value::Object(members) => {
                members.into_iter().map(|(name, value)| (name, self.describe(value))).collect()
            }
            other => other,
        }
    }

    pub(super) fn user(&self, id: &str) -> String {
        self.twins.get(id).map_or_else(|| id.to_owned(), |name| format!("{name} of this side"))
    }

    fn describe_token(&mut self, token: &str) -> Value {
        let Ok(Members(members)) = serde_json::from_str(&part(token, 1)) else {
            return "a token with claims that are not JSON".into();
        };
        let find = |name: &str| members.iter().find(|(other, _)| other == name);
        let number = |name| find(name).and_then(|(_, value)| value.as_i64());
        let (iat, exp) = (number("iat"), number("exp"));
        let own_id = self.id_claim.as_deref().and_then(find).and_then(|(_, value)| value.as_str());
        let own_id = own_id.map(str::to_owned);
        self.null |= find("null").is_some();
        let claims: Vec<_> = members
            .iter()
            .filter(|(name, _)| name != "null")
            .map(|(name, value)| {
                let described = match (value.as_str(), value.as_i64()) {
                    (Some(text), _) if Some(text) == own_id.as_deref() => self.id(text, exp).into(),
                    (Some(text), _) if is_id(text) => "some id".into(),
                    (Some(text), _) => self.user(text).into(),
                    (_, Some(time)) if name == "iat" => self.moment(time, now()).into(),
                    (_, Some(time)) if name == "exp" => {
                        self.lifetime(time, iat.unwrap_or_else(now)).into()
                    }
                    (_, Some(time)) => self.moment(time, now()).into(),
                    _ => value.clone(),
                };
                json!([name, described])
            })
            .collect();
        json!({"header": part(token, 0), "claims": claims})
    }

    /// Describes an id, and records the expiry of its token.
    pub(super) fn id(&mut self, id: &str, exp: Option<i64>) -> String {
        let first = if is_id(id) { "an id of 32 digits" } else { "the id of the request" };
        match self.ids.get_mut(id) {
            Some((first, known)) => {
                *known = exp.unwrap_or(*known);
                format!("{first}, seen before")
            }
            None => {
                self.ids.insert(id.to_owned(), (first.to_owned(), exp.unwrap_or_default()));
                format!("{first}, new")
            }
        }
    }

    /// Records the tokens in a request.
    pub(super) fn record_request(&mut self, request: &str) {
        let ends = |char: char| !(char.is_ascii_alphanumeric() || "-_.".contains(char));
        let tokens = request.split(ends).filter(|text| text.split('.').count() == 3);
        for token in tokens {
            let Some(claims) = claims_of(token) else { continue };
            let id = self.id_claim.as_deref().and_then(|name| claims[name].as_str());
            if let (Some(id), Some(exp)) = (id, claims["exp"].as_f64()) {
                self.sent.insert(id.to_owned(), exp as i64);
            }
        }
    }

    /// The latest `exp` of the tokens with this id.
    pub(super) fn expiry(&self, id: &str) -> Option<i64> {
        let shown = self.ids.get(id).map(|(_, exp)| *exp).filter(|exp| *exp > 0);
        // Copies of a sliding token have one id.
        shown.max(self.sent.get(id).copied())
    }

    /// Describes a time near `base`, or a lifetime after it.
    pub(super) fn moment(&self, time: i64, base: i64) -> String {
        self.recognize(time, base, TOLERANCE)
    }

    /// Describes a time that is exactly a lifetime after `base`, except for one second.
    fn lifetime(&self, time: i64, base: i64) -> String {
        self.recognize(time, base, 1)
    }

    fn recognize(&self, time: i64, base: i64, tolerance: i64) -> String {
        let near = |lifetime: &&i64| (time - base - **lifetime).abs() <= tolerance;
        match [0].iter().chain(&self.lifetimes).find(near) {
            Some(lifetime) => format!("then + {lifetime}"),
            None => time.to_string(),
        }
    }
}

/// The claims of a possible token.
fn claims_of(token: &str) -> Option<Value> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// Whether it looks like one of SimpleJWT's token ids.
fn is_id(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// The members of an object in their order.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct InOrder;

        impl<'de> Visitor<'de> for InOrder {
            type Value = Members;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(InOrder)
    }
}
