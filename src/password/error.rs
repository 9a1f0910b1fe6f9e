use std::{error::Error, fmt};

/// Why a password could not be hashed or verified.
///
/// The message is fixed for each [kind](Self::kind) and contains nothing of a password or hash.
pub struct PasswordError {
    kind: PasswordErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The kind of a [`PasswordError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum PasswordErrorKind {
    /// Too many passwords are being hashed or waiting. Try again later.
    Overloaded,
    /// The password is too long.
    TooLong,
    /// There was no memory, no randomness or no tokio runtime.
    Internal,
}

impl PasswordError {
    pub(super) const fn overloaded() -> Self {
        Self { kind: PasswordErrorKind::Overloaded, source: None }
    }

    pub(super) const fn too_long() -> Self {
        Self { kind: PasswordErrorKind::TooLong, source: None }
    }

    pub(super) fn internal(source: impl Error + Send + Sync + 'static) -> Self {
        Self { kind: PasswordErrorKind::Internal, source: Some(Box::new(source)) }
    }

    /// The kind of this error.
    #[must_use]
    pub const fn kind(&self) -> PasswordErrorKind {
        self.kind
    }
}

impl fmt::Debug for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PasswordError").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            PasswordErrorKind::Overloaded => "too many passwords are being hashed",
            PasswordErrorKind::TooLong => "the password is too long",
            PasswordErrorKind::Internal => "the password could not be hashed",
        })
    }
}

impl Error for PasswordError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
