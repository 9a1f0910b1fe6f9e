//! A store of any type, with a deadline on every call.

use std::{error::Error, fmt, sync::Arc, time::Duration};

use futures::future::BoxFuture;

use crate::{
    error::{AuthError, AuthErrorKind},
    store::{Attempt, Attempted, StoreError, ThrottleStore},
};

const DEADLINE: Duration = Duration::from_secs(2);

/// The object-safe twin of [`ThrottleStore`].
trait DynStore: Send + Sync {
    fn attempt<'a>(
        &'a self,
        attempt: &'a Attempt<'_>,
    ) -> BoxFuture<'a, Result<Attempted, StoreError>>;
    fn take_back<'a>(&'a self, attempt: &'a Attempt<'_>) -> BoxFuture<'a, Result<(), StoreError>>;
    fn forget_attempts<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>>;
}

impl<S: ThrottleStore> DynStore for S {
    fn attempt<'a>(
        &'a self,
        attempt: &'a Attempt<'_>,
    ) -> BoxFuture<'a, Result<Attempted, StoreError>> {
        Box::pin(ThrottleStore::attempt(self, attempt))
    }

    fn take_back<'a>(&'a self, attempt: &'a Attempt<'_>) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(ThrottleStore::take_back(self, attempt))
    }

    fn forget_attempts<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<(), StoreError>> {
        Box::pin(ThrottleStore::forget_attempts(self, name))
    }
}

#[derive(Clone)]
pub(super) struct SharedStore(Arc<dyn DynStore>);

impl SharedStore {
    pub(super) fn new(store: impl ThrottleStore) -> Self {
        Self(Arc::new(store))
    }

    pub(super) async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, AuthError> {
        within_deadline(self.0.attempt(attempt)).await
    }

    pub(super) async fn take_back(&self, attempt: &Attempt<'_>) -> Result<(), AuthError> {
        within_deadline(self.0.take_back(attempt)).await
    }

    pub(super) async fn forget_attempts(&self, name: &str) -> Result<(), AuthError> {
        within_deadline(self.0.forget_attempts(name)).await
    }
}

async fn within_deadline<T>(call: BoxFuture<'_, Result<T, StoreError>>) -> Result<T, AuthError> {
    let result = match tokio::time::timeout(DEADLINE, call).await {
        Ok(result) => result,
        Err(_) => Err(StoreError::unavailable(DeadlineExceeded)),
    };
    result.map_err(|error| AuthError::with_source(AuthErrorKind::Unavailable, error))
}

#[derive(Debug)]
struct DeadlineExceeded;

impl fmt::Display for DeadlineExceeded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the store did not respond within 2 seconds")
    }
}

impl Error for DeadlineExceeded {}
