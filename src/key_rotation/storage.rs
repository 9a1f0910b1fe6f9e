//! Where keys are kept between starts and shared between the copies of a service.

use std::{error::Error, fmt};

use zeroize::Zeroizing;

/// Keeps one document, which contains the private keys, for all copies of a service.
///
/// [`KeyFolder`](super::KeyFolder) implements it. A row in a database can hold the document as well.
/// If the keys may be lost when the process ends, memory is enough:
///
/// ```
/// use tower_jwt_auth::key_rotation::{KeyStorage, KeyStorageError, StoredKeys};
/// use std::sync::Mutex;
///
/// #[derive(Default)]
/// struct InMemory(Mutex<Option<StoredKeys>>);
///
/// impl KeyStorage for InMemory {
///     async fn load(&self) -> Result<Option<StoredKeys>, KeyStorageError> {
///         Ok(self.0.lock().unwrap().clone())
///     }
///
///     async fn replace(
///         &self,
///         expected: Option<&StoredKeys>,
///         new: &StoredKeys,
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
    /// Returns the stored document, or `None` if there is none.
    ///
    /// # Errors
    ///
    /// When the storage cannot be read.
    fn load(&self) -> impl Future<Output = Result<Option<StoredKeys>, KeyStorageError>> + Send;

    /// Stores `new` if the stored document equals `expected`, and returns whether it did.
    ///
    /// The comparison and the write must be atomic. When this returns `true`, the document must
    /// survive a crash.
    ///
    /// # Errors
    ///
    /// When `new` may not have been stored.
    fn replace(
        &self,
        expected: Option<&StoredKeys>,
        new: &StoredKeys,
    ) -> impl Future<Output = Result<bool, KeyStorageError>> + Send;
}

/// The document that a [`KeyStorage`] keeps: JSON that contains private keys.
///
/// `Debug` does not show it. Its memory is wiped when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredKeys(Zeroizing<Vec<u8>>);

impl StoredKeys {
    /// Creates the document from the bytes that were stored.
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

impl fmt::Debug for StoredKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoredKeys([redacted])")
    }
}

/// Why a [`KeyStorage`] failed.
#[derive(Debug)]
pub struct KeyStorageError {
    source: Box<dyn Error + Send + Sync>,
}

impl KeyStorageError {
    /// The storage is unavailable because of `source`, which must not contain a secret: it is logged.
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
