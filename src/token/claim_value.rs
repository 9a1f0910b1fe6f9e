//! The values of the registered claims.

use std::{borrow::Cow, fmt, marker::PhantomData, slice};

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeSeed, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{MapAccessDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};
use serde_json::Number;

use crate::clock::NumericDate;

use super::members::JsonStr;

/// RFC 7519 sets no limit, but stores and indexes require one.
const MAX_ID_LEN: usize = 255;

/// A value of a type that a registered claim can have.
pub(super) enum ClaimValue<'a> {
    String(Cow<'a, str>),
    Strings(Vec<Cow<'a, str>>),
    Number(Number),
}

impl<'a> ClaimValue<'a> {
    pub(super) const EMPTY: Self = Self::String(Cow::Borrowed(""));

    pub(super) const fn string(&self) -> Option<&Cow<'a, str>> {
        match self {
            Self::String(string) => Some(string),
            Self::Strings(_) | Self::Number(_) => None,
        }
    }

    /// Returns a string as a slice of one, or the strings of an array.
    pub(super) fn strings(&self) -> Option<&[Cow<'a, str>]> {
        match self {
            Self::String(string) => Some(slice::from_ref(string)),
            Self::Strings(strings) => Some(strings),
            Self::Number(_) => None,
        }
    }

    /// Returns a string that is not empty and has no NUL.
    pub(super) fn name(&self) -> Option<&Cow<'a, str>> {
        self.string().filter(|name| is_name(name))
    }

    /// Returns a [name](Self::name) of at most 255 bytes, the id of a session or a token.
    pub(super) fn id(&self) -> Option<&Cow<'a, str>> {
        self.string().filter(|id| is_id(id))
    }

    /// Returns the decimal form of an integer.
    pub(super) fn integer(&self) -> Option<String> {
        match self {
            Self::Number(number) => match (number.as_u64(), number.as_i64()) {
                (Some(integer), _) => Some(integer.to_string()),
                // With `arbitrary_precision`, -0 is an integer too.
                (None, Some(integer)) if integer != 0 => Some(integer.to_string()),
                _ => None,
            },
            Self::String(_) | Self::Strings(_) => None,
        }
    }

    /// Returns a `NumericDate` from 1970 to 9999. A fraction of a second is ignored.
    pub(super) fn date(&self) -> Option<NumericDate> {
        let Self::Number(number) = self else { return None };
        let latest = NumericDate::MAX.as_secs();
        let secs = match number.as_u64() {
            Some(secs) => Some(secs).filter(|secs| *secs <= latest),
            None => {
                let secs = number.as_f64().filter(|secs| (0.0..=latest as f64).contains(secs));
                secs.map(|secs| secs as u64)
            }
        };
        secs.map(NumericDate::from_secs)
    }
}

fn is_name(string: &str) -> bool {
    // PostgreSQL cannot store NUL, so a store would fail with 503 instead of 401.
    !string.is_empty() && !string.contains('\0')
}

/// Returns whether verifiers accept `string` as an id.
pub(crate) fn is_id(string: &str) -> bool {
    is_name(string) && string.len() <= MAX_ID_LEN
}

/// Reads a value in place, because moving it takes longer than reading most values.
impl<'de> DeserializeSeed<'de> for &mut ClaimValue<'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut ClaimValue<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string, an array of strings or a number")
    }

    fn visit_borrowed_str<E: Error>(self, string: &'de str) -> Result<(), E> {
        *self = ClaimValue::String(Cow::Borrowed(string));
        Ok(())
    }

    fn visit_str<E: Error>(self, string: &str) -> Result<(), E> {
        *self = ClaimValue::String(Cow::Owned(string.to_owned()));
        Ok(())
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<(), E> {
        *self = ClaimValue::Number(number.into());
        Ok(())
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<(), E> {
        *self = ClaimValue::Number(number.into());
        Ok(())
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<(), E> {
        let number = Number::from_f64(number).ok_or_else(|| E::custom("not a JSON number"))?;
        *self = ClaimValue::Number(number);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut strings = Vec::new();
        while let Some(JsonStr(string)) = seq.next_element()? {
            strings.push(string);
        }
        *self = ClaimValue::Strings(strings);
        Ok(())
    }

    // With serde_json's feature `arbitrary_precision`, which any crate of the program may enable,
    // a number is deserialized as a map.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        *self = ClaimValue::Number(Number::deserialize(MapAccessDeserializer::new(map))?);
        Ok(())
    }
}

/// Deserializes a value that was read before.
pub(super) struct ReadValue<'a, E> {
    value: &'a ClaimValue<'a>,
    error: PhantomData<E>,
}

impl<'a, E> ReadValue<'a, E> {
    pub(super) const fn new(value: &'a ClaimValue<'a>) -> Self {
        Self { value, error: PhantomData }
    }
}

impl<'de, E: Error> Deserializer<'de> for ReadValue<'_, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.value {
            ClaimValue::String(string) => visitor.visit_str(string),
            ClaimValue::Strings(strings) => {
                let strings = strings.iter().map(|string| string.as_ref().into_deserializer());
                SeqDeserializer::new(strings).deserialize_any(visitor)
            }
            ClaimValue::Number(number) => number.deserialize_any(visitor).map_err(E::custom),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_some(self)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, E> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit
        unit_struct seq tuple tuple_struct map struct enum identifier
    }
}
