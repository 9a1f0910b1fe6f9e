use http::{HeaderMap, header::COOKIE};

use crate::error::AuthErrorKind;

use super::token68::check_token68_start;

/// The token in the cookie `name`. An empty cookie counts as none. Duplicate cookies are rejected,
/// because another site under the same domain may have set one of them.
pub(super) fn find<'r>(
    headers: &'r HeaderMap,
    name: &str,
) -> Result<Option<&'r [u8]>, AuthErrorKind> {
    // HTTP/2 may split cookies into several fields: RFC 9113 section 8.2.3.
    let mut values = headers
        .get_all(COOKIE)
        .iter()
        .flat_map(|line| line.as_bytes().split(|byte| *byte == b';'))
        .filter_map(|pair| pair.trim_ascii().strip_prefix(name.as_bytes())?.strip_prefix(b"="));
    match (values.next(), values.next()) {
        (None | Some(b""), None) => Ok(None),
        (Some(value), None) => check_token68_start(value).map(Some),
        (_, Some(_)) => Err(AuthErrorKind::InvalidRequest),
    }
}
