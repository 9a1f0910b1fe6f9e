use crate::error::AuthErrorKind;

/// The value of the parameter `name`, as the client has sent it.
pub(super) fn find<'r>(query: &'r str, name: &str) -> Result<Option<&'r [u8]>, AuthErrorKind> {
    let mut values = query.split('&').filter_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    match (values.next(), values.next()) {
        (None, None) => Ok(None),
        (Some(value), None) => Ok(Some(value.as_bytes())),
        (_, Some(_)) => Err(AuthErrorKind::InvalidRequest),
    }
}

/// Decodes a percent-encoded token. A `+` stands for itself: in a form it would be a space, which no
/// token has.
pub(crate) fn decode(token: &[u8]) -> Result<Vec<u8>, AuthErrorKind> {
    let mut decoded = Vec::with_capacity(token.len());
    let mut bytes = token.iter();
    while let Some(&byte) = bytes.next() {
        decoded.push(if byte == b'%' {
            hex_digit(bytes.next())? << 4 | hex_digit(bytes.next())?
        } else {
            byte
        });
    }
    Ok(decoded)
}

fn hex_digit(byte: Option<&u8>) -> Result<u8, AuthErrorKind> {
    let digit = byte
        .and_then(|byte| char::from(*byte).to_digit(16))
        .and_then(|digit| digit.try_into().ok());
    digit.ok_or(AuthErrorKind::InvalidRequest)
}
