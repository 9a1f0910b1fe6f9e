use std::{
    collections::BTreeMap,
    fmt,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use crate::{
    token::{NoClaims, UserId},
    user::{BackendError, User, UserBackend, UsernamePassword},
};

use super::{
    error::{PasswordError, PasswordErrorKind},
    hasher::PasswordHasher,
};

/// Users in memory, for examples and tests: they are gone when the process ends.
///
/// User names are compared exactly. Clones share the same users. Give every user an id of its own:
/// of several with one id, a refresh finds any.
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

/// By user name.
type Records<C, R> = BTreeMap<String, Record<C, R>>;

#[derive(Clone)]
struct Record<C, R> {
    hash: String,
    user: User<C, R>,
}

impl<C, R> MemoryUsers<C, R> {
    /// No users yet; their passwords will be hashed by `hasher`.
    #[must_use]
    pub fn new(hasher: PasswordHasher) -> Self {
        Self(Arc::new(Inner { hasher, records: RwLock::default() }))
    }

    /// Adds a user who logs in as `username`, in place of any that did so before.
    ///
    /// # Errors
    ///
    /// As [`PasswordHasher::hash`]; then nothing is changed.
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

    /// Changes the user called `username`: deactivates it, gives it another epoch, other claims or
    /// scopes. Returns whether there is one.
    ///
    /// All users are locked while `change` runs: it must not use them itself.
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

    /// Gives the user called `username` another password. Returns whether there is one.
    ///
    /// Its sessions go on; to end them, [`update`](Self::update) its epoch too.
    ///
    /// # Errors
    ///
    /// As [`PasswordHasher::hash`]; then nothing is changed.
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

    /// Removes the user called `username`. Returns whether there was one.
    pub fn remove(&self, username: &str) -> bool {
        self.write().remove(username).is_some()
    }

    // A panic while the lock is held can only come from `update`'s closure, before anything is
    // changed, so a poisoned lock guards sound data.

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
    ) -> Result<Option<User<C, R>>, BackendError> {
        // The user as it was along with the hash that is checked: were it read afterwards, a login
        // with a password that has just been changed would get the epoch of the new one.
        let record = self.read().get(&credentials.username).cloned();
        let hash = record.as_ref().map(|record| record.hash.as_str());
        let correct = self.0.hasher.verify(&credentials.password, hash).await?;
        Ok(record.filter(|_| correct).map(|record| record.user))
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
    /// [`Overloaded`](PasswordErrorKind::Overloaded) stays so, all else is unavailable.
    fn from(error: PasswordError) -> Self {
        match error.kind() {
            PasswordErrorKind::Overloaded => Self::overloaded(),
            _ => Self::unavailable(error),
        }
    }
}
