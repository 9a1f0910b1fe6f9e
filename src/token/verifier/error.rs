use futures::{
    FutureExt,
    future::{BoxFuture, join_all},
};

use crate::error::{AuthError, AuthErrorKind};

/// Begins a fetch, or joins one. Returns `None` if it is too early for a fetch.
pub(crate) type Fetch = Box<dyn FnOnce() -> Option<BoxFuture<'static, ()>> + Send>;

/// Why a token is rejected.
pub(crate) enum VerifyError {
    /// No key can change the outcome.
    Final(AuthError),
    /// The same, and a key of the verifier has verified the signature.
    Decided(AuthError),
    /// What is fetched may change the outcome. Without it, the error is `otherwise`.
    KeysNeeded { fetches: Vec<Fetch>, otherwise: AuthError },
}

impl VerifyError {
    /// Begins the fetches that may change the outcome. Returns the error if there are none.
    pub(crate) fn begin_fetch(self) -> Result<BoxFuture<'static, ()>, AuthError> {
        match self {
            Self::Final(error) | Self::Decided(error) => Err(error),
            Self::KeysNeeded { fetches, otherwise } => {
                let mut begun: Vec<_> = fetches.into_iter().filter_map(|fetch| fetch()).collect();
                match begun.len() {
                    0 => Err(otherwise),
                    1 => begun.pop().ok_or(otherwise),
                    _ => Ok(join_all(begun).map(drop).boxed()),
                }
            }
        }
    }
}

impl From<AuthErrorKind> for VerifyError {
    fn from(kind: AuthErrorKind) -> Self {
        Self::Final(kind.into())
    }
}

impl From<AuthError> for VerifyError {
    fn from(error: AuthError) -> Self {
        Self::Final(error)
    }
}

impl From<VerifyError> for AuthError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Final(error)
            | VerifyError::Decided(error)
            | VerifyError::KeysNeeded { otherwise: error, .. } => error,
        }
    }
}
