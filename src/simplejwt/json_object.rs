use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{MapAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::{Value, value::RawValue};

/// A JSON object whose members keep their order, as those of a Python `dict` do.
#[derive(Clone, Default)]
pub(super) struct JsonObject(Vec<(Box<str>, Member)>);

/// A member that was read is written unchanged, whatever numbers it holds.
#[derive(Clone)]
enum Member {
    Read(Box<RawValue>),
    Set(Value),
}

impl JsonObject {
    /// Reads a JSON object; `None` if `json` is not one.
    pub(super) fn read(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// The object that `claims` serialize to; `None` if they serialize to something else.
    pub(super) fn of(claims: &impl Serialize) -> Option<Self> {
        Self::read(&serde_json::to_string(claims).ok()?)
    }

    pub(super) fn contains(&self, name: &str) -> bool {
        self.0.iter().any(|(member, _)| **member == *name)
    }

    /// Replaces the value of the member `name`, or appends the member.
    pub(super) fn set(&mut self, name: &str, value: impl Into<Value>) {
        self.put(name.into(), Member::Set(value.into()));
    }

    fn put(&mut self, name: Box<str>, value: Member) {
        match self.0.iter_mut().find(|(member, _)| *member == name) {
            Some((_, old)) => *old = value,
            None => self.0.push((name, value)),
        }
    }

    /// [Sets](Self::set) each member of `other`, except for those named in `except`.
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

    /// The member `name` as a `T`; `None` if it is missing or not a `T`.
    pub(super) fn get<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Option<T> {
        let (_, member) = self.0.iter().find(|(member, _)| **member == *name)?;
        match member {
            Member::Read(raw) => serde_json::from_str(raw.get()).ok(),
            Member::Set(value) => T::deserialize(value.clone()).ok(),
        }
    }

    pub(super) fn to_json(&self) -> Result<String, serde_json::Error> {
        serde_json::to_string(self)
    }
}

impl Serialize for JsonObject {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(Some(self.0.len()))?;
        for (name, member) in &self.0 {
            match member {
                Member::Read(raw) => map.serialize_entry(name, raw)?,
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
                    members.put(name, Member::Read(value));
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(PayloadVisitor)
    }
}
