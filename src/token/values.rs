//! The values of registered claims, each of which allows for one sort of JSON value.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, SeqAccess, Visitor, value::MapAccessDeserializer},
};

use crate::clock::NumericDate;

use super::members::JsonStr;

/// RFC 7519 sets no limit; stores and indexes need one.
const MAX_ID_LEN: usize = 255;

/// A `NumericDate`: not negative, at most the year 9999; the fraction is dropped.
pub(super) struct Date(pub(super) NumericDate);

impl<'de> Deserialize<'de> for Date {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct DateVisitor;

        impl Visitor<'_> for DateVisitor {
            type Value = Date;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("seconds since 1970 up to the year 9999")
            }

            fn visit_u64<E: Error>(self, secs: u64) -> Result<Date, E> {
                if secs > NumericDate::MAX.as_secs() {
                    return Err(E::custom("beyond the year 9999"));
                }
                Ok(Date(NumericDate::from_secs(secs)))
            }

            fn visit_f64<E: Error>(self, secs: f64) -> Result<Date, E> {
                if !(0.0..=NumericDate::MAX.as_secs() as f64).contains(&secs) {
                    return Err(E::custom("not a date"));
                }
                Ok(Date(NumericDate::from_secs(secs as u64)))
            }
        }

        deserializer.deserialize_u64(DateVisitor)
    }
}

/// A string of 1 to 255 bytes without NUL.
pub(super) struct Id<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Id<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let JsonStr(id) = JsonStr::deserialize(deserializer)?;
        check_id(id).map(Id)
    }
}

fn check_id<E: Error>(id: Cow<'_, str>) -> Result<Cow<'_, str>, E> {
    // PostgreSQL, for one, stores no NUL: such an id would be answered 503 instead of 401.
    if id.is_empty() || id.len() > MAX_ID_LEN || id.contains('\0') {
        return Err(E::custom("an id must have 1 to 255 bytes, none of them NUL"));
    }
    Ok(id)
}

/// A string of 1 to 255 bytes or an integer, as its text.
pub(super) struct TextOrInteger<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for TextOrInteger<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct IdVisitor;

        impl<'de> Visitor<'de> for IdVisitor {
            type Value = TextOrInteger<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an integer")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                check_id(Cow::Borrowed(text)).map(TextOrInteger)
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                check_id(Cow::Owned(text.to_owned())).map(TextOrInteger)
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Self::Value, E> {
                Ok(TextOrInteger(number.to_string().into()))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Self::Value, E> {
                Ok(TextOrInteger(number.to_string().into()))
            }

            // With serde_json's `arbitrary_precision`, which any crate of the final program may
            // turn on, numbers arrive as a map.
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let number = serde_json::Number::deserialize(MapAccessDeserializer::new(map))?;
                if number.is_u64() || number.is_i64() {
                    Ok(TextOrInteger(number.to_string().into()))
                } else {
                    Err(A::Error::custom("not an integer"))
                }
            }
        }

        deserializer.deserialize_any(IdVisitor)
    }
}

/// A string, or an array of strings.
pub(super) enum OneOrMany<'a> {
    One(Cow<'a, str>),
    Many(Vec<Cow<'a, str>>),
}

impl<'de> Deserialize<'de> for OneOrMany<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrManyVisitor;

        impl<'de> Visitor<'de> for OneOrManyVisitor {
            type Value = OneOrMany<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string or an array of strings")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(OneOrMany::One(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(OneOrMany::One(Cow::Owned(text.to_owned())))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut texts = Vec::new();
                while let Some(JsonStr(text)) = seq.next_element()? {
                    texts.push(text);
                }
                Ok(OneOrMany::Many(texts))
            }
        }

        deserializer.deserialize_any(OneOrManyVisitor)
    }
}
