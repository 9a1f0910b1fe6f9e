use std::{error::Error, fmt};

/// Why a store call failed.
#[derive(Debug)]
pub struct StoreError {
    kind: StoreErrorKind,
    source: Box<dyn Error + Send + Sync>,
}

/// The kind of a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// The store is out of reach, too slow, or full. The same call may succeed later.
    Unavailable,
    /// The server rejects the store's credentials, or has no database of that name. The same call
    /// fails until the configuration of the store or of the server is corrected.
    ///
    /// Requests get `503`, as for [`Unavailable`](Self::Unavailable). A service that calls
    /// [`ping`](super::TokenStore::ping) when it starts can exit with this error.
    Misconfigured,
    /// An argument is not valid, for example an id that is too long. The same call never succeeds.
    InvalidInput,
}

impl StoreError {
    /// An error of the kind [`Unavailable`](StoreErrorKind::Unavailable), caused by `source`.
    pub fn unavailable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Unavailable, source: source.into() }
    }

    /// An error of the kind [`Misconfigured`](StoreErrorKind::Misconfigured), caused by `source`.
    pub fn misconfigured(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::Misconfigured, source: source.into() }
    }

    /// An error of the kind [`InvalidInput`](StoreErrorKind::InvalidInput), described by `source`.
    /// The description must not contain the input.
    pub fn invalid_input(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { kind: StoreErrorKind::InvalidInput, source: source.into() }
    }

    /// The kind of the error.
    #[must_use]
    pub const fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            StoreErrorKind::Unavailable => "the token store is unavailable",
            StoreErrorKind::Misconfigured => "the token store is misconfigured",
            StoreErrorKind::InvalidInput => "the token store rejected an argument",
        })
    }
}

impl Error for StoreError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
