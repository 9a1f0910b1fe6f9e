use std::{fmt, hint::black_box, sync::Arc};

use crate::password::{blocks::BlockPool, error::PasswordError, pool::Pool};

use super::{
    encoded::{Stored, encode},
    format::Format,
};

/// Verifies passwords against hashes that Django stores, and makes such hashes.
///
/// Cheap to clone. Clones share the limits on concurrent hashes. Make one for the whole process.
///
/// See the [module docs](super).
#[derive(Clone)]
pub struct DjangoHasher(Arc<Inner>);

struct Inner {
    preferred: Format,
    others: Box<[Format]>,
    pool: Pool,
}

impl DjangoHasher {
    pub(super) fn from_parts(preferred: Format, others: Box<[Format]>, pool: Pool) -> Self {
        Self(Arc::new(Inner { preferred, others, pool }))
    }

    /// The threads that hash.
    #[cfg(feature = "password-rules")]
    pub(in crate::password) fn pool(&self) -> &Pool {
        &self.0.pool
    }

    /// Hashes a new password in the preferred format.
    ///
    /// # Errors
    ///
    /// Those of [`PasswordHasher::hash`](crate::password::PasswordHasher::hash).
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        if !self.0.pool.accepts(password) {
            return Err(PasswordError::too_long());
        }
        let preferred = self.0.preferred;
        let work = move |blocks: &BlockPool, password: &[u8]| encode(preferred, blocks, password);
        self.0.pool.hash(password, work).await
    }

    /// Whether `hash` is a hash of `password`. Call it for unknown users as well, as
    /// [`PasswordHasher::verify`](crate::password::PasswordHasher::verify) describes.
    ///
    /// # Errors
    ///
    /// Those of [`PasswordHasher::verify`](crate::password::PasswordHasher::verify).
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        if !self.0.pool.accepts(password) {
            return Ok(false);
        }
        let hash = hash.map(str::to_owned);
        let inner = Arc::clone(&self.0);
        let work = move |blocks: &BlockPool, password: &[u8]| {
            let Some(stored) = hash.as_deref().and_then(|hash| inner.read(hash)) else {
                // The black box keeps the compiler from removing the unused work.
                return black_box(encode(inner.preferred, blocks, password)).map(|_| false);
            };
            let matches = stored.matches(blocks, password)?;
            if !matches {
                stored.harden_runtime(inner.preferred, password);
            }
            Ok(matches)
        };
        self.0.pool.hash(password, work).await
    }

    /// Whether Django would replace `hash` at a login: if it is malformed, has another algorithm or
    /// other parameters than the preferred format, or has a short salt.
    #[must_use]
    pub fn needs_rehash(&self, hash: &str) -> bool {
        let stored = self.0.read(hash);
        stored.is_none_or(|stored| !stored.is_like_new(self.0.preferred))
    }
}

impl Inner {
    /// Parses a hash of an accepted format. `None` if it is malformed or beyond the limits.
    fn read<'a>(&self, hash: &'a str) -> Option<Stored<'a>> {
        let algorithm = hash.split_once('$')?.0;
        let listed = |format: &Format| format.algorithm() == algorithm;
        let is_listed = listed(&self.preferred) || self.others.iter().any(listed);
        if is_listed { Stored::parse(hash) } else { None }
    }
}

impl fmt::Debug for DjangoHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DjangoHasher")
            .field("preferred", &self.0.preferred)
            .field("others", &self.0.others)
            .finish_non_exhaustive()
    }
}
