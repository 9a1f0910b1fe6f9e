use crate::error::AuthErrorKind;

use super::like_token68;

/// The token in the parameter `name`. Nothing in a token needs percent-encoding, so a value that
/// has some is no token.
pub(super) fn find<'r>(query: &'r str, name: &str) -> Result<Option<&'r [u8]>, AuthErrorKind> {
    let mut values = query.split('&').filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    match (values.next(), values.next()) {
        (None, None) => Ok(None),
        (Some(value), None) => like_token68(value.as_bytes()).map(Some),
        (_, Some(_)) => Err(AuthErrorKind::InvalidRequest),
    }
}
