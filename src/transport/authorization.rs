use std::borrow::Cow;

use crate::error::AuthErrorKind;

use super::token68::is_token_byte;

/// The token in credentials with one of `schemes`. Credentials with another scheme count as none.
///
/// The grammar is `scheme 1*SP token68`
/// ([RFC 9110 section 11.4](https://www.rfc-editor.org/rfc/rfc9110#section-11.4)).
pub(super) fn find<'r>(
    value: Option<&'r [u8]>,
    schemes: &[Cow<'static, str>],
) -> Result<Option<&'r [u8]>, AuthErrorKind> {
    let value = value.map(<[u8]>::trim_ascii).unwrap_or_default();
    let rest = schemes.iter().find_map(|scheme| {
        let (start, rest) = value.split_at_checked(scheme.len())?;
        let is_whole = !rest.first().is_some_and(|byte| is_token_byte(*byte));
        // Nearly all clients write the scheme as it is registered.
        let is_scheme = start == scheme.as_bytes() || start.eq_ignore_ascii_case(scheme.as_bytes());
        (is_whole && is_scheme).then_some(rest)
    });
    let Some(rest) = rest else {
        return match value.first() {
            Some(byte) if !is_token_byte(*byte) => Err(AuthErrorKind::InvalidRequest),
            _ => Ok(None),
        };
    };
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    if spaces == 0 {
        return Err(AuthErrorKind::InvalidRequest);
    }
    Ok(Some(&rest[spaces..]))
}
