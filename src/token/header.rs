//! The JOSE header: the members that are read, and those that make a token invalid.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};

use crate::error::{AuthError, AuthErrorKind, ErrorDetails};

use super::members::{JsonStr, SeenMembers};

const MAX_KID_LEN: usize = 256;
const READ: [&str; 3] = ["alg", "kid", "typ"];
/// Each changes what is signed or what must be understood: see RFC 7515 section 4.1.11, RFC 7797 and
/// RFC 7516.
const UNSUPPORTED: [&str; 4] = ["crit", "b64", "zip", "enc"];

/// The header members that are read.
///
/// `jwk`, `jku`, `x5u` and `x5c` are ignored like unknown members: never read, never fetched.
#[derive(Clone)]
pub(super) struct Header<'a> {
    pub(super) algorithm: Cow<'a, str>,
    pub(super) key_id: Option<Cow<'a, str>>,
    pub(super) typ: Option<Cow<'a, str>>,
}

impl<'a> Header<'a> {
    pub(super) fn read(json: &'a [u8]) -> Result<Self, AuthError> {
        // All of it must be UTF-8 (RFC 7515 section 5.2), including members that are skipped.
        let json = str::from_utf8(json).map_err(|_| AuthErrorKind::Malformed)?;
        let mut violation = None;
        let mut deserializer = serde_json::Deserializer::from_str(json);
        deserializer
            .deserialize_map(HeaderVisitor { violation: &mut violation })
            .and_then(|header| deserializer.end().map(|()| header))
            .map_err(|_| match violation {
                Some((member, rule)) => AuthError::with_details(
                    AuthErrorKind::Malformed,
                    ErrorDetails {
                        member: Some(member.into()),
                        rule: Some(rule.into()),
                        ..ErrorDetails::default()
                    },
                ),
                None => AuthErrorKind::Malformed.into(),
            })
    }
}

struct HeaderVisitor<'v> {
    /// The member that is invalid, and the rule that it violates.
    violation: &'v mut Option<(&'static str, &'static str)>,
}

impl<'de> Visitor<'de> for HeaderVisitor<'_> {
    type Value = Header<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JOSE header")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut seen = SeenMembers::new();
        let (mut algorithm, mut key_id, mut typ) = (None, None, None);
        while let Some(JsonStr(name)) = map.next_key()? {
            let known = READ.iter().chain(&UNSUPPORTED).find(|known| **known == name);
            let violation = |rule| known.map(|name| (*name, rule));
            *self.violation = violation("no duplicates");
            seen.insert(&name)?;
            *self.violation = violation("expected a string");
            match name.as_ref() {
                "alg" => algorithm = Some(map.next_value::<JsonStr<'de>>()?.0),
                "kid" => key_id = Some(map.next_value::<JsonStr<'de>>()?.0),
                "typ" => typ = Some(map.next_value::<JsonStr<'de>>()?.0),
                _ if known.is_some() => {
                    *self.violation = violation("not supported");
                    return Err(A::Error::custom("unsupported header member"));
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                }
            }
        }
        *self.violation = None;
        if key_id.as_ref().is_some_and(|id: &Cow<'_, str>| id.len() > MAX_KID_LEN) {
            *self.violation = Some(("kid", "at most 256 bytes"));
            return Err(A::Error::custom("key id too long"));
        }
        let algorithm = algorithm.ok_or_else(|| {
            *self.violation = Some(("alg", "required"));
            A::Error::missing_field("alg")
        })?;
        Ok(Header { algorithm, key_id, typ })
    }
}

/// Returns whether the header member `typ` names the media type `expected`. Case and a leading
/// `application/` are ignored ([RFC 7515 section 4.1.9]).
///
/// [RFC 7515 section 4.1.9]: https://www.rfc-editor.org/rfc/rfc7515#section-4.1.9
pub(super) fn typ_matches(typ: Option<&str>, expected: &str) -> bool {
    fn short(typ: &str) -> &str {
        match typ.split_at_checked("application/".len()) {
            Some((prefix, rest)) if prefix.eq_ignore_ascii_case("application/") => rest,
            _ => typ,
        }
    }
    typ.is_some_and(|typ| short(typ).eq_ignore_ascii_case(short(expected)))
}
