//! The schemas of bodies.

use utoipa::openapi::{
    RefOr,
    schema::{
        AdditionalProperties, Array, KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat,
        SchemaType, Type,
    },
};

pub(super) fn string(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).description(Some(description))
}

pub(super) fn boolean(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Boolean).description(Some(description))
}

pub(super) fn integer(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer).description(Some(description))
}

/// A string or `null`.
pub(super) fn nullable_string(description: &str) -> ObjectBuilder {
    string(description).schema_type(SchemaType::from_iter([Type::String, Type::Null]))
}

/// One of the strings in `values`.
pub(super) fn one_of<'v>(values: impl IntoIterator<Item = &'v str>) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values))
}

pub(super) fn date_time(description: &str) -> ObjectBuilder {
    string(description).format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)))
}

#[cfg(feature = "accounts")]
pub(super) fn email(description: &str) -> ObjectBuilder {
    string(description).format(Some(SchemaFormat::Custom("email".to_owned())))
}

pub(super) fn password(description: &str) -> ObjectBuilder {
    string(description).format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
}

pub(super) fn list(description: &str, items: impl Into<RefOr<Schema>>) -> Array {
    let mut list = Array::new(items);
    list.description = Some(description.to_owned());
    list
}

/// An object without known members.
pub(super) fn any_object(description: &str) -> ObjectBuilder {
    object()
        .description(Some(description))
        .additional_properties(Some(AdditionalProperties::FreeForm(true)))
}

/// Any JSON.
pub(super) fn any(description: &str) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(SchemaType::AnyValue).description(Some(description))
}

/// Adds a member that is always there.
pub(super) trait Members: Sized {
    fn member(self, name: &str, schema: impl Into<RefOr<Schema>>) -> Self;
}

impl Members for ObjectBuilder {
    fn member(self, name: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        self.property(name, schema).required(name)
    }
}

/// An object without members.
pub(super) fn empty_object() -> Object {
    ObjectBuilder::new().schema_type(Type::Object).max_properties(Some(0)).build()
}

pub(super) fn object() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Object)
}
