//! Hashes of the names in failed logins.

use std::fmt;

use aws_lc_rs::hmac;

/// Distinguishes these hashes from other uses of the key.
const CONTEXT: &[u8] = b"tower-jwt-auth login name\0";
/// How many bytes of the hash are used.
const LEN: usize = 16;

/// Removes the differences between spellings of a name.
pub(super) type Fold = fn(&str) -> String;

pub(super) struct NameKey {
    key: hmac::Key,
    fold: Fold,
}

impl NameKey {
    pub(super) fn new(secret: &[u8], fold: Fold) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret), fold }
    }

    pub(super) fn hash(&self, name: &str) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(CONTEXT);
        context.update((self.fold)(name).as_bytes());
        let tag = context.sign();
        tag.as_ref()[..LEN].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

impl fmt::Debug for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NameKey").finish_non_exhaustive()
    }
}
