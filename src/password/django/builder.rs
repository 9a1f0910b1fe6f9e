use crate::{error::ConfigError, password::pool::PoolSettings};

use super::{format::Format, hasher::DjangoHasher};

/// Settings of a [`DjangoHasher`], made by [`DjangoHasher::builder`].
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

    /// Sets which hashes are understood, and first the one that new ones get: Django's
    /// `PASSWORD_HASHERS`. Default: that of Django 5.2, which is all but plain bcrypt.
    ///
    /// Keep it equal to Django's, or each side replaces at a login what the other one has stored.
    pub fn formats(mut self, formats: impl IntoIterator<Item = Format>) -> Self {
        self.formats = formats.into_iter().collect();
        self
    }

    /// As [`PasswordHasherBuilder::max_concurrent`](super::super::PasswordHasherBuilder::max_concurrent).
    pub const fn max_concurrent(mut self, max_concurrent: usize) -> Self {
        self.pool.max_concurrent = max_concurrent;
        self
    }

    /// As [`PasswordHasherBuilder::max_waiting`](super::super::PasswordHasherBuilder::max_waiting).
    pub const fn max_waiting(mut self, max_waiting: usize) -> Self {
        self.pool.max_waiting = max_waiting;
        self
    }

    /// As [`PasswordHasherBuilder::max_password_len`](super::super::PasswordHasherBuilder::max_password_len).
    pub const fn max_password_len(mut self, max_password_len: usize) -> Self {
        self.pool.max_password_len = max_password_len;
        self
    }

    /// Makes the hasher.
    ///
    /// # Errors
    ///
    /// - [`OutOfRange`](crate::ConfigErrorKind::OutOfRange) when a setting or the cost of a format lies
    ///   outside the range that its documentation names.
    /// - [`Ineffective`](crate::ConfigErrorKind::Ineffective) without any format.
    /// - [`Conflict`](crate::ConfigErrorKind::Conflict) with two of one algorithm.
    pub fn build(self) -> Result<DjangoHasher, ConfigError> {
        for (index, format) in self.formats.iter().enumerate() {
            format.check()?;
            let same = |other: &Format| other.algorithm() == format.algorithm();
            if self.formats[..index].iter().any(same) {
                return Err(ConfigError::conflict("each password hash format may be listed once"));
            }
        }
        let Some((preferred, others)) = self.formats.split_first() else {
            return Err(ConfigError::ineffective(
                "without a password hash format nobody could log in",
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

    /// A hasher with settings of its own.
    pub fn builder() -> DjangoHasherBuilder {
        DjangoHasherBuilder::new()
    }
}

impl Default for DjangoHasher {
    fn default() -> Self {
        Self::new()
    }
}
