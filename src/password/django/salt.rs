use aws_lc_rs::rand;

use super::failed::Failed;

/// Django's `RANDOM_STRING_CHARS`.
const CHARS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// The length at which a salt has the 128 bits that Django's hashers require.
pub(super) const LEN: usize = 22;

/// A new salt with uniformly distributed characters.
pub(super) fn new() -> Result<String, Failed> {
    // The greatest multiple of 62 that fits into a byte. Greater bytes are rejected.
    const LIMIT: u8 = 248;
    let mut salt = String::with_capacity(LEN);
    while salt.len() < LEN {
        let mut bytes = [0; LEN];
        rand::fill(&mut bytes).map_err(|_| Failed)?;
        let fair = bytes.into_iter().filter(|byte| *byte < LIMIT);
        let chars = fair.map(|byte| char::from(CHARS[usize::from(byte) % CHARS.len()]));
        salt.extend(chars.take(LEN - salt.len()));
    }
    Ok(salt)
}

/// Whether `salt` is too short for Django.
pub(super) fn is_short(salt: &str) -> bool {
    salt.chars().count() < LEN
}
