//! Values as parameters hold them.

use crate::{clock::NumericDate, store::sql::engine::Param, user::backend::BackendError};

use super::{
    database::Fields,
    extra::{ExtraColumns, ExtraValues},
};

pub(super) fn values_of<X: ExtraColumns>(extra: &X) -> Result<Vec<Option<String>>, BackendError> {
    let mut values = ExtraValues::new(X::COLUMNS);
    extra.write(&mut values);
    values.written().map_err(BackendError::unavailable)
}

pub(super) fn json(roles: &[&str]) -> Result<String, BackendError> {
    serde_json::to_string(roles).map_err(BackendError::unavailable)
}

pub(super) fn text<'a>(text: impl Into<Option<&'a str>>) -> Param<'a> {
    Param::Text(text.into().map(Into::into))
}

pub(super) fn owned(text: Option<String>) -> Param<'static> {
    Param::Text(text.map(Into::into))
}

pub(super) fn flag(flag: bool) -> Param<'static> {
    Param::Int(flag.into())
}

pub(super) fn time(time: NumericDate) -> Param<'static> {
    Param::Int(time.as_secs().cast_signed())
}

pub(super) fn is_set(flags: &Fields, index: usize) -> bool {
    flags.get(index).is_some_and(|flag| flag.as_deref() == Some("1"))
}
