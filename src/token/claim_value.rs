//! The values of registered claims, and what each of them may be.

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

/// RFC 7519 sets no limit; stores and indexes need one.
const MAX_ID_LEN: usize = 255;

/// A value of the kinds that registered claims have, to be read as often as need be.
pub(super) enum ClaimValue<'a> {
    String(Cow<'a, str>),
    Strings(Vec<Cow<'a, str>>),
    Number(Number),
}

impl<'a> ClaimValue<'a> {
    pub(super) const EMPTY: Self = Self::String(Cow::Borrowed(""));

    pub(super) const fn string(&self) -> Option<&Cow<'a, str>> {
        match self {
            Self::String(text) => Some(text),
            Self::Strings(_) | Self::Number(_) => None,
        }
    }

    /// One text, or those of an array.
    pub(super) fn strings(&self) -> Option<&[Cow<'a, str>]> {
        match self {
            Self::String(text) => Some(slice::from_ref(text)),
            Self::Strings(texts) => Some(texts),
            Self::Number(_) => None,
        }
    }

    /// A text without NUL, and not empty.
    pub(super) fn name(&self) -> Option<&Cow<'a, str>> {
        // PostgreSQL, for one, stores no NUL: such a name would be answered 503 instead of 401.
        self.string().filter(|name| !name.is_empty() && !name.contains('\0'))
    }

    /// A name of at most 255 bytes.
    pub(super) fn id(&self) -> Option<&Cow<'a, str>> {
        self.name().filter(|id| id.len() <= MAX_ID_LEN)
    }

    /// An integer as its text.
    pub(super) fn integer(&self) -> Option<String> {
        match self {
            Self::Number(number) if number.is_u64() || number.is_i64() => Some(number.to_string()),
            _ => None,
        }
    }

    /// A `NumericDate`: not negative, at most the year 9999; the fraction is dropped.
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

/// Reads a value into the place where it stays: moving it takes longer than reading most of them.
impl<'de> DeserializeSeed<'de> for &mut ClaimValue<'de> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for &mut ClaimValue<'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text, texts or a number")
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<(), E> {
        *self = ClaimValue::String(Cow::Borrowed(text));
        Ok(())
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<(), E> {
        *self = ClaimValue::String(Cow::Owned(text.to_owned()));
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
        let number = Number::from_f64(number).ok_or_else(|| E::custom("no number"))?;
        *self = ClaimValue::Number(number);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        let mut texts = Vec::new();
        while let Some(JsonStr(text)) = seq.next_element()? {
            texts.push(text);
        }
        *self = ClaimValue::Strings(texts);
        Ok(())
    }

    // With serde_json's `arbitrary_precision`, which any crate of the final program may turn on,
    // numbers arrive as a map.
    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        *self = ClaimValue::Number(Number::deserialize(MapAccessDeserializer::new(map))?);
        Ok(())
    }
}

/// Has the application's claims read a value that was read already.
pub(super) struct Reread<'a, E> {
    value: &'a ClaimValue<'a>,
    error: PhantomData<E>,
}

impl<'a, E> Reread<'a, E> {
    pub(super) const fn new(value: &'a ClaimValue<'a>) -> Self {
        Self { value, error: PhantomData }
    }
}

impl<'de, E: Error> Deserializer<'de> for Reread<'_, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.value {
            ClaimValue::String(text) => visitor.visit_str(text),
            ClaimValue::Strings(texts) => {
                let texts = texts.iter().map(|text| text.as_ref().into_deserializer());
                SeqDeserializer::new(texts).deserialize_any(visitor)
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
