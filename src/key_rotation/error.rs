use std::{error::Error, fmt};

/// Why keys could not be opened, looked at again or rotated. Those at hand stay in use.
#[derive(Debug)]
pub struct KeyRotationError {
    kind: KeyRotationErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The sort of a [`KeyRotationError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyRotationErrorKind {
    /// The storage did not answer in time, or failed.
    Storage,
    /// What is stored was not written by this module, or is damaged. It is left as it is.
    Malformed,
    /// Others kept changing what is stored; try again.
    Contended,
    /// No key could be made, or there would be more of them than verifiers take.
    Key,
}

impl KeyRotationError {
    pub(super) const fn new(kind: KeyRotationErrorKind) -> Self {
        Self { kind, source: None }
    }

    pub(super) fn with_source(
        kind: KeyRotationErrorKind,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { kind, source: Some(source.into()) }
    }

    /// The sort of this error.
    #[must_use]
    pub const fn kind(&self) -> KeyRotationErrorKind {
        self.kind
    }
}

impl fmt::Display for KeyRotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            KeyRotationErrorKind::Storage => "the key storage did not answer",
            KeyRotationErrorKind::Malformed => "the stored keys are malformed",
            KeyRotationErrorKind::Contended => "the stored keys kept changing",
            KeyRotationErrorKind::Key => "no key could be added",
        })
    }
}

impl Error for KeyRotationError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
