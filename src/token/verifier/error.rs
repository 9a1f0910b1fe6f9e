use std::sync::Arc;

use crate::error::{AuthError, AuthErrorKind};

use super::super::{key_source::KeySource, keys::Keys};

/// Why a token is rejected.
pub(super) enum VerifyError {
    /// No key can change the outcome.
    Final(AuthErrorKind),
    /// Keys newer than `seen` may change the outcome. Without them it is `otherwise`.
    KeysNeeded { source: Arc<dyn KeySource>, seen: Arc<Keys>, otherwise: AuthErrorKind },
}

impl From<AuthErrorKind> for VerifyError {
    fn from(kind: AuthErrorKind) -> Self {
        Self::Final(kind)
    }
}

impl From<VerifyError> for AuthError {
    fn from(error: VerifyError) -> Self {
        match error {
            VerifyError::Final(kind) | VerifyError::KeysNeeded { otherwise: kind, .. } => {
                kind.into()
            }
        }
    }
}
