//! The payload, read once for the registered claims and for the application's own.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{
        DeserializeOwned, DeserializeSeed, Error, IntoDeserializer, MapAccess, SeqAccess, Visitor,
        value::{BorrowedStrDeserializer, SeqDeserializer},
    },
    forward_to_deserialize_any,
};

use crate::{clock::NumericDate, error::AuthErrorKind};

use super::{
    members::JsonStr,
    registered::{Reader, Registered},
    validation::Rules,
};

/// Reads both, unless the token has expired; nothing where anything is out of the ordinary: what is
/// wrong, and whether a `C` that is no struct or map can be made of it, takes a closer look.
#[inline]
pub(super) fn read<C: DeserializeOwned>(
    payload: &str,
    rules: &Rules,
    now: NumericDate,
) -> Result<Option<(Registered, C)>, AuthErrorKind> {
    let mut reader = Reader::new(payload, rules, now);
    let mut json = serde_json::Deserializer::from_str(payload);
    let own = C::deserialize(Payload { json: &mut json, reader: &mut reader });
    if reader.found_expired() {
        return Err(AuthErrorKind::Expired);
    }
    let (Ok(own), Ok(())) = (own, json.end()) else { return Ok(None) };
    let registered = reader.finish::<serde_json::Error>().ok();
    Ok(registered.map(|registered| (registered, own)))
}

/// Lets a `C` read the payload while the reader reads along.
struct Payload<'a, 'de, J> {
    json: J,
    reader: &'a mut Reader<'de>,
}

impl<'de, J: Deserializer<'de>> Deserializer<'de> for Payload<'_, 'de, J> {
    type Error = J::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, J::Error> {
        self.json.deserialize_map(Payload { json: visitor, reader: self.reader })
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

impl<'de, V: Visitor<'de>> Visitor<'de> for Payload<'_, 'de, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.json.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        self.json.visit_map(Members { map, reader: self.reader, value: None })
    }
}

struct Members<'a, 'de, A> {
    map: A,
    reader: &'a mut Reader<'de>,
    /// That of the member that comes next, if the reader has read it.
    value: Option<Plain<'de>>,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Members<'_, 'de, A> {
    type Error = A::Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        let Some(JsonStr(name)) = self.map.next_key()? else { return Ok(None) };
        self.value = match self.reader.note(&name)? {
            Some(claim) => {
                let value = self.map.next_value()?;
                self.reader.read(claim, &mut OneValue::<A::Error>::new(&value))?;
                Some(value)
            }
            None => None,
        };
        match name {
            Cow::Borrowed(name) => seed.deserialize(BorrowedStrDeserializer::new(name)),
            Cow::Owned(name) => seed.deserialize(name.into_deserializer()),
        }
        .map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, A::Error> {
        match self.value.take() {
            Some(value) => seed.deserialize((&value).into_deserializer()),
            None => self.map.next_value_seed(seed),
        }
    }
}

/// A value of the kinds that registered claims have.
enum Plain<'de> {
    Text(Cow<'de, str>),
    List(Vec<Self>),
    Unsigned(u64),
    Signed(i64),
    Float(f64),
}

impl<'de> Deserialize<'de> for Plain<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PlainVisitor;

        impl<'de> Visitor<'de> for PlainVisitor {
            type Value = Plain<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, texts or a number")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Plain::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Plain::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Plain::Unsigned(number))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Plain::Signed(number))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Plain::Float(number))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut list = Vec::new();
                while let Some(JsonStr(text)) = seq.next_element()? {
                    list.push(Plain::Text(text));
                }
                Ok(Plain::List(list))
            }
        }

        deserializer.deserialize_any(PlainVisitor)
    }
}

/// The value of one member, as often as it is asked for.
struct OneValue<'a, 'de, E> {
    value: &'a Plain<'de>,
    error: PhantomData<E>,
}

impl<'a, 'de, E> OneValue<'a, 'de, E> {
    const fn new(value: &'a Plain<'de>) -> Self {
        Self { value, error: PhantomData }
    }
}

impl<'de, E: Error> MapAccess<'de> for OneValue<'_, 'de, E> {
    type Error = E;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, _: K) -> Result<Option<K::Value>, E> {
        Ok(None)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(&mut self, seed: S) -> Result<S::Value, E> {
        seed.deserialize(self.value.into_deserializer())
    }
}

struct PlainDeserializer<'a, 'de, E> {
    value: &'a Plain<'de>,
    error: PhantomData<E>,
}

impl<'a, 'de, E: Error> IntoDeserializer<'de, E> for &'a Plain<'de> {
    type Deserializer = PlainDeserializer<'a, 'de, E>;

    fn into_deserializer(self) -> Self::Deserializer {
        PlainDeserializer { value: self, error: PhantomData }
    }
}

impl<'de, E: Error> Deserializer<'de> for PlainDeserializer<'_, 'de, E> {
    type Error = E;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, E> {
        match self.value {
            Plain::Text(Cow::Borrowed(text)) => visitor.visit_borrowed_str(text),
            Plain::Text(Cow::Owned(text)) => visitor.visit_str(text),
            Plain::List(list) => SeqDeserializer::new(list.iter()).deserialize_any(visitor),
            Plain::Unsigned(number) => visitor.visit_u64(*number),
            Plain::Signed(number) => visitor.visit_i64(*number),
            Plain::Float(number) => visitor.visit_f64(*number),
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
