//! The body of a sign-up.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::{password::UserAttributes, user::Fields};

use super::state::SignUpSettings;

/// The most characters of a name or an address. The rules for passwords take longer for longer ones.
pub(super) const MAX_NAME_CHARS: usize = 254;

pub(super) struct SignUpForm {
    pub(super) username: Option<String>,
    pub(super) email: Option<String>,
    pub(super) password: Option<Zeroizing<String>>,
    pub(super) wants_tokens: bool,
}

impl SignUpForm {
    /// Reads all fields, so that all errors are recorded.
    pub(super) fn read(fields: &mut Fields, settings: SignUpSettings) -> Self {
        Self {
            username: read_name(fields, "username", settings.requires_username),
            email: read_name(fields, "email", settings.requires_email),
            password: fields.required_string("password").map(Zeroizing::new),
            wants_tokens: match fields.take("tokens") {
                None | Some(Value::Null) => false,
                Some(Value::Bool(wants_tokens)) => wants_tokens,
                Some(_) => {
                    fields.error("tokens", "Must be a valid boolean.");
                    false
                }
            },
        }
    }

    /// What the password must not be similar to.
    pub(super) fn attributes(&self) -> UserAttributes {
        let (username, email) = (self.username.as_deref(), self.email.as_deref());
        UserAttributes::new()
            .with_username(username.unwrap_or_default())
            .with_email(email.unwrap_or_default())
    }
}

/// Reads the name or the address in the field `name`.
pub(super) fn read_name(fields: &mut Fields, name: &str, is_required: bool) -> Option<String> {
    let value =
        if is_required { fields.required_string(name) } else { fields.optional_string(name) }?;
    if value.chars().nth(MAX_NAME_CHARS).is_some() {
        fields.error(name, "This value is too long.");
        return None;
    }
    Some(value)
}
