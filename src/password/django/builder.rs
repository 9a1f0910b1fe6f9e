use crate::{error::ConfigError, password::pool::PoolSettings};

use super::{format::Format, hasher::DjangoHasher};

/// Configures a [`DjangoHasher`]. Made by [`DjangoHasher::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct DjangoHasherBuilder {
    formats: Vec<Format>,
    pool: PoolSettings,
}

impl DjangoHasherBuilder {
    pub(super) fn new() -> Self {
        Self { formats: Format::DEFAULT.to_vec(), pool: PoolSettings::default() }
    }

    /// Sets the accepted formats, Django's `PASSWORD_HASHERS`. New hashes get the first. Default:
    /// the list of Django 5.2, which is every format except plain bcrypt.
    ///
    /// The list must equal Django's. Otherwise both sides replace each other's hashes at every login.
    pub fn formats(mut self, formats: impl IntoIterator<Item = Format>) -> Self {
        self.formats = formats.into_iter().collect();
        self
    }

    /// Sets how many passwords are hashed at the same time. See
    /// [`PasswordHasherBuilder::max_concurrent`](crate::password::PasswordHasherBuilder::max_concurrent).
    pub const fn max_concurrent(mut self, max_concurrent: usize) -> Self {
        self.pool.max_concurrent = max_concurrent;
        self
    }

    /// Sets how many callers may wait in the queue. See
    /// [`PasswordHasherBuilder::max_waiting`](crate::password::PasswordHasherBuilder::max_waiting).
    pub const fn max_waiting(mut self, max_waiting: usize) -> Self {
        self.pool.max_waiting = max_waiting;
        self
    }

    /// Sets the maximum length of a password, in bytes of UTF-8. See
    /// [`PasswordHasherBuilder::max_password_len`](crate::password::PasswordHasherBuilder::max_password_len).
    pub const fn max_password_len(mut self, max_password_len: usize) -> Self {
        self.pool.max_password_len = max_password_len;
        self
    }

    /// Builds the hasher.
    ///
    /// # Errors
    ///
    /// - [`OutOfRange`](crate::ConfigErrorKind::OutOfRange) if a setting or a parameter of a format
    ///   is outside its documented range.
    /// - [`Ineffective`](crate::ConfigErrorKind::Ineffective) if there is no format.
    /// - [`Conflict`](crate::ConfigErrorKind::Conflict) if two formats have the same algorithm.
    pub fn build(self) -> Result<DjangoHasher, ConfigError> {
        for (index, format) in self.formats.iter().enumerate() {
            format.check()?;
            let same = |other: &Format| other.algorithm() == format.algorithm();
            if self.formats[..index].iter().any(same) {
                return Err(ConfigError::conflict(
                    "each algorithm must be listed at most once in the password hash formats",
                ));
            }
        }
        let Some((preferred, others)) = self.formats.split_first() else {
            return Err(ConfigError::ineffective(
                "the list of password hash formats must not be empty",
            ));
        };
        let pool = self.pool.build(preferred.argon2_blocks())?;
        Ok(DjangoHasher::from_parts(*preferred, others.into(), pool))
    }
}
impl DjangoHasher {
    /// A hasher with the list of Django 5.2: PBKDF2 with SHA-256 is preferred.
    #[must_use]
    pub fn new() -> Self {
        let [preferred, others @ ..] = Format::DEFAULT;
        let pool = PoolSettings::default().assemble(preferred.argon2_blocks());
        Self::from_parts(preferred, others.into(), pool)
    }

    /// Starts a configuration.
    pub fn builder() -> DjangoHasherBuilder {
        DjangoHasherBuilder::new()
    }
}

impl Default for DjangoHasher {
    fn default() -> Self {
        Self::new()
    }
}
