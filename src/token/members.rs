//! The names of JSON members, and the rule that an object has no duplicate members.

use std::{borrow::Cow, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor, value::MapAccessDeserializer},
};

/// More members than a valid token has. The comparison below takes quadratic time.
const MAX_MEMBERS: usize = 256;
const INLINE: usize = 16;

/// A JSON string. It is borrowed from the input unless it has escapes.
pub(super) struct JsonStr<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for JsonStr<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StrVisitor;

        impl<'de> Visitor<'de> for StrVisitor {
            type Value = JsonStr<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, string: &'de str) -> Result<Self::Value, E> {
                Ok(JsonStr(Cow::Borrowed(string)))
            }

            fn visit_str<E: Error>(self, string: &str) -> Result<Self::Value, E> {
                Ok(JsonStr(Cow::Owned(string.to_owned())))
            }
        }

        deserializer.deserialize_str(StrVisitor)
    }
}

/// The member names seen so far. Names are compared after escapes are resolved.
pub(super) struct SeenMembers<'a> {
    inline: [&'a str; INLINE],
    inline_len: usize,
    others: Vec<Cow<'a, str>>,
    /// The [bits](bit_of) of all names, so that most names need no comparison.
    bits: u64,
}

impl<'a> SeenMembers<'a> {
    pub(super) const fn new() -> Self {
        Self { inline: [""; INLINE], inline_len: 0, others: Vec::new(), bits: 0 }
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.inline[..self.inline_len].contains(&name)
            || self.others.iter().any(|other| other == name)
    }

    /// Adds `name`. Fails if it is a duplicate or if there are too many names.
    #[expect(clippy::ptr_arg, reason = "a borrowed name outlives the reference to it")]
    pub(super) fn insert<E: Error>(&mut self, name: &Cow<'a, str>) -> Result<(), E> {
        let bit = bit_of(name);
        if self.bits & bit != 0 && self.contains(name) {
            return Err(E::custom("duplicate member"));
        }
        self.bits |= bit;
        match name {
            Cow::Borrowed(name) if self.inline_len < INLINE => {
                self.inline[self.inline_len] = name;
                self.inline_len += 1;
            }
            _ if self.others.len() < MAX_MEMBERS => self.others.push(name.clone()),
            _ => return Err(E::custom("too many members")),
        }
        Ok(())
    }
}

/// Returns one bit, the same for equal names.
#[inline]
fn bit_of(name: &str) -> u64 {
    let name = name.as_bytes();
    let ends = name.first().zip(name.last()).map_or(0, |(first, last)| first ^ (last << 2));
    1 << ((ends ^ name.len() as u8) % 64)
}

/// Checks that `json` is an object without duplicate members, and that `allows` accepts the name of
/// each member.
pub(crate) fn check_members(
    json: impl AsRef<[u8]>,
    allows: impl Fn(&str) -> bool,
) -> Result<(), serde_json::Error> {
    struct ObjectVisitor<F>(F);

    impl<'de, F: Fn(&str) -> bool> Visitor<'de> for ObjectVisitor<F> {
        type Value = ();

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            let mut seen = SeenMembers::new();
            while let Some(JsonStr(name)) = map.next_key()? {
                if !self.0(&name) {
                    return Err(A::Error::custom("member not allowed"));
                }
                seen.insert(&name)?;
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }

    let mut deserializer = serde_json::Deserializer::from_slice(json.as_ref());
    deserializer.deserialize_map(ObjectVisitor(allows))?;
    deserializer.end()
}

/// Deserializes an object. A struct with a derived `Deserialize` would also accept an array of its
/// fields in order.
pub(super) fn object<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct ObjectVisitor<T>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>> Visitor<'de> for ObjectVisitor<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
            T::deserialize(MapAccessDeserializer::new(map))
        }
    }

    deserializer.deserialize_map(ObjectVisitor(PhantomData))
}
