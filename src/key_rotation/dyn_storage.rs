//! [`KeyStorage`] with its type erased, and with a deadline on every call.

use std::time::Duration;

use futures::future::BoxFuture;

use super::{
    error::{KeyRotationError, KeyRotationErrorKind},
    storage::{KeyStorage, KeyStorageError, StoredKeys},
};

const CALL_TIMEOUT: Duration = Duration::from_secs(10);

pub(super) struct DynStorage(Box<dyn ErasedStorage>);

impl DynStorage {
    pub(super) fn new(storage: impl KeyStorage) -> Self {
        Self(Box::new(storage))
    }

    pub(super) async fn load(&self) -> Result<Option<StoredKeys>, KeyRotationError> {
        with_timeout(self.0.load()).await
    }

    pub(super) async fn replace(
        &self,
        expected: Option<&StoredKeys>,
        new: &StoredKeys,
    ) -> Result<bool, KeyRotationError> {
        with_timeout(self.0.replace(expected, new)).await
    }
}

async fn with_timeout<T>(
    call: impl Future<Output = Result<T, KeyStorageError>>,
) -> Result<T, KeyRotationError> {
    match tokio::time::timeout(CALL_TIMEOUT, call).await {
        Ok(result) => result
            .map_err(|error| KeyRotationError::with_source(KeyRotationErrorKind::Storage, error)),
        Err(elapsed) => Err(KeyRotationError::with_source(KeyRotationErrorKind::Storage, elapsed)),
    }
}

/// The object-safe form of [`KeyStorage`].
trait ErasedStorage: Send + Sync {
    fn load(&self) -> BoxFuture<'_, Result<Option<StoredKeys>, KeyStorageError>>;
    fn replace<'a>(
        &'a self,
        expected: Option<&'a StoredKeys>,
        new: &'a StoredKeys,
    ) -> BoxFuture<'a, Result<bool, KeyStorageError>>;
}

impl<S: KeyStorage> ErasedStorage for S {
    fn load(&self) -> BoxFuture<'_, Result<Option<StoredKeys>, KeyStorageError>> {
        Box::pin(KeyStorage::load(self))
    }

    fn replace<'a>(
        &'a self,
        expected: Option<&'a StoredKeys>,
        new: &'a StoredKeys,
    ) -> BoxFuture<'a, Result<bool, KeyStorageError>> {
        Box::pin(KeyStorage::replace(self, expected, new))
    }
}
