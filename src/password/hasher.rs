use std::{fmt, hint::black_box, sync::Arc};

use argon2::{
    Params,
    password_hash::{self, try_generate_salt},
};

use super::{blocks::BlockPool, error::PasswordError, pool::Pool, stored::StoredHash};

/// The length of a new salt, in bytes.
const SALT_LEN: usize = 16;

/// Hashes passwords, and verifies them against stored hashes.
///
/// Cheap to clone. Clones share the limits on concurrent hashes. Make one for the whole process.
///
/// See the [module docs](super).
#[derive(Clone)]
pub struct PasswordHasher(Arc<Inner>);

struct Inner {
    params: Params,
    pool: Pool,
}

impl PasswordHasher {
    pub(super) fn from_parts(params: Params, pool: Pool) -> Self {
        Self(Arc::new(Inner { params, pool }))
    }

    /// The threads that hash.
    #[cfg(feature = "password-rules")]
    pub(super) fn pool(&self) -> &Pool {
        &self.0.pool
    }

    /// Hashes a new password. Returns a PHC string of about 97 characters to store.
    ///
    /// ```
    /// use tower_jwt_auth::password::PasswordHasher;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower_jwt_auth::password::PasswordError> {
    /// let hash = PasswordHasher::new().hash("analytical engine").await?;
    /// assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`TooLong`] if the password is longer than [`max_password_len`].
    /// - [`Overloaded`] if too many callers are waiting.
    /// - [`Internal`] if there is no memory, no randomness or no tokio runtime.
    ///
    /// [`TooLong`]: super::PasswordErrorKind::TooLong
    /// [`max_password_len`]: super::PasswordHasherBuilder::max_password_len
    /// [`Overloaded`]: super::PasswordErrorKind::Overloaded
    /// [`Internal`]: super::PasswordErrorKind::Internal
    pub async fn hash(&self, password: &str) -> Result<String, PasswordError> {
        if !self.0.pool.accepts(password) {
            return Err(PasswordError::too_long());
        }
        let work = |params: &Params, blocks: &BlockPool, password: &[u8]| {
            blocks.hash(params, &try_generate_salt()?, password)
        };
        Ok(self.run(password, work).await?.to_string())
    }

    /// Whether `hash` is a hash of `password`.
    ///
    /// Call it for every login, with `None` if there is no such user. It then does the same work and
    /// returns `false`, so that the response time does not reveal who has an account. Verify the
    /// password of an inactive user as well, and reject the login afterwards. A malformed hash is
    /// treated like `None`.
    ///
    /// Returns `false` at once for a password longer than [`max_password_len`], for every user.
    ///
    /// ```
    /// use tower_jwt_auth::password::PasswordHasher;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower_jwt_auth::password::PasswordError> {
    /// let hasher = PasswordHasher::new();
    /// let hash = hasher.hash("analytical engine").await?;
    /// assert!(hasher.verify("analytical engine", Some(&hash)).await?);
    /// assert!(!hasher.verify("analytical engine", None).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`Overloaded`] if too many callers are waiting.
    /// - [`Internal`] if there is no memory or no tokio runtime.
    ///
    /// [`max_password_len`]: super::PasswordHasherBuilder::max_password_len
    /// [`Overloaded`]: super::PasswordErrorKind::Overloaded
    /// [`Internal`]: super::PasswordErrorKind::Internal
    pub async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, PasswordError> {
        if !self.0.pool.accepts(password) {
            return Ok(false);
        }
        let stored = hash.and_then(StoredHash::parse);
        self.run(password, move |params, blocks, password| match stored {
            Some(stored) => stored.matches(blocks, password),
            // The black box keeps the compiler from removing the unused work.
            None => black_box(blocks.hash(params, &[0; SALT_LEN], password)).map(|_| false),
        })
        .await
    }

    /// Whether `hash` is malformed or has other parameters than this hasher, weaker or stronger.
    ///
    /// Call it after a successful login, when the password is at hand, and store a new hash:
    ///
    /// ```
    /// use tower_jwt_auth::password::PasswordHasher;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let old = PasswordHasher::builder().memory_kib(7 * 1024).iterations(5).build()?;
    /// let mut stored = old.hash("analytical engine").await?;
    ///
    /// let hasher = PasswordHasher::new();
    /// if hasher.verify("analytical engine", Some(&stored)).await? && hasher.needs_rehash(&stored) {
    ///     stored = hasher.hash("analytical engine").await?;
    /// }
    /// assert!(!hasher.needs_rehash(&stored));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn needs_rehash(&self, hash: &str) -> bool {
        let is_like_new =
            |stored: StoredHash| stored.is_like_new(&self.0.params, |len| len == SALT_LEN);
        !StoredHash::parse(hash).is_some_and(is_like_new)
    }

    async fn run<T: Send + 'static>(
        &self,
        password: &str,
        work: impl FnOnce(&Params, &BlockPool, &[u8]) -> password_hash::Result<T> + Send + 'static,
    ) -> Result<T, PasswordError> {
        let inner = Arc::clone(&self.0);
        let work = move |blocks: &BlockPool, password: &[u8]| work(&inner.params, blocks, password);
        self.0.pool.hash(password, work).await
    }
}

impl fmt::Debug for PasswordHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let params = &self.0.params;
        let pool = self.0.pool.settings();
        f.debug_struct("PasswordHasher")
            .field("memory_kib", &params.m_cost())
            .field("iterations", &params.t_cost())
            .field("parallelism", &params.p_cost())
            .field("max_concurrent", &pool.max_concurrent)
            .field("max_waiting", &pool.max_waiting)
            .field("max_password_len", &pool.max_password_len)
            .finish_non_exhaustive()
    }
}
