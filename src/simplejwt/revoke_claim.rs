//! The claim of `CHECK_REVOKE_TOKEN`.

use md5::{Digest, Md5};

/// The upper-case MD5 of a stored password hash, as `get_md5_hash_password` writes it.
pub(super) fn password_mark(stored_hash: &str) -> String {
    let digest: [u8; 16] = Md5::digest(stored_hash).into();
    format!("{:032X}", u128::from_be_bytes(digest))
}
