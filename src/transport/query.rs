use crate::error::AuthErrorKind;

/// The token in the parameter `name`. A percent-encoded value is not a token, because no character
/// of a token needs to be encoded.
pub(super) fn find<'r>(query: &'r str, name: &str) -> Result<Option<&'r [u8]>, AuthErrorKind> {
    let mut values = query.split('&').filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    match (values.next(), values.next()) {
        (None, None) => Ok(None),
        (Some(value), None) => Ok(Some(value.as_bytes())),
        (_, Some(_)) => Err(AuthErrorKind::InvalidRequest),
    }
}
