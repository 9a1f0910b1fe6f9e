//! argon2, with memory that is reused by the next hash.

use std::{
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::{
        self, Error,
        phc::{Output, ParamsString, Salt},
    },
};
use zeroize::Zeroize;

/// The memory of hashes, wiped after each of them and kept for later ones.
///
/// Mapping and faulting in many megabytes for each hash costs a millisecond of system time.
pub(super) struct BlockPool {
    kept_blocks: usize,
    /// Areas of `kept_blocks` that no hash uses at the moment. There are never more of them than
    /// concurrent hashes.
    kept: Mutex<Vec<Vec<Block>>>,
}

impl BlockPool {
    /// A hash of up to `kept_blocks` uses memory of the pool. A larger one allocates its own.
    pub(super) const fn new(kept_blocks: usize) -> Self {
        Self { kept_blocks, kept: Mutex::new(Vec::new()) }
    }

    /// A new argon2id hash.
    pub(super) fn hash(
        &self,
        params: &Params,
        salt: &[u8],
        password: &[u8],
    ) -> password_hash::Result<PasswordHash> {
        let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params.clone());
        let salt = Salt::new(salt)?;
        let output = self.output(&argon2, &salt, password, Params::DEFAULT_OUTPUT_LEN)?;
        Ok(PasswordHash {
            algorithm: ARGON2ID_IDENT,
            version: Some(Version::V0x13.into()),
            params: ParamsString::try_from(params)?,
            salt: Some(salt),
            hash: Some(output),
        })
    }

    /// The output of a hash, `len` bytes long.
    pub(super) fn output(
        &self,
        argon2: &Argon2<'_>,
        salt: &[u8],
        password: &[u8],
        len: usize,
    ) -> password_hash::Result<Output> {
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..len).ok_or(Error::OutputSize)?;
        let mut borrowed = self.borrow(argon2.params().block_count())?;
        argon2.hash_password_into_with_memory(password, salt, output, borrowed.blocks())?;
        Ok(Output::new(output)?)
    }

    fn borrow(&self, blocks: usize) -> password_hash::Result<Borrowed<'_>> {
        let len = blocks.max(self.kept_blocks);
        let kept = if len == self.kept_blocks { self.kept().pop() } else { None };
        let all = kept.map_or_else(|| allocate(len), Ok)?;
        Ok(Borrowed { pool: self, all, used: blocks })
    }

    fn kept(&self) -> MutexGuard<'_, Vec<Vec<Block>>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn allocate(len: usize) -> password_hash::Result<Vec<Block>> {
    let mut blocks = Vec::new();
    blocks.try_reserve_exact(len).map_err(|_| Error::OutOfMemory)?;
    blocks.resize(len, Block::new());
    Ok(blocks)
}

/// The memory of one hash. Wiped when dropped, because its content derives from the password.
struct Borrowed<'a> {
    pool: &'a BlockPool,
    all: Vec<Block>,
    used: usize,
}

impl Borrowed<'_> {
    fn blocks(&mut self) -> &mut [Block] {
        &mut self.all[..self.used]
    }
}

impl Drop for Borrowed<'_> {
    fn drop(&mut self) {
        self.blocks().iter_mut().zeroize();
        if self.all.len() == self.pool.kept_blocks {
            self.pool.kept().push(mem::take(&mut self.all));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type TestResult = Result<(), Box<dyn std::error::Error>>;

    const SALT: &[u8] = b"0123456789abcdef";
    const PASSWORD: &[u8] = b"analytical engine";

    fn argon2(memory_kib: u32) -> Result<Argon2<'static>, argon2::Error> {
        Params::new(memory_kib, 1, 1, None).map(Argon2::from)
    }

    fn hash(pool: &BlockPool, memory_kib: u32) -> Result<Output, Box<dyn std::error::Error>> {
        Ok(pool.output(&argon2(memory_kib)?, SALT, PASSWORD, 32)?)
    }

    #[test]
    fn memory_is_wiped_and_reused() -> TestResult {
        let pool = BlockPool::new(64);
        let mut areas = Vec::new();
        for memory_kib in [64, 16, 64] {
            hash(&pool, memory_kib)?;
            let kept = pool.kept();
            assert_eq!(kept.len(), 1);
            assert_eq!(kept[0].len(), 64);
            assert!(kept[0].iter().flat_map(AsRef::as_ref).all(|word| *word == 0));
            areas.push(kept[0].as_ptr());
        }
        assert!(areas.windows(2).all(|pair| pair[0] == pair[1]));
        Ok(())
    }

    #[test]
    fn memory_of_larger_hashes_is_not_kept() -> TestResult {
        let pool = BlockPool::new(64);
        hash(&pool, 128)?;
        assert!(pool.kept().is_empty());
        Ok(())
    }

    #[test]
    fn reused_memory_does_not_change_a_hash() -> TestResult {
        let pool = BlockPool::new(64);
        for memory_kib in [64, 16, 128, 64] {
            let mut expected = [0; 32];
            argon2(memory_kib)?.hash_password_into(PASSWORD, SALT, &mut expected)?;
            assert_eq!(hash(&pool, memory_kib)?.as_bytes(), expected);
        }
        Ok(())
    }
}
