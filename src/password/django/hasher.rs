use std::{fmt, hint::black_box, sync::Arc};

use crate::password::{blocks::BlockPool, error::PasswordError, pool::Pool};

use super::{
    encoded::{Stored, encode},
    format::Format,
};

/// Checks passwords against the hashes that Django stores, and makes such hashes.
///
/// One cheap handle: clones share the same turns and line. Make one for the whole process.
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

    /// Hashes a new password in the preferred format, to be stored.
    ///
    /// # Errors
    ///
    /// As [`PasswordHasher::hash`](super::super::PasswordHasher::hash).
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        if !self.0.pool.takes(password) {
            return Err(PasswordError::too_long());
        }
        let preferred = self.0.preferred;
        let work = move |blocks: &BlockPool, password: &[u8]| encode(preferred, blocks, password);
        self.0.pool.run(password, work).await
    }

    /// Whether `password` is the one that was hashed into `hash`; as
    /// [`PasswordHasher::verify`](super::super::PasswordHasher::verify), to be called for unknown
    /// users too.
    ///
    /// # Errors
    ///
    /// As [`PasswordHasher::verify`](super::super::PasswordHasher::verify).
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        if !self.0.pool.takes(password) {
            return Ok(false);
        }
        let hash = hash.map(str::to_owned);
        let inner = Arc::clone(&self.0);
        let work = move |blocks: &BlockPool, password: &[u8]| {
            let Some(stored) = hash.as_deref().and_then(|hash| inner.read(hash)) else {
                // Without the black box a compiler may leave out work whose result is not used.
                return black_box(encode(inner.preferred, blocks, password)).map(|_| false);
            };
            let matches = stored.matches(blocks, password)?;
            if !matches {
                stored.make_up_for_less_work(inner.preferred, password);
            }
            Ok(matches)
        };
        self.0.pool.run(password, work).await
    }

    /// Whether Django would replace `hash` at a login: it is malformed, not in the preferred
    /// format, of another cost, or has a short salt.
    #[must_use]
    pub fn needs_rehash(&self, hash: &str) -> bool {
        let stored = self.0.read(hash);
        stored.is_none_or(|stored| !stored.is_like_new(self.0.preferred))
    }
}

impl Inner {
    /// A hash of one of the formats, or `None`: also when it is malformed or out of bounds.
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
