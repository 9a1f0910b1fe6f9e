use std::{fmt, future::Future};

use futures::future::BoxFuture;

use crate::{token::UserId, user::BackendError};

/// Keeps the secrets of [`Totp`](super::Totp), which are encrypted, and what was used.
///
/// Each method is one atomic step, also between processes. `use_id` is an id that no other call has: a
/// store that repeats a statement after its reply was lost can recognize its own change by it.
///
/// Calls have no deadline: set one for the connections to your database.
pub trait TotpStore: Send + Sync + 'static {
    /// Returns what is stored about a user.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the store is unavailable.
    fn find(
        &self,
        user_id: &UserId,
    ) -> impl Future<Output = Result<Option<TotpRecord>, BackendError>> + Send;

    /// Stores a secret that is not confirmed, in place of another one that is not confirmed. Returns
    /// `false`, and changes nothing, if the user has one that is confirmed.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the store is unavailable.
    fn begin(
        &self,
        user_id: &UserId,
        secret: &str,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// Confirms the secret, and stores the step and the recovery codes. Returns `false`, and changes
    /// nothing, unless the user has this secret and it is not confirmed.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the store is unavailable.
    fn confirm(
        &self,
        user_id: &UserId,
        confirmation: &Confirmation<'_>,
        use_id: &str,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// Raises the last step to `step`. Returns `false`, and changes nothing, unless the user has this
    /// secret, it is confirmed, and its last step is lower.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the store is unavailable. The step may have been raised.
    fn use_step(
        &self,
        user_id: &UserId,
        secret: &str,
        step: u64,
        use_id: &str,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// Removes a recovery code, by its hash. Returns `false`, and changes nothing, unless the secret of
    /// the user is confirmed and this code is among its recovery codes.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the store is unavailable. The code may have been removed.
    fn use_recovery_code(
        &self,
        user_id: &UserId,
        hash: &str,
        use_id: &str,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// Replaces the secret `old` by `new`, the same one encrypted with another key. Returns `false`,
    /// and changes nothing, if the user has another secret.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the store is unavailable.
    fn replace_secret(
        &self,
        user_id: &UserId,
        old: &str,
        new: &str,
    ) -> impl Future<Output = Result<bool, BackendError>> + Send;

    /// Removes everything about a user. Returns whether there was a confirmed secret.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the store is unavailable.
    fn remove(&self, user_id: &UserId) -> impl Future<Output = Result<bool, BackendError>> + Send;
}

/// What a [`TotpStore`] keeps about a user.
///
/// `Debug` does not show the secret.
#[derive(Clone)]
#[non_exhaustive]
pub struct TotpRecord {
    /// The encrypted secret: up to 255 ASCII characters.
    pub secret: Box<str>,
    /// The step of the last code. `None` if the secret is not confirmed.
    pub last_step: Option<u64>,
    /// How many recovery codes are left.
    pub recovery_codes: usize,
}

impl TotpRecord {
    /// A record with these values.
    #[must_use]
    pub fn new(secret: impl Into<Box<str>>, last_step: Option<u64>, recovery_codes: usize) -> Self {
        Self { secret: secret.into(), last_step, recovery_codes }
    }
}

impl fmt::Debug for TotpRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TotpRecord")
            .field("last_step", &self.last_step)
            .field("recovery_codes", &self.recovery_codes)
            .finish_non_exhaustive()
    }
}

/// What is stored when a user confirms a secret.
///
/// `Debug` shows neither the secret nor the hashes.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Confirmation<'a> {
    /// The encrypted secret that is confirmed.
    pub secret: &'a str,
    /// The step of the code.
    pub step: u64,
    /// The hash of each recovery code: 64 lowercase hexadecimal digits.
    pub recovery_codes: &'a [String],
}

impl fmt::Debug for Confirmation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Confirmation").field("step", &self.step).finish_non_exhaustive()
    }
}

/// The object-safe twin of [`TotpStore`].
pub(super) trait DynTotpStore: Send + Sync {
    fn find<'a>(&'a self, user_id: &'a UserId) -> Reply<'a, Option<TotpRecord>>;
    fn begin<'a>(&'a self, user_id: &'a UserId, secret: &'a str) -> Reply<'a, bool>;
    fn confirm<'a>(
        &'a self,
        user_id: &'a UserId,
        confirmation: &'a Confirmation<'_>,
        use_id: &'a str,
    ) -> Reply<'a, bool>;
    fn use_step<'a>(
        &'a self,
        user_id: &'a UserId,
        secret: &'a str,
        step: u64,
        use_id: &'a str,
    ) -> Reply<'a, bool>;
    fn use_recovery_code<'a>(
        &'a self,
        user_id: &'a UserId,
        hash: &'a str,
        use_id: &'a str,
    ) -> Reply<'a, bool>;
    fn replace_secret<'a>(
        &'a self,
        user_id: &'a UserId,
        old: &'a str,
        new: &'a str,
    ) -> Reply<'a, bool>;
    fn remove<'a>(&'a self, user_id: &'a UserId) -> Reply<'a, bool>;
}

pub(super) type Reply<'a, T> = BoxFuture<'a, Result<T, BackendError>>;

impl<S: TotpStore> DynTotpStore for S {
    fn find<'a>(&'a self, user_id: &'a UserId) -> Reply<'a, Option<TotpRecord>> {
        Box::pin(TotpStore::find(self, user_id))
    }

    fn begin<'a>(&'a self, user_id: &'a UserId, secret: &'a str) -> Reply<'a, bool> {
        Box::pin(TotpStore::begin(self, user_id, secret))
    }

    fn confirm<'a>(
        &'a self,
        user_id: &'a UserId,
        confirmation: &'a Confirmation<'_>,
        use_id: &'a str,
    ) -> Reply<'a, bool> {
        Box::pin(TotpStore::confirm(self, user_id, confirmation, use_id))
    }

    fn use_step<'a>(
        &'a self,
        user_id: &'a UserId,
        secret: &'a str,
        step: u64,
        use_id: &'a str,
    ) -> Reply<'a, bool> {
        Box::pin(TotpStore::use_step(self, user_id, secret, step, use_id))
    }

    fn use_recovery_code<'a>(
        &'a self,
        user_id: &'a UserId,
        hash: &'a str,
        use_id: &'a str,
    ) -> Reply<'a, bool> {
        Box::pin(TotpStore::use_recovery_code(self, user_id, hash, use_id))
    }

    fn replace_secret<'a>(
        &'a self,
        user_id: &'a UserId,
        old: &'a str,
        new: &'a str,
    ) -> Reply<'a, bool> {
        Box::pin(TotpStore::replace_secret(self, user_id, old, new))
    }

    fn remove<'a>(&'a self, user_id: &'a UserId) -> Reply<'a, bool> {
        Box::pin(TotpStore::remove(self, user_id))
    }
}
