use ::argon2::Params;

use crate::{
    error::ConfigError,
    password::limits::{MAX_ITERATIONS, MAX_MEMORY_KIB, MAX_PARALLELISM, within},
};

use super::{argon2, bcrypt, pbkdf2, scrypt};

/// A password hash algorithm with its parameters: one entry of Django's `PASSWORD_HASHERS`.
///
/// The constants have the parameters of Django 5.2. For a subclass that changes them, use another
/// value:
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
        /// The number of iterations, from 1,000 to 10,000,000.
        iterations: u32,
    },
    /// `PBKDF2SHA1PasswordHasher`.
    Pbkdf2Sha1 {
        /// The number of iterations, from 1,000 to 10,000,000.
        iterations: u32,
    },
    /// `Argon2PasswordHasher`.
    Argon2 {
        /// Django's `memory_cost`, in KiB, from 1,024 to 1,048,576 (1 GiB).
        memory_kib: u32,
        /// Django's `time_cost`, from 1 to 20.
        iterations: u32,
        /// The number of lanes, from 1 to 16.
        parallelism: u32,
    },
    /// `BCryptSHA256PasswordHasher`.
    BcryptSha256 {
        /// The binary logarithm of the work, from 4 to 16.
        rounds: u32,
    },
    /// `BCryptPasswordHasher`. It reads only the first 72 bytes of a password.
    Bcrypt {
        /// The binary logarithm of the work, from 4 to 16.
        rounds: u32,
    },
    /// `ScryptPasswordHasher`, with up to 128 MiB of memory.
    Scrypt {
        /// The work factor, a power of two.
        work_factor: u32,
        /// The block size, in units of 128 bytes.
        block_size: u32,
        /// The number of lanes.
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

    /// Django's default list. The first is the preferred one.
    pub(super) const DEFAULT: [Self; 5] =
        [Self::PBKDF2_SHA256, Self::PBKDF2_SHA1, Self::ARGON2, Self::BCRYPT_SHA256, Self::SCRYPT];

    /// The name at the beginning of a hash, Django's `algorithm`.
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

    /// The memory of a new argon2 hash, in blocks.
    pub(super) fn argon2_blocks(self) -> usize {
        let Self::Argon2 { memory_kib, iterations, parallelism } = self else { return 0 };
        argon2::params(memory_kib, iterations, parallelism).map_or(0, |params| params.block_count())
    }

    pub(super) fn check(self) -> Result<(), ConfigError> {
        match self {
            Self::Pbkdf2Sha256 { iterations } | Self::Pbkdf2Sha1 { iterations } => within(
                iterations,
                1000..=pbkdf2::MAX_ITERATIONS,
                "the iterations of PBKDF2 must be from 1000 to 10000000",
            ),
            Self::Argon2 { memory_kib, iterations, parallelism } => {
                const MESSAGE: &str = "argon2 must have from 1024 to 1048576 KiB, 1 to 20 iterations and 1 to 16 lanes";
                within(memory_kib, 1024..=MAX_MEMORY_KIB, MESSAGE)?;
                within(iterations, 1..=MAX_ITERATIONS, MESSAGE)?;
                within(parallelism, 1..=MAX_PARALLELISM, MESSAGE)?;
                let params = argon2::params(memory_kib, iterations, parallelism);
                params.map(drop).ok_or(ConfigError::out_of_range(MESSAGE))
            }
            Self::BcryptSha256 { rounds } | Self::Bcrypt { rounds } => {
                within(rounds, bcrypt::ROUNDS, "the rounds of bcrypt must be from 4 to 16")
            }
            Self::Scrypt { work_factor, block_size, parallelism } => {
                let params = scrypt::params(work_factor, block_size, parallelism);
                params.map(drop).ok_or(ConfigError::out_of_range(
                    "scrypt must have a power of two as work factor, and at most 128 MiB and 8388608 blocks",
                ))
            }
        }
    }
}
