//! The grammar of credentials, [RFC 9110 sections 5.6.2 and 11.2].
//!
//! [RFC 9110 sections 5.6.2 and 11.2]: https://www.rfc-editor.org/rfc/rfc9110#section-11.2

use crate::error::AuthErrorKind;

/// How many bytes of a value are examined that does not start like a JWT.
const EXAMINED_START: usize = 64;

/// Rejects a long value whose start shows that it is not a JWT, so that the rest is never read.
///
/// All other values are returned unchecked. The grammar decides only about the error of an invalid
/// token, so [`is_token68`] is called after the token was rejected.
pub(super) fn check_token68_start(bytes: &[u8]) -> Result<&[u8], AuthErrorKind> {
    match bytes.get(..EXAMINED_START) {
        Some(start) if !starts_like_a_jwt(start) && is_token68(start) => {
            Err(AuthErrorKind::Malformed)
        }
        Some(start) if !starts_like_a_jwt(start) => Err(AuthErrorKind::InvalidRequest),
        _ => Ok(bytes),
    }
}

/// Whether `bytes` is a `token68`.
pub(crate) fn is_token68(bytes: &[u8]) -> bool {
    let padding = bytes.iter().rev().take_while(|byte| **byte == b'=').count();
    let unpadded = &bytes[..bytes.len() - padding];
    // The loop has no early exit, so that the compiler vectorizes it.
    let distance = unpadded.iter().fold(0, |max, byte| distance_to_token68(*byte).max(max));
    distance == 0 && !unpadded.is_empty()
}

/// A JWT starts with the base64 of a JSON object: of `{` or of whitespace.
fn starts_like_a_jwt(bytes: &[u8]) -> bool {
    matches!(bytes.first(), Some(b'e' | b'C' | b'D' | b'I'))
}

/// Zero for letters, digits and `-._~+/`. The range from `-` to `9` covers `-`, `.`, `/` and the
/// digits.
fn distance_to_token68(byte: u8) -> u8 {
    let letter = (byte | 0x20).wrapping_sub(b'a').saturating_sub(25);
    let dash_to_nine = byte.wrapping_sub(b'-').saturating_sub(b'9' - b'-');
    letter.min(dash_to_nine).min(byte ^ b'_').min(byte ^ b'~').min(byte ^ b'+')
}

/// Whether `text` is a `token`.
pub(super) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

pub(super) const fn is_token_byte(byte: u8) -> bool {
    matches!(
        byte,
        b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.'
            | b'^' | b'_' | b'`' | b'|' | b'~'
    )
}
