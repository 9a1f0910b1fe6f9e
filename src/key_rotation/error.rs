use std::{error::Error, fmt};

/// Why the keys could not be opened, refreshed or rotated. The current keys stay in use.
#[derive(Debug)]
pub struct KeyRotationError {
    kind: KeyRotationErrorKind,
    source: Option<Box<dyn Error + Send + Sync>>,
}

/// The kind of a [`KeyRotationError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeyRotationErrorKind {
    /// The storage failed or did not respond in time.
    Storage,
    /// The stored document is damaged, or was not written by this module. It is not overwritten.
    Malformed,
    /// Other copies of the service kept changing the stored keys. Try again.
    Contended,
    /// No key could be generated, or there are 100 keys already.
    Key,
    /// No stored key has the id of the key to discard.
    UnknownKey,
    /// The key to discard was added with
    /// [`RotationPolicyBuilder::verifying_key`](super::RotationPolicyBuilder::verifying_key). It is
    /// trusted until it is removed from the policy of every copy of the service.
    ConfiguredKey,
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

    /// The kind of this error.
    #[must_use]
    pub const fn kind(&self) -> KeyRotationErrorKind {
        self.kind
    }
}

impl fmt::Display for KeyRotationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            KeyRotationErrorKind::Storage => "the key storage failed",
            KeyRotationErrorKind::Malformed => "the stored keys are malformed",
            KeyRotationErrorKind::Contended => "the stored keys kept changing",
            KeyRotationErrorKind::Key => "no key could be added",
            KeyRotationErrorKind::UnknownKey => "no stored key has this id",
            KeyRotationErrorKind::ConfiguredKey => {
                "the key is part of the rotation policy and must be removed there"
            }
        })
    }
}

impl Error for KeyRotationError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
