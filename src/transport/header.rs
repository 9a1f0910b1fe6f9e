use http::{HeaderMap, HeaderName, HeaderValue};

use crate::error::AuthErrorKind;

/// The value of a header that a request may have only once.
#[inline]
pub(super) fn single_value<'r>(
    headers: &'r HeaderMap,
    name: &HeaderName,
) -> Result<Option<&'r [u8]>, AuthErrorKind> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (value, None) => Ok(value.map(HeaderValue::as_bytes)),
        _ => Err(AuthErrorKind::InvalidRequest),
    }
}
