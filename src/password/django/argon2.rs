use argon2::Params;

use crate::password::{blocks::BlockPool, stored::StoredHash};

use super::{failed::Failed, salt};

/// A PHC string. Its salt is the text's bytes, as Django's are.
pub(super) fn encode(
    params: &Params,
    salt: &str,
    blocks: &BlockPool,
    password: &[u8],
) -> Result<String, Failed> {
    let hash = blocks.hash(params, salt.as_bytes(), password).map_err(|_| Failed)?;
    Ok(hash.to_string())
}

/// The parameters of a PHC string.
pub(super) fn decode(phc: &str) -> Option<Params> {
    Some(StoredHash::parse(phc)?.params().clone())
}

pub(super) fn matches(phc: &str, blocks: &BlockPool, password: &[u8]) -> Result<bool, Failed> {
    match StoredHash::parse(phc) {
        Some(stored) => stored.matches(blocks, password).map_err(|_| Failed),
        None => Ok(false),
    }
}

/// Whether a new hash of the same cost would look alike.
pub(super) fn is_like_new(phc: &str) -> bool {
    StoredHash::parse(phc)
        .is_some_and(|stored| stored.is_like_new(stored.params(), |len| len >= salt::LEN))
}

/// `None` when argon2 knows no such parameters.
pub(super) fn params(memory_kib: u32, iterations: u32, parallelism: u32) -> Option<Params> {
    Params::new(memory_kib, iterations, parallelism, None).ok()
}
