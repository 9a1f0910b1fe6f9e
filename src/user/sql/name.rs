//! User names and e-mail addresses that accounts can have.

use crate::user::accounts::{FieldProblem, login_key};

/// The limit of Django's user names, in characters.
const MAX_USERNAME_CHARS: usize = 150;
/// The limit of RFC 5321 section 4.5.3.1.3 for a path, without its angle brackets.
const MAX_EMAIL_CHARS: usize = 254;
/// PostgreSQL can index up to 2704 bytes. Compatibility characters have up to 18 characters when
/// they are normalized.
const MAX_KEY_LEN: usize = 1_024;

/// A user name or e-mail address that an account can have.
pub(super) struct LoginName<'a> {
    pub(super) given: &'a str,
    pub(super) key: String,
}

impl<'a> LoginName<'a> {
    pub(super) fn username(given: &'a str) -> Result<Self, FieldProblem> {
        let key = key_within(given, MAX_USERNAME_CHARS)?;
        if key.trim() == key { Ok(Self { given, key }) } else { Err(FieldProblem::Invalid) }
    }

    /// Only the outline of the address is checked. A message that arrives shows whether it is valid.
    pub(super) fn email(given: &'a str) -> Result<Self, FieldProblem> {
        let key = key_within(given, MAX_EMAIL_CHARS)?;
        if is_one_address(given) && is_one_address(&key) {
            Ok(Self { given, key })
        } else {
            Err(FieldProblem::Invalid)
        }
    }
}

/// Whether a mail program reads `text` as one address, and not as several, as a name with an address,
/// or as an option. Quoted user names and addresses of networks are not supported.
fn is_one_address(text: &str) -> bool {
    let is_special = |char: char| char.is_whitespace() || "@<>()[],;:\"\\".contains(char);
    let is_plain = |part: &str| !part.is_empty() && !part.contains(is_special);
    let parts = text.split_once('@');
    parts.is_some_and(|(user, host)| is_plain(user) && is_plain(host) && !user.starts_with('-'))
}

/// The key of a name that somebody wants to log in with. `None` if no account can have it.
pub(super) fn key_to_find(login: &str) -> Option<String> {
    key_within(login, MAX_EMAIL_CHARS).ok()
}

/// The length in bytes is checked before anything is done in proportion to it.
fn key_within(given: &str, max_chars: usize) -> Result<String, FieldProblem> {
    if given.trim().is_empty() {
        return Err(FieldProblem::Missing);
    }
    if given.len() > max_chars * 4 || given.chars().count() > max_chars {
        return Err(FieldProblem::TooLong);
    }
    let key = login_key(given);
    if key.len() > MAX_KEY_LEN {
        return Err(FieldProblem::TooLong);
    }
    if given.chars().chain(key.chars()).any(is_hidden) {
        return Err(FieldProblem::Invalid);
    }
    Ok(key)
}

/// Whether a character is a control character or is not displayed. Names that differ in such
/// characters look the same.
fn is_hidden(char: char) -> bool {
    char.is_control()
        || matches!(
            char,
            '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{1bca0}'..='\u{1bca3}'
                | '\u{1d159}'
                | '\u{1d173}'..='\u{1d17a}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}
