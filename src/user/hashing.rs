use std::future::Future;

use futures::future::BoxFuture;

use super::backend::BackendError;

/// How [`SqlUsers`](super::SqlUsers) hashes passwords.
///
/// [`PasswordHasher`](crate::password::PasswordHasher) implements it with argon2id. The hasher of
/// [`password::django`](crate::password) implements it too: with it, accounts can keep the hashes that
/// Django has stored.
pub trait PasswordHashing: Send + Sync + 'static {
    /// Hashes a new password. Returns `None` if it is longer than the hasher accepts.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the password cannot be hashed now.
    fn hash(
        &self,
        password: &str,
    ) -> impl Future<Output = Result<Option<String>, BackendError>> + Send;

    /// Whether `hash` is a hash of `password`. Without a hash it does the same work and returns
    /// `false`.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the password cannot be hashed now.
    fn verify(
        &self,
        password: &str,
        hash: Option<&str>,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// Whether `hash` is outdated, so that it should be replaced when the password is at hand.
    fn needs_rehash(&self, hash: &str) -> bool;
}

/// [`PasswordHashing`] without its type.
pub(super) trait DynHashing: Send + Sync {
    fn hash<'a>(&'a self, password: &'a str)
    -> BoxFuture<'a, Result<Option<String>, BackendError>>;

    fn verify<'a>(
        &'a self,
        password: &'a str,
        hash: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, BackendError>>;

    fn needs_rehash(&self, hash: &str) -> bool;
}

impl<H: PasswordHashing> DynHashing for H {
    fn hash<'a>(
        &'a self,
        password: &'a str,
    ) -> BoxFuture<'a, Result<Option<String>, BackendError>> {
        Box::pin(PasswordHashing::hash(self, password))
    }

    fn verify<'a>(
        &'a self,
        password: &'a str,
        hash: Option<&'a str>,
    ) -> BoxFuture<'a, Result<bool, BackendError>> {
        Box::pin(PasswordHashing::verify(self, password, hash))
    }

    fn needs_rehash(&self, hash: &str) -> bool {
        PasswordHashing::needs_rehash(self, hash)
    }
}
