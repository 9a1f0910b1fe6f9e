//! The private markers of serde_json.
//!
//! With its features `arbitrary_precision` and `raw_value`, which any crate of the program may
//! enable, serde_json deserializes an object whose first member has a certain private name as the
//! number or the JSON in its value. Input with such a name would mean something else to the
//! application than to every other reader of the token.

use std::borrow::Cow;

use memchr::memchr2;

const PREFIX: &str = "$serde_json::private::";

/// Returns whether `json` contains a private marker, or a string that starts like one.
pub(super) fn has_private_marker(json: &[u8]) -> bool {
    // Few tokens contain one of these characters, and every marker does.
    memchr2(b'$', b'\\', json).is_some()
        && resolve_ascii_escapes(&String::from_utf8_lossy(json)).contains(PREFIX)
}

/// Resolves each `\u` escape of an ASCII character. All other escapes remain.
fn resolve_ascii_escapes(json: &str) -> Cow<'_, str> {
    let mut parts = json.split("\\u00");
    let first = parts.next().unwrap_or_default();
    if first.len() == json.len() {
        return json.into();
    }
    let mut resolved = first.to_owned();
    for part in parts {
        let code = part.get(..2).and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match code.filter(u8::is_ascii) {
            Some(code) => {
                resolved.push(char::from(code));
                resolved.push_str(&part[2..]);
            }
            None => {
                resolved.push_str("\\u00");
                resolved.push_str(part);
            }
        }
    }
    resolved.into()
}
