//! Parsing JSON objects that clients send.

use std::{collections::HashSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Value};

/// Names that `serde_json` gives a meaning of their own. With its feature `raw_value`, which any
/// crate in the build can turn on, an object with such a member is parsed as the JSON in that
/// member: `{"$serde_json::private::RawValue":"\"text\""}` would be the string `text`.
const RESERVED_PREFIX: &str = "$serde_json::private::";

/// Why a body is not accepted as a JSON object.
pub(crate) enum JsonObjectError {
    /// The body is not JSON.
    Syntax,
    /// The body is JSON, but not an object, or an object in it has a duplicate member.
    NotAnObject,
    /// A member name is reserved by the JSON parser.
    ReservedName,
}

/// Parses a JSON object in which no object, at any depth, has duplicate or reserved member names.
pub(crate) fn parse_object(json: &[u8]) -> Result<Map<String, Value>, JsonObjectError> {
    let json = str::from_utf8(json).or(Err(JsonObjectError::Syntax))?;
    let classify = |error: serde_json::Error| {
        if error.is_data() { JsonObjectError::NotAnObject } else { JsonObjectError::Syntax }
    };
    let DistinctNames = serde_json::from_str(json).map_err(classify)?;
    let members = serde_json::from_str(json).map_err(classify)?;
    if has_reserved_name(json) {
        return Err(JsonObjectError::ReservedName);
    }
    Ok(members)
}

/// JSON without duplicate member names. If a body had two passwords, the one that is checked here
/// might not be the one that another server has seen.
struct DistinctNames;

impl<'de> Deserialize<'de> for DistinctNames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(DistinctNamesVisitor)
    }
}

struct DistinctNamesVisitor;

impl<'de> Visitor<'de> for DistinctNamesVisitor {
    type Value = DistinctNames;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut names = HashSet::new();
        while let Some((name, DistinctNames)) = map.next_entry::<String, _>()? {
            if !names.insert(name) {
                return Err(A::Error::custom("duplicate member"));
            }
        }
        Ok(DistinctNames)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
        while let Some(DistinctNames) = seq.next_element()? {}
        Ok(DistinctNames)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(DistinctNames)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Self::Value, E> {
        Ok(DistinctNames)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Self::Value, E> {
        Ok(DistinctNames)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Self::Value, E> {
        Ok(DistinctNames)
    }

    fn visit_str<E>(self, _: &str) -> Result<Self::Value, E> {
        Ok(DistinctNames)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(DistinctNames)
    }
}

/// Whether an object at any depth of `json`, which is valid, has a member with a reserved name.
fn has_reserved_name(json: &str) -> bool {
    let mut rest = json;
    while let Some(start) = rest.find('"') {
        let (literal, after) = split_string(&rest[start..]);
        if after.trim_start().starts_with(':') && is_reserved(literal) {
            return true;
        }
        rest = after;
    }
    false
}

/// Splits a text that starts with a string literal after that literal.
fn split_string(json: &str) -> (&str, &str) {
    let mut is_escaped = false;
    let end = json.bytes().skip(1).position(|byte| {
        let is_end = byte == b'"' && !is_escaped;
        is_escaped = byte == b'\\' && !is_escaped;
        is_end
    });
    json.split_at(end.map_or(json.len(), |end| end + "\"\"".len()))
}

fn is_reserved(literal: &str) -> bool {
    if literal.contains('\\') {
        let name: Result<String, _> = serde_json::from_str(literal);
        name.is_ok_and(|name| name.starts_with(RESERVED_PREFIX))
    } else {
        literal[1..].starts_with(RESERVED_PREFIX)
    }
}
