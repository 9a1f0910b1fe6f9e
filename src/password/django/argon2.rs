use argon2::Params;

use crate::password::{blocks::BlockPool, stored::StoredHash};

use super::{failed::Failed, salt};

/// A new PHC string. As in Django, the salt is the bytes of a string.
pub(super) fn encode(
    params: &Params,
    salt: &str,
    blocks: &BlockPool,
    password: &[u8],
) -> Result<String, Failed> {
    let hash = blocks.hash(params, salt.as_bytes(), password).map_err(|_| Failed)?;
    Ok(hash.to_string())
}

/// The parameters of a stored PHC string.
pub(super) fn decode(phc: &str) -> Option<Params> {
    Some(StoredHash::parse(phc)?.params().clone())
}

pub(super) fn matches(phc: &str, blocks: &BlockPool, password: &[u8]) -> Result<bool, Failed> {
    match StoredHash::parse(phc) {
        Some(stored) => stored.matches(blocks, password).map_err(|_| Failed),
        None => Ok(false),
    }
}

/// Whether a new hash with the same parameters would look the same.
pub(super) fn is_like_new(phc: &str) -> bool {
    StoredHash::parse(phc)
        .is_some_and(|stored| stored.is_like_new(stored.params(), |len| len >= salt::LEN))
}

/// `None` if argon2 does not allow these parameters.
pub(super) fn params(memory_kib: u32, iterations: u32, parallelism: u32) -> Option<Params> {
    Params::new(memory_kib, iterations, parallelism, None).ok()
}
