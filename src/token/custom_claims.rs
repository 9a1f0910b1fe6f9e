//! The application's claims, written straight into the object that the registered ones began.

use std::{borrow::Cow, fmt::Display};

use serde::{
    Serialize, Serializer,
    ser::{Error as _, Impossible, SerializeStruct},
};
use serde_json::Error;

use super::members::SeenMembers;

/// Appends a comma and a member for each field of `own` to the unfinished object `json`.
///
/// Fails when `own` is anything but a struct, repeats a member, or has one that `allows` does not
/// permit; `json` may then end in the middle of a member.
pub(super) fn append_fields(
    json: &mut Vec<u8>,
    own: &impl Serialize,
    allows: impl Fn(&str) -> bool,
) -> Result<(), Error> {
    own.serialize(Fields { json, allows, seen: SeenMembers::new() })
}

/// Appends `text` as a JSON string. That it needs no escapes, as hardly any does, is quicker to see
/// for all of it at once than byte by byte.
pub(super) fn append_text(json: &mut Vec<u8>, text: &str) -> Result<(), Error> {
    let plain = text
        .bytes()
        .fold(true, |plain, byte| plain & (byte >= b' ') & (byte != b'"') & (byte != b'\\'));
    if !plain {
        return serde_json::to_writer(json, text);
    }
    json.push(b'"');
    json.extend_from_slice(text.as_bytes());
    json.push(b'"');
    Ok(())
}

struct Fields<'a, F> {
    json: &'a mut Vec<u8>,
    allows: F,
    seen: SeenMembers<'static>,
}

impl<F: Fn(&str) -> bool> SerializeStruct for Fields<'_, F> {
    type Ok = ();
    type Error = Error;

    fn serialize_field<T: Serialize + ?Sized>(
        &mut self,
        name: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        if !(self.allows)(name) {
            return Err(Error::custom("a member that is not allowed"));
        }
        self.seen.insert::<Error>(&Cow::Borrowed(name))?;
        self.json.push(b',');
        append_text(self.json, name)?;
        self.json.push(b':');
        value.serialize(&mut serde_json::Serializer::new(&mut *self.json))
    }

    fn end(self) -> Result<(), Error> {
        Ok(())
    }
}

fn no_struct<T>() -> Result<T, Error> {
    Err(Error::custom("not a struct"))
}

macro_rules! no_structs {
    ($($method:ident($($argument:ty),*);)*) => {$(
        fn $method(self, $(_: $argument),*) -> Result<(), Error> {
            no_struct()
        }
    )*};
}

impl<F: Fn(&str) -> bool> Serializer for Fields<'_, F> {
    type Ok = ();
    type Error = Error;
    type SerializeSeq = Impossible<(), Error>;
    type SerializeTuple = Impossible<(), Error>;
    type SerializeTupleStruct = Impossible<(), Error>;
    type SerializeTupleVariant = Impossible<(), Error>;
    type SerializeMap = Impossible<(), Error>;
    type SerializeStruct = Self;
    type SerializeStructVariant = Impossible<(), Error>;

    fn serialize_struct(self, _: &'static str, _: usize) -> Result<Self, Error> {
        Ok(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        value: &T,
    ) -> Result<(), Error> {
        value.serialize(self)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<(), Error> {
        value.serialize(self)
    }

    no_structs! {
        serialize_bool(bool);
        serialize_i8(i8);
        serialize_i16(i16);
        serialize_i32(i32);
        serialize_i64(i64);
        serialize_u8(u8);
        serialize_u16(u16);
        serialize_u32(u32);
        serialize_u64(u64);
        serialize_f32(f32);
        serialize_f64(f64);
        serialize_char(char);
        serialize_str(&str);
        serialize_bytes(&[u8]);
        serialize_none();
        serialize_unit();
        serialize_unit_struct(&'static str);
        serialize_unit_variant(&'static str, u32, &'static str);
    }

    fn collect_str<T: Display + ?Sized>(self, _: &T) -> Result<(), Error> {
        no_struct()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: &T,
    ) -> Result<(), Error> {
        no_struct()
    }

    fn serialize_seq(self, _: Option<usize>) -> Result<Self::SerializeSeq, Error> {
        no_struct()
    }

    fn serialize_tuple(self, _: usize) -> Result<Self::SerializeTuple, Error> {
        no_struct()
    }

    fn serialize_tuple_struct(
        self,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleStruct, Error> {
        no_struct()
    }

    fn serialize_tuple_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeTupleVariant, Error> {
        no_struct()
    }

    fn serialize_map(self, _: Option<usize>) -> Result<Self::SerializeMap, Error> {
        no_struct()
    }

    fn serialize_struct_variant(
        self,
        _: &'static str,
        _: u32,
        _: &'static str,
        _: usize,
    ) -> Result<Self::SerializeStructVariant, Error> {
        no_struct()
    }
}
