//! Answers, with all that must differ from one to the next replaced by what it means.

use std::collections::{BTreeMap, HashMap};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::{Value, json};

use crate::support::{login::part, reply::Reply};

use super::{configuration::Configuration, database::Database, deviations::NO_NULL, minting::now};

/// The headers that are compared.
const HEADERS: [&str; 3] = ["www-authenticate", "allow", "content-type"];
/// A moment is recognized when it is no farther away than this.
const TOLERANCE: i64 = 60;

#[derive(Debug, PartialEq)]
pub(super) struct Answer {
    pub(super) status: u16,
    headers: BTreeMap<&'static str, Vec<String>>,
    body: Value,
    /// Whether a token of it has the claim that `None` as the name of one makes of it.
    has_null: bool,
}

impl Answer {
    pub(super) fn read(reply: &Reply, seen: &mut Seen) -> Self {
        let values = |name| reply.header(name).into_iter().map(str::to_owned).collect();
        seen.null = false;
        let body = match serde_json::from_str(&reply.body) {
            Ok(body) => seen.explain(body),
            Err(_) => json!({ "text": reply.body }),
        };
        Self {
            status: reply.status.as_u16(),
            headers: HEADERS.into_iter().map(|name| (name, values(name))).collect(),
            body,
            has_null: seen.null,
        }
    }

    /// Makes equal what may differ in any answer; tells which deviation that was.
    pub(super) fn excuse(&mut self, of_django: &Self) -> Option<&'static str> {
        let excused = of_django.has_null && !self.has_null;
        // Ours copies what Django has written.
        self.has_null = of_django.has_null;
        excused.then_some(NO_NULL)
    }
}

/// What a side has shown so far.
pub(super) struct Seen {
    /// The ids of tokens, with where they were first seen and the expiry they had last.
    ids: HashMap<String, (String, i64)>,
    /// Lifetimes in seconds by which moments are recognized.
    lifetimes: Vec<i64>,
    id_claim: Option<String>,
    pub(super) leeway: i64,
    /// Ids of users of whom each side has one of its own, with what both are called.
    twins: HashMap<String, String>,
    /// Whether a token of the present answer has the claim `null`.
    null: bool,
    /// When the tokens expire that were sent.
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

    /// Replaces tokens by what they say.
    fn explain(&mut self, value: Value) -> Value {
        match value {
            Value::String(text) if text.starts_with("eyJ") && text.split('.').count() == 3 => {
                self.explain_token(&text)
            }
            Value::String(text) => self.user(&text).into(),
            Value::Number(number) => match self.twins.get(&number.to_string()) {
                Some(name) => name.as_str().into(),
                None => number.into(),
            },
            Value::Array(list) => list.into_iter().map(|value| self.explain(value)).collect(),
            Value::Object(members) => {
                // Both tokens of an answer are told apart by the member they are in.
                members.into_iter().map(|(name, value)| (name, self.explain(value))).collect()
            }
            other => other,
        }
    }

    pub(super) fn user(&self, id: &str) -> String {
        self.twins.get(id).map_or_else(|| id.to_owned(), |name| format!("{name} of this side"))
    }

    fn explain_token(&mut self, token: &str) -> Value {
        let Members(members) = serde_json::from_str(&part(token, 1)).unwrap();
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
                let explained = match (value.as_str(), value.as_i64()) {
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
                json!([name, explained])
            })
            .collect();
        json!({"header": part(token, 0), "claims": claims})
    }

    /// What is known of an id; from now on its token expires at `exp`.
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

    /// Takes a look at the tokens in a request.
    pub(super) fn look_at(&mut self, request: &str) {
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

    /// When the token with this id expires, as its own claim says.
    pub(super) fn expiry(&self, id: &str) -> Option<i64> {
        let shown = self.ids.get(id).map(|(_, exp)| *exp).filter(|exp| *exp > 0);
        shown.or_else(|| self.sent.get(id).copied())
    }

    /// A moment from which it does not matter by how much it misses `base`.
    pub(super) fn moment(&self, time: i64, base: i64) -> String {
        self.recognize(time, base, TOLERANCE)
    }

    /// A moment that is a lifetime away from `base`, but for the second that may begin between.
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

/// The claims of what may be a token.
fn claims_of(token: &str) -> Option<Value> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    serde_json::from_slice(&payload).ok()
}

/// As SimpleJWT makes them.
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
