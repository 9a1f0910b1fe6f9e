use std::{fmt, hint::black_box, sync::Arc};

use super::{
    DjangoHasherBuilder, Format, PasswordError,
    encoded::{Stored, encode},
    memory::Memory,
    pool::{Pool, PoolSettings},
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
    /// A hasher with the list of Django 5.2: PBKDF2 with SHA-256 is preferred.
    #[must_use]
    pub fn new() -> Self {
        let [preferred, others @ ..] = Format::DEFAULT;
        let pool = PoolSettings::default().assemble(preferred.argon2_blocks());
        Self::from_parts(preferred, others.into(), pool)
    }

    /// A hasher with settings of its own.
    pub fn builder() -> DjangoHasherBuilder {
        DjangoHasherBuilder::new()
    }

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
        let work = move |memory: &Memory, password: &[u8]| encode(preferred, memory, password);
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
        let work = move |memory: &Memory, password: &[u8]| {
            let Some(stored) = hash.as_deref().and_then(|hash| inner.read(hash)) else {
                // Without the black box a compiler may leave out work whose result is not used.
                return black_box(encode(inner.preferred, memory, password)).map(|_| false);
            };
            let matches = stored.matches(memory, password)?;
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

impl Default for DjangoHasher {
    fn default() -> Self {
        Self::new()
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
