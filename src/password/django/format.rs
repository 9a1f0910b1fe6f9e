use ::argon2::Params;

use crate::{
    error::ConfigError,
    password::limits::{MAX_ITERATIONS, MAX_MEMORY_KIB, MAX_PARALLELISM, within},
};

use super::{argon2, bcrypt, pbkdf2, scrypt};

/// A way to hash passwords, with how costly new hashes are: one entry of Django's
/// `PASSWORD_HASHERS`.
///
/// The constants cost as much as in Django 5.2. A subclass of a hasher that changes it has its
/// counterpart in another value:
///
/// ```
/// use tower_jwt_auth::password::django::{DjangoHasher, Format};
///
/// let hasher = DjangoHasher::builder()
///     .formats([Format::Pbkdf2Sha256 { iterations: 1_500_000 }, Format::ARGON2])
///     .build()?;
/// # Ok::<(), tower_jwt_auth::ConfigError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Format {
    /// `PBKDF2PasswordHasher`.
    Pbkdf2Sha256 {
        /// How often the password is hashed, from 1,000 to 10,000,000.
        iterations: u32,
    },
    /// `PBKDF2SHA1PasswordHasher`.
    Pbkdf2Sha1 {
        /// How often the password is hashed, from 1,000 to 10,000,000.
        iterations: u32,
    },
    /// `Argon2PasswordHasher`.
    Argon2 {
        /// Django's `memory_cost`, from 1,024 to 1,048,576 (1 GiB).
        memory_kib: u32,
        /// Django's `time_cost`, from 1 to 20.
        iterations: u32,
        /// From 1 to 16.
        parallelism: u32,
    },
    /// `BCryptSHA256PasswordHasher`.
    BcryptSha256 {
        /// The logarithm of the work, from 4 to 16.
        rounds: u32,
    },
    /// `BCryptPasswordHasher`, which reads no more than 72 bytes of a password.
    Bcrypt {
        /// The logarithm of the work, from 4 to 16.
        rounds: u32,
    },
    /// `ScryptPasswordHasher`. A hash may take up to 128 MiB.
    Scrypt {
        /// A power of two.
        work_factor: u32,
        /// In units of 128 bytes.
        block_size: u32,
        /// How many lanes there are.
        parallelism: u32,
    },
}

impl Format {
    /// `django.contrib.auth.hashers.PBKDF2PasswordHasher`.
    pub const PBKDF2_SHA256: Self = Self::Pbkdf2Sha256 { iterations: 1_000_000 };
    /// `django.contrib.auth.hashers.PBKDF2SHA1PasswordHasher`.
    pub const PBKDF2_SHA1: Self = Self::Pbkdf2Sha1 { iterations: 1_000_000 };
    /// `django.contrib.auth.hashers.Argon2PasswordHasher`.
    pub const ARGON2: Self = Self::Argon2 { memory_kib: 102_400, iterations: 2, parallelism: 8 };
    /// `django.contrib.auth.hashers.BCryptSHA256PasswordHasher`.
    pub const BCRYPT_SHA256: Self = Self::BcryptSha256 { rounds: 12 };
    /// `django.contrib.auth.hashers.BCryptPasswordHasher`.
    pub const BCRYPT: Self = Self::Bcrypt { rounds: 12 };
    /// `django.contrib.auth.hashers.ScryptPasswordHasher`.
    pub const SCRYPT: Self = Self::Scrypt { work_factor: 16_384, block_size: 8, parallelism: 5 };

    /// Django's own list, the first one preferred.
    pub(super) const DEFAULT: [Self; 5] =
        [Self::PBKDF2_SHA256, Self::PBKDF2_SHA1, Self::ARGON2, Self::BCRYPT_SHA256, Self::SCRYPT];

    /// The name that hashes begin with, Django's `algorithm`.
    #[must_use]
    pub const fn algorithm(self) -> &'static str {
        match self {
            Self::Pbkdf2Sha256 { .. } => "pbkdf2_sha256",
            Self::Pbkdf2Sha1 { .. } => "pbkdf2_sha1",
            Self::Argon2 { .. } => "argon2",
            Self::BcryptSha256 { .. } => "bcrypt_sha256",
            Self::Bcrypt { .. } => "bcrypt",
            Self::Scrypt { .. } => "scrypt",
        }
    }

    pub(super) const fn argon2(params: &Params) -> Self {
        Self::Argon2 {
            memory_kib: params.m_cost(),
            iterations: params.t_cost(),
            parallelism: params.p_cost(),
        }
    }

    pub(super) const fn scrypt(found: &scrypt::Encoded<'_>) -> Self {
        let &scrypt::Encoded { work_factor, block_size, parallelism, .. } = found;
        Self::Scrypt { work_factor, block_size, parallelism }
    }

    /// How much memory a new hash fills, if argon2 makes it.
    pub(super) fn argon2_blocks(self) -> usize {
        let Self::Argon2 { memory_kib, iterations, parallelism } = self else { return 0 };
        argon2::params(memory_kib, iterations, parallelism).map_or(0, |params| params.block_count())
    }

    pub(super) fn check(self) -> Result<(), ConfigError> {
        match self {
            Self::Pbkdf2Sha256 { iterations } | Self::Pbkdf2Sha1 { iterations } => within(
                iterations,
                1000..=pbkdf2::MAX_ITERATIONS,
                "iterations must be from 1000 to 10000000",
            ),
            Self::Argon2 { memory_kib, iterations, parallelism } => {
                const MESSAGE: &str = "the cost of argon2 lies outside what is allowed";
                within(memory_kib, 1024..=MAX_MEMORY_KIB, MESSAGE)?;
                within(iterations, 1..=MAX_ITERATIONS, MESSAGE)?;
                within(parallelism, 1..=MAX_PARALLELISM, MESSAGE)?;
                let params = argon2::params(memory_kib, iterations, parallelism);
                params.map(drop).ok_or(ConfigError::out_of_range(MESSAGE))
            }
            Self::BcryptSha256 { rounds } | Self::Bcrypt { rounds } => {
                within(rounds, bcrypt::ROUNDS, "bcrypt's rounds must be from 4 to 16")
            }
            Self::Scrypt { work_factor, block_size, parallelism } => {
                let params = scrypt::params(work_factor, block_size, parallelism);
                params.map(drop).ok_or(ConfigError::out_of_range(
                    "the cost of scrypt lies outside what is allowed",
                ))
            }
        }
    }
}
