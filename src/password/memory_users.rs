use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use crate::{
    token::{NoClaims, UserId},
    user::{Authentication, BackendError, User, UserBackend, UsernamePassword},
};

use super::{
    error::{PasswordError, PasswordErrorKind},
    hasher::PasswordHasher,
};

/// Users in memory, for examples and tests. They are lost when the process ends.
///
/// User names are compared exactly. Clones share the same users. User ids must be unique: a refresh
/// finds any of several users with one id.
///
/// ```
/// use tower_jwt_auth::{
///     password::{MemoryUsers, PasswordHasher},
///     token::UserId,
///     user::{User, UserBackend},
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let users: MemoryUsers<&str> = MemoryUsers::new(PasswordHasher::new());
/// users.insert("ada", "analytical engine", User::new(1, "claims")).await?;
///
/// users.update("ada", |user| user.with_active(false));
/// let ada = users.find(&UserId::from(1)).await?.ok_or("not found")?;
/// assert!(!ada.is_active());
/// # Ok(())
/// # }
/// ```
pub struct MemoryUsers<C, R = NoClaims>(Arc<Inner<C, R>>);

struct Inner<C, R> {
    hasher: PasswordHasher,
    records: RwLock<Records<C, R>>,
}

/// Records by user name.
type Records<C, R> = BTreeMap<String, Record<C, R>>;

#[derive(Clone)]
struct Record<C, R> {
    hash: String,
    user: User<C, R>,
}

impl<C, R> MemoryUsers<C, R> {
    /// An empty collection. `hasher` hashes the passwords.
    #[must_use]
    pub fn new(hasher: PasswordHasher) -> Self {
        Self(Arc::new(Inner { hasher, records: RwLock::default() }))
    }

    /// Adds a user who logs in as `username`. Replaces an existing user with this name.
    ///
    /// # Errors
    ///
    /// Those of [`PasswordHasher::hash`]. Then nothing is changed.
    pub async fn insert(
        &self,
        username: impl Into<String>,
        password: &str,
        user: User<C, R>,
    ) -> Result<(), PasswordError> {
        let hash = self.0.hasher.hash(password).await?;
        self.write().insert(username.into(), Record { hash, user });
        Ok(())
    }

    /// Changes the user `username`: whether it is active, its epoch, claims or scopes. Returns
    /// `false` if there is no such user.
    ///
    /// All users are locked while `change` runs, so it must not access them.
    ///
    /// ```
    /// # use tower_jwt_auth::password::{MemoryUsers, PasswordHasher};
    /// let users: MemoryUsers<()> = MemoryUsers::new(PasswordHasher::new());
    /// assert!(!users.update("nobody", |user| user.with_epoch("2")));
    /// ```
    pub fn update(&self, username: &str, change: impl FnOnce(User<C, R>) -> User<C, R>) -> bool
    where
        C: Clone,
        R: Clone,
    {
        let mut records = self.write();
        let Some(record) = records.get_mut(username) else { return false };
        record.user = change(record.user.clone());
        true
    }

    /// Sets the password of the user `username`. Returns `false` if there is no such user.
    ///
    /// This does not end the user's sessions. To end them, [`update`](Self::update) the epoch.
    ///
    /// # Errors
    ///
    /// Those of [`PasswordHasher::hash`]. Then nothing is changed.
    pub async fn set_password(
        &self,
        username: &str,
        password: &str,
    ) -> Result<bool, PasswordError> {
        let hash = self.0.hasher.hash(password).await?;
        let mut records = self.write();
        let Some(record) = records.get_mut(username) else { return Ok(false) };
        record.hash = hash;
        Ok(true)
    }

    /// Removes the user `username`. Returns `false` if there is no such user.
    pub fn remove(&self, username: &str) -> bool {
        self.write().remove(username).is_some()
    }

    // Only `update`'s closure can panic while the lock is held, and it does so before anything is
    // changed. A poisoned lock is therefore safe to use.

    fn read(&self) -> RwLockReadGuard<'_, Records<C, R>> {
        self.0.records.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Records<C, R>> {
        self.0.records.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<C, R> UserBackend<C, R> for MemoryUsers<C, R>
where
    C: Clone + Send + Sync + 'static,
    R: Clone + Send + Sync + 'static,
{
    type Credentials = UsernamePassword;

    async fn authenticate(
        &self,
        credentials: UsernamePassword,
    ) -> Result<Authentication<C, R>, BackendError> {
        // The user is read together with the hash. Otherwise a login with the old password could
        // get the epoch that a password change has just set.
        let record = self.read().get(&credentials.username).cloned();
        let hash = record.as_ref().map(|record| record.hash.as_str());
        let is_correct = self.0.hasher.verify(&credentials.password, hash).await?;
        Ok(record.filter(|_| is_correct).map(|record| record.user).into())
    }

    async fn find(&self, id: &UserId) -> Result<Option<User<C, R>>, BackendError> {
        let records = self.read();
        Ok(records.values().find(|record| record.user.id() == id).map(|record| record.user.clone()))
    }
}

impl<C, R> Clone for MemoryUsers<C, R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C, R> fmt::Debug for MemoryUsers<C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryUsers").finish_non_exhaustive()
    }
}

impl From<PasswordError> for BackendError {
    /// [`Overloaded`](PasswordErrorKind::Overloaded) stays overloaded, other kinds become unavailable.
    fn from(error: PasswordError) -> Self {
        match error.kind() {
            PasswordErrorKind::Overloaded => Self::overloaded(),
            _ => Self::unavailable(error),
        }
    }
}
