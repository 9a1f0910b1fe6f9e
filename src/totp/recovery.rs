//! Recovery codes.

use std::fmt;

use aws_lc_rs::{
    digest::{Context, SHA256},
    error::Unspecified,
    rand,
};
use zeroize::Zeroizing;

use crate::token::UserId;

/// How many codes a user gets.
const COUNT: usize = 10;
/// The characters of a code without hyphens, of 5 random bits each.
const LEN: usize = 16;
/// The characters between two hyphens.
const GROUP: usize = 4;
/// Crockford's alphabet, without letters that look like digits.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Codes that a user can log in with in place of a code of the authenticator app, each once.
///
/// Show them once. They cannot be read again. They are wiped from memory when dropped, and `Debug` does
/// not show them.
#[must_use]
pub struct RecoveryCodes(Vec<Zeroizing<String>>);

impl RecoveryCodes {
    pub(super) fn generate() -> Result<Self, Unspecified> {
        (0..COUNT).map(|_| generate_code()).collect::<Result<_, _>>().map(Self)
    }

    /// The codes, such as `4v7c-9kq2-xm3t-0hzb`.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|code| code.as_str())
    }

    pub(super) fn hashes(&self, user_id: &UserId) -> Vec<String> {
        self.iter().filter_map(|code| hash_of(user_id, code)).collect()
    }
}

fn generate_code() -> Result<Zeroizing<String>, Unspecified> {
    let mut bytes = Zeroizing::new([0; LEN]);
    rand::fill(&mut *bytes)?;
    let mut code = Zeroizing::new(String::with_capacity(LEN + LEN / GROUP));
    for (index, byte) in bytes.iter().enumerate() {
        if index > 0 && index % GROUP == 0 {
            code.push('-');
        }
        code.push(char::from(ALPHABET[usize::from(byte % 32)]));
    }
    Ok(code)
}

/// The hash of a code in any spelling. `None` if it has not the form of a recovery code.
pub(super) fn hash_of(user_id: &UserId, code: &str) -> Option<String> {
    let mut normal = Zeroizing::new(Vec::with_capacity(LEN));
    for char in code.chars().filter(|char| !matches!(char, ' ' | '-')) {
        let byte = match char.to_ascii_lowercase() {
            'o' => b'0',
            'i' | 'l' => b'1',
            char => u8::try_from(char).ok().filter(|byte| ALPHABET.contains(byte))?,
        };
        if normal.len() == LEN {
            return None;
        }
        normal.push(byte);
    }
    if normal.len() < LEN {
        return None;
    }
    let mut hash = Context::new(&SHA256);
    let user_id = user_id.as_str().as_bytes();
    hash.update(b"tower-jwt-auth recovery code");
    hash.update(&(user_id.len() as u64).to_be_bytes());
    hash.update(user_id);
    hash.update(&normal);
    Some(hex(hash.finish().as_ref()))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    nibbles.map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecoveryCodes").finish_non_exhaustive()
    }
}
