//! Reads members of a payload that is not verified yet.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{IgnoredAny, MapAccess, Visitor},
};

#[cfg(feature = "cookie")]
use super::compact::Compact;
use super::members::JsonStr;

/// Returns the strings in the members of these names. All are `None` if the payload is malformed or
/// one of them is not a string.
///
/// The payload is not verified, so they may select a key, nothing else. A duplicate member makes the
/// token invalid when it is verified.
pub(super) fn peek<'a, const N: usize>(
    payload: &'a str,
    names: [&str; N],
) -> [Option<Cow<'a, str>>; N] {
    struct Members<'n, const N: usize>([&'n str; N]);

    impl<'de, const N: usize> Visitor<'de> for Members<'_, N> {
        type Value = [Option<Cow<'de, str>>; N];

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a claims set")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut values = [const { None }; N];
            while let Some(JsonStr(name)) = map.next_key()? {
                match self.0.iter().position(|wanted| *wanted == name) {
                    Some(index) => values[index] = Some(map.next_value::<JsonStr<'de>>()?.0),
                    None => {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
            }
            Ok(values)
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(payload);
    deserializer.deserialize_map(Members(names)).unwrap_or([const { None }; N])
}

/// Returns the `exp` of a payload, or `None` if it is absent or malformed. It may be forged.
#[cfg(feature = "jwks")]
pub(super) fn peek_expiry(payload: &str) -> Option<crate::NumericDate> {
    #[derive(serde::Deserialize)]
    struct Expiry {
        exp: f64,
    }

    let Expiry { exp } = serde_json::from_str(payload).ok()?;
    // Rounded up, so that no valid token is rejected.
    std::time::Duration::try_from_secs_f64(exp.ceil())
        .ok()
        .map(|since_1970| crate::NumericDate::from_secs(since_1970.as_secs()))
}

/// Returns the `sid` of a token that is not verified yet, or `None` if it is longer than `max_len`,
/// malformed or without one. It may be forged.
#[cfg(feature = "cookie")]
pub(crate) fn peek_session_id(token: &[u8], max_len: usize) -> Option<String> {
    let payload = Compact::split(token, max_len).ok()?.decode_payload().ok()?;
    let payload = std::str::from_utf8(&payload).ok()?;
    let [session_id] = peek(payload, ["sid"]);
    session_id.map(Cow::into_owned)
}
