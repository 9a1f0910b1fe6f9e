//! Types of the application's claims, in all the forms that serde derives.

use std::{
    collections::{BTreeMap, HashMap},
    fmt::Debug,
};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Map, Number, Value, value::RawValue};
use tower_jwt_auth::{Claims, Verifier, token::VerifierBuilder};

use super::reference::Read;

#[derive(Debug, Deserialize, PartialEq)]
struct Member {
    username: Option<String>,
    #[serde(default)]
    level: u8,
    exp: Option<f64>,
    iat: Option<u64>,
    aud: Option<Value>,
    sub: Option<Box<str>>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(deny_unknown_fields)]
struct Strict {
    exp: u128,
    iat: i64,
    jti: char,
    user_id: Either,
    token_type: Kind,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Kind {
    Access,
    Refresh,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Either {
    Number(i32),
    Name(String),
}

#[derive(Debug, Deserialize, PartialEq)]
struct Flat {
    scope: Option<Value>,
    #[serde(flatten)]
    inner: Inner,
    #[serde(flatten)]
    others: BTreeMap<String, Value>,
}

#[derive(Debug, Deserialize, PartialEq)]
struct Inner {
    #[serde(alias = "sid")]
    jti: Option<String>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(tag = "token_type", rename_all = "lowercase")]
enum Tagged {
    Access { user_id: Value },
    Refresh(Inner),
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(untagged)]
enum Untagged {
    Strict(Strict),
    Pair(u8, u8),
    Others(HashMap<String, Value>),
}

#[derive(Debug, Deserialize, PartialEq)]
struct Wrapped(Option<Member>);

/// A type that swallows errors.
#[derive(Debug, Deserialize, PartialEq)]
struct Lenient {
    #[serde(default, deserialize_with = "or_default")]
    level: u8,
    #[serde(default, deserialize_with = "or_default")]
    exp: String,
}

fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: Deserialize<'de> + Default,
{
    let value = Value::deserialize(deserializer).ok();
    Ok(value.and_then(|value| T::deserialize(value).ok()).unwrap_or_default())
}

/// JSON as it was written.
#[derive(Debug, Deserialize)]
struct Raw {
    exp: Option<Box<RawValue>>,
    number: Option<Number>,
}

impl PartialEq for Raw {
    fn eq(&self, other: &Self) -> bool {
        self.exp.as_deref().map(RawValue::get) == other.exp.as_deref().map(RawValue::get)
            && self.number == other.number
    }
}

macro_rules! verifiers {
    ($($name:ident: $type:ty),* $(,)?) => {
        /// A verifier for each type.
        pub struct Verifiers {
            $($name: Verifier<$type>,)*
        }

        impl Verifiers {
            pub fn new(builder: impl Fn() -> VerifierBuilder) -> Self {
                Self { $($name: builder().claims().build().unwrap(),)* }
            }

            /// Checks that each type is read as serde_json reads it.
            pub fn check(&self, token: &str, payload: &[u8], registered: Option<&Claims>) {
                if registered.is_some() {
                    $(check(&self.$name, token, payload, registered);)*
                } else {
                    // The type with the least influence, and the one with the most.
                    check(&self.map, token, payload, None);
                    check(&self.lenient, token, payload, None);
                }
            }
        }
    };
}

verifiers! {
    member: Member,
    strict: Strict,
    flat: Flat,
    tagged: Tagged,
    untagged: Untagged,
    wrapped: Wrapped,
    lenient: Lenient,
    raw: Raw,
    value: Value,
    map: Map<String, Value>,
    strings: HashMap<String, String>,
    optional: Option<BTreeMap<String, Value>>,
    list: Vec<u8>,
    unit: (),
}

fn check<C: DeserializeOwned + Debug + PartialEq + Send + Sync + 'static>(
    verifier: &Verifier<C>,
    token: &str,
    payload: &[u8],
    registered: Option<&Claims>,
) {
    let claims = verifier.verify(token);
    let expected = serde_json::from_slice::<C>(payload).ok().filter(|_| registered.is_some());
    assert_eq!(claims.as_deref().ok(), expected.as_ref());
    if let (Ok(claims), Some(registered)) = (&claims, registered) {
        assert_eq!(Read::of(claims), Read::of(registered));
    }
}
