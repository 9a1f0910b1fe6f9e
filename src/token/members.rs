//! Names of JSON members, and the rule that an object holds each of them once.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};

/// More members than any honest token has; the comparison below is quadratic.
const MAX_MEMBERS: usize = 256;
const INLINE: usize = 16;

/// A JSON string, borrowed from the text unless it holds escapes.
pub(super) struct JsonStr<'a>(pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for JsonStr<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct StrVisitor;

        impl<'de> Visitor<'de> for StrVisitor {
            type Value = JsonStr<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(JsonStr(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(JsonStr(Cow::Owned(text.to_owned())))
            }
        }

        deserializer.deserialize_str(StrVisitor)
    }
}

/// The member names met so far, compared after escapes were resolved.
pub(super) struct SeenMembers<'a> {
    inline: [&'a str; INLINE],
    inline_len: usize,
    others: Vec<Cow<'a, str>>,
    /// A bit for each name, so that most need not be compared.
    marks: u64,
}

impl<'a> SeenMembers<'a> {
    pub(super) const fn new() -> Self {
        Self { inline: [""; INLINE], inline_len: 0, others: Vec::new(), marks: 0 }
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.inline[..self.inline_len].contains(&name)
            || self.others.iter().any(|other| other == name)
    }

    /// Notes `name`, or refuses it as repeated or as one too many.
    #[expect(clippy::ptr_arg, reason = "a borrowed name outlives the reference to it")]
    pub(super) fn insert<E: Error>(&mut self, name: &Cow<'a, str>) -> Result<(), E> {
        let mark = mark(name);
        if self.marks & mark != 0 && self.contains(name) {
            return Err(E::custom("repeated member"));
        }
        self.marks |= mark;
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

/// The same bit for the same name.
#[inline]
fn mark(name: &str) -> u64 {
    let name = name.as_bytes();
    let ends = name.first().zip(name.last()).map_or(0, |(first, last)| first ^ (last << 2));
    1 << ((ends ^ name.len() as u8) % 64)
}

/// Checks that `json` is an object which repeats no member, and all of whose members `allows` permits.
pub(crate) fn check_members(
    json: &str,
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
                    return Err(A::Error::custom("a member that is not allowed"));
                }
                seen.insert(&name)?;
                map.next_value::<IgnoredAny>()?;
            }
            Ok(())
        }
    }

    let mut deserializer = serde_json::Deserializer::from_str(json);
    deserializer.deserialize_map(ObjectVisitor(allows))?;
    deserializer.end()
}
