//! The application's own claims, as members of the payload.

use serde::Serialize;

use super::members::check_members;

/// Appends the members of `custom` to the unfinished object `json`, and completes the object.
///
/// `allows` decides which names the members may have. After an error, the content of `json` is
/// unspecified.
pub(super) fn append_custom_claims(
    json: &mut Vec<u8>,
    custom: &impl Serialize,
    allows: impl Fn(&str) -> bool,
) -> Result<(), CustomClaimsError> {
    let start = json.len();
    serde_json::to_writer(&mut *json, custom).map_err(|_| CustomClaimsError::NotAnObject)?;
    let object = &json[start..];
    if !object.starts_with(b"{") {
        return Err(CustomClaimsError::NotAnObject);
    }
    // A verifier would reject a token with duplicate members, so they are an error here.
    check_members(object, allows).map_err(|_| CustomClaimsError::Name)?;
    if object == b"{}" {
        json.truncate(start);
        json.push(b'}');
    } else {
        // The members follow those of the registered claims, and the last brace closes both.
        json[start] = b',';
    }
    Ok(())
}

/// Why the application's claims cannot be written.
#[derive(Clone, Copy, Debug)]
pub(super) enum CustomClaimsError {
    NotAnObject,
    Name,
}
