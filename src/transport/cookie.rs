use http::{HeaderMap, header::COOKIE};

use crate::error::AuthErrorKind;

/// The value of the cookie `name`. An empty cookie counts as none. Duplicate cookies are rejected,
/// because another site under the same domain may have set one of them.
pub(super) fn find<'r>(
    headers: &'r HeaderMap,
    name: &str,
) -> Result<Option<&'r [u8]>, AuthErrorKind> {
    let mut values = values(headers, name);
    match (values.next(), values.next()) {
        (None | Some(b""), None) => Ok(None),
        (value, None) => Ok(value),
        (_, Some(_)) => Err(AuthErrorKind::RepeatedCookie),
    }
}

#[cfg(feature = "cookie")]
pub(super) fn is_present(headers: &HeaderMap, name: &str) -> bool {
    values(headers, name).any(|value| !value.is_empty())
}

fn values<'r>(headers: &'r HeaderMap, name: &str) -> impl Iterator<Item = &'r [u8]> {
    // HTTP/2 may split cookies into several fields: RFC 9113 section 8.2.3.
    headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(move |pair| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}
