use aws_lc_rs::rand;

use super::failed::Failed;

/// Django's `RANDOM_STRING_CHARS`.
const CHARS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// With so many of them a salt has the 128 bits that Django's hashers want.
pub(super) const LEN: usize = 22;

/// A new salt, each character as likely as any other.
pub(super) fn new() -> Result<String, Failed> {
    // The greatest multiple of 62 that fits a byte.
    const FAIR: u8 = 248;
    let mut salt = String::with_capacity(LEN);
    while salt.len() < LEN {
        let mut bytes = [0; LEN];
        rand::fill(&mut bytes).map_err(|_| Failed)?;
        let fair = bytes.into_iter().filter(|byte| *byte < FAIR);
        let chars = fair.map(|byte| char::from(CHARS[usize::from(byte) % CHARS.len()]));
        salt.extend(chars.take(LEN - salt.len()));
    }
    Ok(salt)
}

/// Whether Django finds `salt` too short.
pub(super) fn is_short(salt: &str) -> bool {
    salt.chars().count() < LEN
}
