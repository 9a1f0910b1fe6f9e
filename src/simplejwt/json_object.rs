use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::{Value, value::RawValue};

/// The members of a token in their order, as a Python `dict` keeps them.
#[derive(Clone, Default)]
pub(super) struct JsonObject(Vec<(Box<str>, Member)>);

/// Members that came from elsewhere are handed on as they were written, whatever their numbers.
#[derive(Clone)]
enum Member {
    Kept(Box<RawValue>),
    Set(Value),
}

impl JsonObject {
    /// Reads a JSON object; `None` if `json` is not one.
    pub(super) fn read(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The members of what serializes to a JSON object; `None` if it does not.
    pub(super) fn of(claims: &impl Serialize) -> Option<Self> {
        Self::read(&serde_json::to_string(claims).ok()?)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(member, _)| **member == *name)
    }

    /// Puts `value` in the place of the member `name`, or at the end where there is none.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.put(name.into(), Member::Set(value.into()));
    }

    fn put(&mut self, name: Box<str>, value: Member) {
        match self.0.iter_mut().find(|(member, _)| *member == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// Adds the members of `other` but for those called `except`, each as by [`set`](Self::set).
    pub(super) fn extend(&mut self, other: &Self, except: &[&str]) {
        for (name, value) in &other.0 {
            if !except.contains(&&**name) {
                self.put(name.clone(), value.clone());
            }
        }
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| &**name)
    }

    /// The member `name` as a `T`; `None` where it is missing or something else.
    pub(super) fn get<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Option<T> {
        let (_, member) = self.0.iter().find(|(member, _)| **member == *name)?;
        match member {
            Member::Kept(raw) => serde_json::from_str(raw.get()).ok(),
            Member::Set(value) => T::deserialize(value.clone()).ok(),
        }
    }

    /// The JSON of it.
    pub(super) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, member) in &self.0 {
            match member {
                Member::Kept(raw) => map.serialize_entry(name, raw)?,
                Member::Set(value) => map.serialize_entry(name, value)?,
            }
        }
        map.end()
    }
}

impl<'de> Deserialize<'de> for JsonObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct PayloadVisitor;

        impl<'de> Visitor<'de> for PayloadVisitor {
            type Value = JsonObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<JsonObject, A::Error> {
                let mut members = JsonObject::default();
                while let Some((name, value)) = map.next_entry()? {
                    members.put(name, Member::Kept(value));
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(PayloadVisitor)
    }
}
