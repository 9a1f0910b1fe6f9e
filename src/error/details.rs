use std::{borrow::Cow, error::Error, sync::Arc, time::Duration};

/// What an [`AuthError`](super::AuthError) knows beyond its kind.
///
/// Nothing in it is a value of the request, except for the key id and for an issuer that differs
/// from a configured one by a trailing slash.
#[derive(Default)]
pub(crate) struct ErrorDetails {
    /// The claim or header member that violates the rule.
    pub(crate) member: Option<Cow<'static, str>>,
    /// The rule, as a constant or made from the configuration.
    pub(crate) rule: Option<Cow<'static, str>>,
    /// The setting that determines the rule.
    pub(crate) setting: Option<&'static str>,
    /// The escaped `kid` of the token: see [`escape`].
    pub(crate) key_id: Option<Box<str>>,
    /// The number of keys that were present.
    pub(crate) key_count: Option<usize>,
    pub(crate) required_scope: Option<Arc<str>>,
    /// The challenge parameters of a login that is required (RFC 9470).
    pub(crate) step_up: Option<Box<str>>,
    /// How long the client must wait.
    pub(crate) retry_after: Option<Duration>,
    /// The nonce that the next DPoP proof must have.
    pub(crate) dpop_nonce: Option<Box<str>>,
    pub(crate) source: Option<Box<dyn Error + Send + Sync>>,
}

/// How many characters are kept. Providers use up to 64 in a `kid`.
const MAX_ESCAPED: usize = 64;

/// Shortens a string of a token, such as a `kid`, and escapes every character that a log might
/// interpret. Anybody can write any `kid` into a token.
pub(crate) fn escape(string: &str) -> Box<str> {
    let mut escaped = String::new();
    for (index, character) in string.chars().enumerate() {
        match character {
            _ if index == MAX_ESCAPED => {
                escaped.push('…');
                break;
            }
            ' '..='~' if !matches!(character, '"' | '\\') => escaped.push(character),
            _ => escaped.extend(character.escape_default()),
        }
    }
    escaped.into()
}
