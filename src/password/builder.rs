use argon2::Params;

use crate::error::ConfigError;

use super::{
    hasher::PasswordHasher,
    limits::{MAX_ITERATIONS, MAX_MEMORY_KIB, MAX_PARALLELISM, within},
    pool::PoolSettings,
};

// The first minimum of OWASP's cheat sheet, which the docs of `memory_kib` link.
const DEFAULT: Params = match Params::new(19 * 1024, 2, 1, None) {
    Ok(params) => params,
    Err(_) => panic!("evaluated at compile time"),
};

/// Configures a [`PasswordHasher`]. Made by [`PasswordHasher::builder`].
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

    /// Sets the memory of one hash, in KiB, from 1,024 to 1,048,576 (1 GiB). Default: 19,456
    /// (19 MiB).
    ///
    /// Concurrent hashes use up to [`max_concurrent`](Self::max_concurrent) times as much, and the
    /// memory is kept for later hashes.
    ///
    /// The minimum only catches mistakes, such as MiB instead of KiB. For real passwords choose at
    /// least what [OWASP recommends]: 19,456 with two iterations, or 7,168 with five.
    ///
    /// [OWASP recommends]: https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html#argon2id
    pub const fn memory_kib(mut self, memory_kib: u32) -> Self {
        self.memory_kib = memory_kib;
        self
    }

    /// Sets the number of passes over the memory, from 1 to 20. Default: 2.
    pub const fn iterations(mut self, iterations: u32) -> Self {
        self.iterations = iterations;
        self
    }

    /// Sets the number of lanes, from 1 to 16. Default: 1.
    ///
    /// The lanes of a hash are computed one after another on one thread, so more lanes are not
    /// faster. Set this only to match the hashes of another program.
    pub const fn parallelism(mut self, parallelism: u32) -> Self {
        self.parallelism = parallelism;
        self
    }

    /// Sets how many passwords are hashed at the same time, from 1 to 512. Default: half the cores,
    /// at least one.
    ///
    /// Each hash occupies a core and a blocking thread of tokio.
    pub const fn max_concurrent(mut self, max_concurrent: usize) -> Self {
        self.pool.max_concurrent = max_concurrent;
        self
    }

    /// Sets how many callers may wait in the queue, up to 65,536. Further callers fail at once with
    /// [`Overloaded`](super::PasswordErrorKind::Overloaded). Default: 32.
    ///
    /// The last in the queue waits for `max_waiting / max_concurrent` hashes. Keep that well below
    /// the timeout of your clients.
    pub const fn max_waiting(mut self, max_waiting: usize) -> Self {
        self.pool.max_waiting = max_waiting;
        self
    }

    /// Sets the maximum length of a password, in bytes of UTF-8, from 64 to 65,536. Default: 1,024.
    pub const fn max_password_len(mut self, max_password_len: usize) -> Self {
        self.pool.max_password_len = max_password_len;
        self
    }

    /// Builds the hasher.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ConfigErrorKind::OutOfRange) if a setting is outside its documented
    /// range.
    pub fn build(self) -> Result<PasswordHasher, ConfigError> {
        within(self.memory_kib, 1024..=MAX_MEMORY_KIB, "memory_kib must be from 1024 to 1048576")?;
        within(self.iterations, 1..=MAX_ITERATIONS, "iterations must be from 1 to 20")?;
        within(self.parallelism, 1..=MAX_PARALLELISM, "parallelism must be from 1 to 16")?;
        let params = Params::new(self.memory_kib, self.iterations, self.parallelism, None);
        let params = params.map_err(|_| {
            ConfigError::out_of_range("memory_kib must be at least 8 times parallelism")
        })?;
        let pool = self.pool.build(params.block_count())?;
        Ok(PasswordHasher::from_parts(params, pool))
    }
}

impl PasswordHasher {
    /// A hasher with default settings: 19 MiB of memory, two iterations, one lane.
    #[must_use]
    pub fn new() -> Self {
        let pool = PoolSettings::default().assemble(DEFAULT.block_count());
        Self::from_parts(DEFAULT, pool)
    }

    /// Starts a configuration.
    ///
    /// ```
    /// use tower_jwt_auth::password::PasswordHasher;
    ///
    /// let hasher = PasswordHasher::builder().memory_kib(48 * 1024).build()?;
    ///
    /// // MiB instead of KiB.
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
