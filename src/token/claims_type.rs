//! Finds the member of a payload that the type of the application's claims rejects.
//!
//! It reads the payload once more, after it was rejected, so that accepted tokens do not pay for it.

use std::fmt::{self, Display};

use serde::{
    Deserializer,
    de::{DeserializeOwned, DeserializeSeed, Error, IntoDeserializer, MapAccess, Visitor},
    forward_to_deserialize_any,
};

use crate::error::{AuthError, AuthErrorKind, ErrorDetails, escape};

use super::members::JsonStr;

/// The error for a payload that does not deserialize to `C`.
pub(super) fn rejected_by<C: DeserializeOwned>(payload: &str) -> AuthError {
    let mut found = Found::default();
    let mut json = serde_json::Deserializer::from_str(payload);
    let rejected = C::deserialize(Tracked { inner: &mut json, found: &mut found }).is_err();
    let (member, rule) = match found {
        Found { missing: Some(name), .. } => {
            (Some(name.into()), "required by the application's claims")
        }
        // The name comes from the token, although from a trusted issuer.
        Found { reading: Some(name), .. } if rejected => (
            Some(escape(&name).into_string().into()),
            "expected the type that the application's claims have",
        ),
        Found { .. } => (None, "expected the application's claims"),
    };
    let (rule, setting) = (Some(rule.into()), Some("claims"));
    let details = ErrorDetails { member, rule, setting, ..ErrorDetails::default() };
    AuthError::with_details(AuthErrorKind::InvalidClaims, details)
}

#[derive(Default)]
struct Found {
    /// The member that is being read.
    reading: Option<String>,
    /// A field without a member.
    missing: Option<&'static str>,
}

/// A deserializer and a visitor that note what `inner` reads.
struct Tracked<'a, T> {
    inner: T,
    found: &'a mut Found,
}

impl<'de, J: Deserializer<'de>> Deserializer<'de> for Tracked<'_, J> {
    type Error = J::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, J::Error> {
        self.inner.deserialize_map(Tracked { inner: visitor, found: self.found })
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

impl<'de, V: Visitor<'de>> Visitor<'de> for Tracked<'_, V> {
    type Value = V::Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inner.expecting(f)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<V::Value, A::Error> {
        let Self { inner, found } = self;
        inner.visit_map(Tracked { inner: map, found: &mut *found }).map_err(|error| match error {
            MemberError::Missing(name) => {
                found.missing = Some(name);
                A::Error::missing_field(name)
            }
            MemberError::Other(error) => error,
        })
    }
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Tracked<'_, A> {
    type Error = MemberError<A::Error>;

    fn next_key_seed<K: DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, Self::Error> {
        let name = self.inner.next_key().map_err(MemberError::Other)?;
        self.found.reading = name.as_ref().map(|JsonStr(name)| name.clone().into_owned());
        name.map(|JsonStr(name)| seed.deserialize(name.into_deserializer())).transpose()
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, Self::Error> {
        self.inner.next_value_seed(seed).map_err(MemberError::Other)
    }
}

/// An error that keeps the name of a missing field.
#[derive(Debug)]
enum MemberError<E> {
    Missing(&'static str),
    Other(E),
}

impl<E: Error> Error for MemberError<E> {
    fn custom<T: Display>(message: T) -> Self {
        Self::Other(E::custom(message))
    }

    fn missing_field(name: &'static str) -> Self {
        Self::Missing(name)
    }
}

impl<E: Display> Display for MemberError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(name) => f.write_str(name),
            Self::Other(error) => error.fmt(f),
        }
    }
}

impl<E: std::error::Error> std::error::Error for MemberError<E> {}
