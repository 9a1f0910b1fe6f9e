use std::borrow::Cow;

use crate::error::AuthErrorKind;

use super::{is_token_byte, like_token68};

/// The token in credentials of one of `schemes`; credentials of another scheme count as none.
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
        (is_whole && start.eq_ignore_ascii_case(scheme.as_bytes())).then_some(rest)
    });
    let Some(rest) = rest else {
        return match value.first() {
            Some(byte) if !is_token_byte(*byte) => Err(AuthErrorKind::InvalidRequest),
            _ => Ok(None),
        };
    };
    let token_at = rest.iter().take_while(|byte| **byte == b' ').count();
    if token_at == 0 {
        return Err(AuthErrorKind::InvalidRequest);
    }
    like_token68(&rest[token_at..]).map(Some)
}
