//! The payload, read once for the registered claims and for the application's own.

use std::{borrow::Cow, fmt};

use serde::{
    Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, IntoDeserializer, MapAccess, Visitor,
        value::BorrowedStrDeserializer,
    },
    forward_to_deserialize_any,
};

use crate::clock::NumericDate;

use super::{
    claim_value::{ClaimValue, Reread},
    members::JsonStr,
    reader::Reader,
    registered::Registered,
    validation::Rules,
};

/// Why a payload was not read to its end.
pub(super) enum PayloadError {
    Expired,
    /// Anything is out of the ordinary: what is wrong, and whether a `C` that is no struct or map
    /// can be made of it, takes a closer look.
    Unreadable,
}

/// Reads both, the claims of the application and `registered`.
#[inline]
pub(super) fn read<C: DeserializeOwned>(
    payload: &str,
    rules: &Rules,
    now: NumericDate,
    registered: &mut Registered,
) -> Result<C, PayloadError> {
    let mut reader = Reader::new(payload, rules, now, registered);
    let mut json = serde_json::Deserializer::from_str(payload);
    let own = C::deserialize(PayloadReader { json: &mut json, reader: &mut reader });
    if reader.found_expired() {
        return Err(PayloadError::Expired);
    }
    match own {
        Ok(own) if json.end().is_ok() && reader.is_complete() => Ok(own),
        _ => Err(PayloadError::Unreadable),
    }
}

/// Lets a `C` read the payload while the reader reads along.
struct PayloadReader<'a, 'b, 'de, J> {
    json: J,
    reader: &'a mut Reader<'b, 'de>,
}

impl<'de, J: Deserializer<'de>> Deserializer<'de> for PayloadReader<'_, '_, 'de, J> {
    type Error = J::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, J::Error> {
        self.json.deserialize_map(PayloadReader { json: visitor, reader: self.reader })
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, J::Error> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, J::Error> {
        visitor.visit_newtype_struct(self)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

impl<'de, V: Visitor<'de>> Visitor<'de> for PayloadReader<'_, '_, 'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.json.visit_map(Members {
            map,
            reader: self.reader,
            is_read: false,
            value: ClaimValue::EMPTY,
        })
    }
}

struct Members<'a, 'b, 'de, A> {
    map: A,
    reader: &'a mut Reader<'b, 'de>,
    /// Whether the reader has read the value that comes next, into `value`.
    is_read: bool,
    value: ClaimValue<'de>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'_, '_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let Some(JsonStr(name)) = self.map.next_key()? else { return Ok(None) };
        self.is_read = self.reader.read_member(&name, &mut self.map, &mut self.value)?;
        match name {
            Cow::Borrowed(name) => seed.deserialize(BorrowedStrDeserializer::new(name)),
            Cow::Owned(name) => seed.deserialize(name.into_deserializer()),
        }
        .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        if self.is_read {
            seed.deserialize(Reread::new(&self.value))
        } else {
            self.map.next_value_seed(seed)
        }
    }
}
