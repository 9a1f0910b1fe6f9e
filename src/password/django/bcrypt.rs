use std::ops::RangeInclusive;

use aws_lc_rs::{digest, rand};
use zeroize::Zeroizing;

use super::failed::Failed;

/// Each round doubles the work, so the maximum is sixteen times Django's default.
pub(super) const ROUNDS: RangeInclusive<u32> = 4..=16;
const LEN: usize = 60;

/// The input of `bcrypt_sha256`: the digest in hexadecimal. bcrypt itself reads only 72 bytes.
pub(super) fn digest(password: &[u8]) -> Zeroizing<String> {
    let digest = digest::digest(&digest::SHA256, password);
    let digits = digest.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
    Zeroizing::new(digits.filter_map(|digit| char::from_digit(digit.into(), 16)).collect())
}

/// A new hash without the algorithm's name: `$2b$<rounds>$<salt and hash>`.
pub(super) fn encode(rounds: u32, password: &[u8]) -> Result<String, Failed> {
    let mut salt = [0; 16];
    rand::fill(&mut salt).map_err(|_| Failed)?;
    Ok(bcrypt::hash_with_salt(password, rounds, salt).map_err(|_| Failed)?.to_string())
}

/// The rounds of a hash without the algorithm's name.
pub(super) fn rounds(text: &str) -> Option<u32> {
    let rest = ["$2b$", "$2a$", "$2y$"].iter().find_map(|prefix| text.strip_prefix(prefix))?;
    let rounds = rest.split_once('$')?.0.parse().ok()?;
    (text.len() == LEN && ROUNDS.contains(&rounds)).then_some(rounds)
}

/// Whether `text` is a hash of `password`. `false` if it is malformed.
pub(super) fn matches(text: &str, password: &[u8]) -> bool {
    bcrypt::verify(password, text).unwrap_or(false)
}
