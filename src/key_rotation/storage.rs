//! Where keys are kept between starts, and shared among copies of a service.

use std::{error::Error, fmt, time::Duration};

use futures::future::BoxFuture;
use zeroize::Zeroizing;

use super::error::{KeyRotationError, KeyRotationErrorKind};

/// How long a storage may take for one call.
const DEADLINE: Duration = Duration::from_secs(10);

/// Keeps one document, which holds private keys, for all copies of a service.
///
/// Implemented by [`KeyFolder`](super::KeyFolder). A row of a database does as well, or, where keys
/// may go with the process, its memory:
///
/// ```
/// use tower_jwt_auth::key_rotation::{KeyState, KeyStorage, KeyStorageError};
/// use std::sync::Mutex;
///
/// #[derive(Default)]
/// struct InMemory(Mutex<Option<KeyState>>);
///
/// impl KeyStorage for InMemory {
///     async fn load(&self) -> Result<Option<KeyState>, KeyStorageError> {
///         Ok(self.0.lock().unwrap().clone())
///     }
///
///     async fn replace(
///         &self,
///         expected: Option<&KeyState>,
///         new: &KeyState,
///     ) -> Result<bool, KeyStorageError> {
///         let mut stored = self.0.lock().unwrap();
///         let is_expected = stored.as_ref() == expected;
///         if is_expected {
///             *stored = Some(new.clone());
///         }
///         Ok(is_expected)
///     }
/// }
/// ```
pub trait KeyStorage: Send + Sync + 'static {
    /// What was stored last; `None` before the first time.
    ///
    /// # Errors
    ///
    /// When it cannot be told.
    fn load(&self) -> impl Future<Output = Result<Option<KeyState>, KeyStorageError>> + Send;

    /// Stores `new` if what is stored is still `expected`, and tells whether it did; atomically, and
    /// so that it is there after a crash once this has answered.
    ///
    /// # Errors
    ///
    /// When `new` may not have been stored.
    fn replace(
        &self,
        expected: Option<&KeyState>,
        new: &KeyState,
    ) -> impl Future<Output = Result<bool, KeyStorageError>> + Send;
}

/// The document that a [`KeyStorage`] keeps: JSON, with private keys in it.
///
/// `Debug` hides it, and it is wiped from memory when dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyState(Zeroizing<Vec<u8>>);

impl KeyState {
    /// The document that was stored as `bytes`.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes to store.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyState([redacted])")
    }
}

/// Why a [`KeyStorage`] could not answer.
#[derive(Debug)]
pub struct KeyStorageError {
    source: Box<dyn Error + Send + Sync>,
}

impl KeyStorageError {
    /// The storage is out of reach, for the reason `source`.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into() }
    }
}

impl fmt::Display for KeyStorageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the keys could not be loaded or stored")
    }
}

impl Error for KeyStorageError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}

/// The object-safe twin of [`KeyStorage`].
trait DynStorage: Send + Sync {
    fn load(&self) -> BoxFuture<'_, Result<Option<KeyState>, KeyStorageError>>;
    fn replace<'a>(
        &'a self,
        expected: Option<&'a KeyState>,
        new: &'a KeyState,
    ) -> BoxFuture<'a, Result<bool, KeyStorageError>>;
}

impl<S: KeyStorage> DynStorage for S {
    fn load(&self) -> BoxFuture<'_, Result<Option<KeyState>, KeyStorageError>> {
        Box::pin(KeyStorage::load(self))
    }

    fn replace<'a>(
        &'a self,
        expected: Option<&'a KeyState>,
        new: &'a KeyState,
    ) -> BoxFuture<'a, Result<bool, KeyStorageError>> {
        Box::pin(KeyStorage::replace(self, expected, new))
    }
}

/// A [`KeyStorage`] of a type nobody needs to name, with a deadline on every call.
pub(super) struct Storage(Box<dyn DynStorage>);

impl Storage {
    pub(super) fn new(storage: impl KeyStorage) -> Self {
        Self(Box::new(storage))
    }

    pub(super) async fn load(&self) -> Result<Option<KeyState>, KeyRotationError> {
        within(self.0.load()).await
    }

    pub(super) async fn replace(
        &self,
        expected: Option<&KeyState>,
        new: &KeyState,
    ) -> Result<bool, KeyRotationError> {
        within(self.0.replace(expected, new)).await
    }
}

async fn within<T>(
    call: impl Future<Output = Result<T, KeyStorageError>>,
) -> Result<T, KeyRotationError> {
    match tokio::time::timeout(DEADLINE, call).await {
        Ok(answer) => answer
            .map_err(|error| KeyRotationError::with_source(KeyRotationErrorKind::Storage, error)),
        Err(error) => Err(KeyRotationError::with_source(KeyRotationErrorKind::Storage, error)),
    }
}
