use std::sync::Arc;

use crate::error::{AuthError, AuthErrorKind};

use super::super::{key_source::KeySource, keys::Keys};

/// Why a token is rejected.
pub(super) enum VerifyError {
    /// No key can change the outcome.
    Final(AuthError),
    /// Keys newer than `seen` may change the outcome. Without them it is `otherwise`.
    KeysNeeded { source: Arc<dyn KeySource>, seen: Arc<Keys>, otherwise: AuthError },
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
            VerifyError::Final(error) | VerifyError::KeysNeeded { otherwise: error, .. } => error,
        }
    }
}
