//! argon2, in memory that is kept for the next hash.

use std::sync::{Mutex, MutexGuard, PoisonError};

use argon2::{
    ARGON2ID_IDENT, Algorithm, Argon2, Block, Params, PasswordHash, Version,
    password_hash::{
        self, Error,
        phc::{Output, ParamsString, Salt},
    },
};
use zeroize::Zeroize;

/// What hashes fill, wiped after each of them.
///
/// To map and fault in many megabytes for each hash costs a millisecond of system time.
pub(super) struct BlockPool {
    kept_blocks: usize,
    /// Areas that no hash fills now, of `kept_blocks` each: never more than there were hashes at
    /// once.
    kept: Mutex<Vec<Vec<Block>>>,
}

impl BlockPool {
    /// Keeps what a hash of up to `kept_blocks` has filled; a larger one allocates for itself.
    pub(super) const fn new(kept_blocks: usize) -> Self {
        Self { kept_blocks, kept: Mutex::new(Vec::new()) }
    }

    /// A new hash, by argon2id.
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

    /// The last part of a hash, `len` bytes long.
    pub(super) fn output(
        &self,
        argon2: &Argon2<'_>,
        salt: &[u8],
        password: &[u8],
        len: usize,
    ) -> password_hash::Result<Output> {
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..len).ok_or(Error::OutputSize)?;
        let mut area = self.lend(argon2.params().block_count())?;
        argon2.hash_password_into_with_memory(password, salt, output, area.blocks())?;
        Ok(Output::new(output)?)
    }

    fn lend(&self, blocks: usize) -> password_hash::Result<Lent<'_>> {
        let len = blocks.max(self.kept_blocks);
        let kept = if len == self.kept_blocks { self.kept().pop() } else { None };
        let all = kept.map_or_else(|| allocate(len), Ok)?;
        Ok(Lent { memory: self, all, used: blocks })
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

/// What one hash fills; wiped when dropped, for it derives from the password.
struct Lent<'a> {
    memory: &'a BlockPool,
    all: Vec<Block>,
    used: usize,
}

impl Lent<'_> {
    fn blocks(&mut self) -> &mut [Block] {
        &mut self.all[..self.used]
    }
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        self.blocks().iter_mut().zeroize();
        if self.all.len() == self.memory.kept_blocks {
            self.memory.kept().push(std::mem::take(&mut self.all));
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

    fn hash(memory: &BlockPool, memory_kib: u32) -> Result<Output, Box<dyn std::error::Error>> {
        Ok(memory.output(&argon2(memory_kib)?, SALT, PASSWORD, 32)?)
    }

    #[test]
    fn what_a_hash_has_filled_is_wiped_and_filled_by_the_next() -> TestResult {
        let memory = BlockPool::new(64);
        let mut areas = Vec::new();
        for memory_kib in [64, 16, 64] {
            hash(&memory, memory_kib)?;
            let kept = memory.kept();
            assert_eq!(kept.len(), 1);
            assert_eq!(kept[0].len(), 64);
            assert!(kept[0].iter().flat_map(AsRef::as_ref).all(|word| *word == 0));
            areas.push(kept[0].as_ptr());
        }
        assert!(areas.windows(2).all(|pair| pair[0] == pair[1]));
        Ok(())
    }

    #[test]
    fn more_than_a_new_hash_needs_is_not_kept() -> TestResult {
        let memory = BlockPool::new(64);
        hash(&memory, 128)?;
        assert!(memory.kept().is_empty());
        Ok(())
    }

    #[test]
    fn kept_memory_does_not_change_a_hash() -> TestResult {
        let memory = BlockPool::new(64);
        for memory_kib in [64, 16, 128, 64] {
            let mut expected = [0; 32];
            argon2(memory_kib)?.hash_password_into(PASSWORD, SALT, &mut expected)?;
            assert_eq!(hash(&memory, memory_kib)?.as_bytes(), expected);
        }
        Ok(())
    }
}
