use argon2::Params;

use crate::error::ConfigError;

use super::{
    hasher::PasswordHasher,
    limits::{MAX_ITERATIONS, MAX_MEMORY_KIB, MAX_PARALLELISM, within},
    pool::PoolSettings,
};

// The first minimum of OWASP's cheat sheet, which the setters' docs link.
const DEFAULT: Params = match Params::new(19 * 1024, 2, 1, None) {
    Ok(params) => params,
    Err(_) => panic!("refused when this is compiled"),
};

/// Settings of a [`PasswordHasher`], made by [`PasswordHasher::builder`].
///
/// ```
/// use tower_jwt_auth::password::PasswordHasher;
///
/// let hasher = PasswordHasher::builder()
///     .memory_kib(64 * 1024)
///     .iterations(3)
///     .max_concurrent(2)
///     .max_waiting(8)
///     .build()?;
/// # Ok::<(), tower_jwt_auth::ConfigError>(())
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct PasswordHasherBuilder {
    memory_kib: u32,
    iterations: u32,
    parallelism: u32,
    pool: PoolSettings,
}

impl PasswordHasherBuilder {
    pub(super) fn new() -> Self {
        Self {
            memory_kib: DEFAULT.m_cost(),
            iterations: DEFAULT.t_cost(),
            parallelism: DEFAULT.p_cost(),
            pool: PoolSettings::default(),
        }
    }

    /// Sets how much memory one hash takes, in KiB, from 1,024 to 1,048,576 (1 GiB). Default:
    /// 19,456 (19 MiB).
    ///
    /// All hashes together take [`max_concurrent`](Self::max_concurrent) times as much, which is
    /// kept for later ones.
    ///
    /// The floor only catches mistakes, such as MiB given for KiB. For real passwords choose at
    /// least what [OWASP recommends]: 19,456 with two iterations, or 7,168 with five.
    ///
    /// [OWASP recommends]: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id
    pub const fn memory_kib(mut self, memory_kib: u32) -> Self {
        self.memory_kib = memory_kib;
        self
    }

    /// Sets how often one hash passes over its memory, from 1 to 20. Default: 2.
    pub const fn iterations(mut self, iterations: u32) -> Self {
        self.iterations = iterations;
        self
    }

    /// Sets how many lanes the memory is divided into, from 1 to 16. Default: 1.
    ///
    /// The lanes are computed one after another on one thread, so more of them do not make a hash
    /// faster; set this only to agree with hashes that another program makes.
    pub const fn parallelism(mut self, parallelism: u32) -> Self {
        self.parallelism = parallelism;
        self
    }

    /// Sets how many passwords are hashed at once, from 1 to 512. Default: half the cores, at least
    /// one.
    ///
    /// Each takes a core and a blocking thread of tokio for as long as it lasts.
    pub const fn max_concurrent(mut self, max_concurrent: usize) -> Self {
        self.pool.max_concurrent = max_concurrent;
        self
    }

    /// Sets how many callers may wait for their turn, up to 65,536; further ones are shed at once.
    /// Default: 32.
    ///
    /// The last in line waits for `max_waiting / max_concurrent` hashes; keep this well below the
    /// time a client is ready to wait.
    pub const fn max_waiting(mut self, max_waiting: usize) -> Self {
        self.pool.max_waiting = max_waiting;
        self
    }

    /// Sets how long a password may be, in bytes of UTF-8, from 64 to 65,536. Default: 1,024.
    pub const fn max_password_len(mut self, max_password_len: usize) -> Self {
        self.pool.max_password_len = max_password_len;
        self
    }

    /// Makes the hasher.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ConfigErrorKind::OutOfRange) when a setting lies outside the range that its
    /// documentation names.
    pub fn build(self) -> Result<PasswordHasher, ConfigError> {
        within(self.memory_kib, 1024..=MAX_MEMORY_KIB, "memory_kib must be from 1024 to 1048576")?;
        within(self.iterations, 1..=MAX_ITERATIONS, "iterations must be from 1 to 20")?;
        within(self.parallelism, 1..=MAX_PARALLELISM, "parallelism must be from 1 to 16")?;
        let params = Params::new(self.memory_kib, self.iterations, self.parallelism, None);
        let params =
            params.map_err(|_| ConfigError::out_of_range("argon2 refuses the parameters"))?;
        let pool = self.pool.build(params.block_count())?;
        Ok(PasswordHasher::from_parts(params, pool))
    }
}

impl PasswordHasher {
    /// A hasher with the default of every setting: 19 MiB of memory, two iterations, one lane.
    #[must_use]
    pub fn new() -> Self {
        let pool = PoolSettings::default().assemble(DEFAULT.block_count());
        Self::from_parts(DEFAULT, pool)
    }

    /// A hasher with settings of its own.
    ///
    /// ```
    /// use tower_jwt_auth::password::PasswordHasher;
    ///
    /// let hasher = PasswordHasher::builder().memory_kib(48 * 1024).build()?;
    ///
    /// // MiB given for KiB.
    /// assert!(PasswordHasher::builder().memory_kib(48).build().is_err());
    /// # Ok::<(), tower_jwt_auth::ConfigError>(())
    /// ```
    pub fn builder() -> PasswordHasherBuilder {
        PasswordHasherBuilder::new()
    }
}

impl Default for PasswordHasher {
    fn default() -> Self {
        Self::new()
    }
}
