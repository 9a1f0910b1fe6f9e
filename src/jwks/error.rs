use std::{error::Error, fmt, sync::Arc};

use http::StatusCode;

/// Why keys could not be fetched.
///
/// Its text is fixed for each [kind](Self::kind) and never holds what the server sent.
#[derive(Clone, Debug)]
pub struct FetchError {
    kind: FetchErrorKind,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The sort of a [`FetchError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// The server was not reached, or broke off.
    Connection,
    /// The deadline passed.
    Timeout,
    /// The server answered with this status; redirects are not followed.
    Status(StatusCode),
    /// The answer is compressed or otherwise encoded, which it was asked not to be.
    Encoded,
    /// The answer has more than 256 KiB, or more than 100 keys.
    TooLarge,
    /// The answer is no JWK set, or no metadata of an issuer.
    Malformed,
    /// The metadata names another issuer than the one that was asked.
    WrongIssuer,
    /// The metadata has keys fetched from where they would not be safe on their way.
    InsecureUrl,
    /// Nobody wants the keys any more, or there is no Tokio runtime to fetch them in.
    Abandoned,
}

impl FetchError {
    pub(super) fn with_source(
        kind: FetchErrorKind,
        source: impl Into<Box<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { kind, source: Some(source.into().into()) }
    }

    /// The sort of this error.
    #[must_use]
    pub const fn kind(&self) -> FetchErrorKind {
        self.kind
    }
}

impl From<FetchErrorKind> for FetchError {
    fn from(kind: FetchErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FetchErrorKind::Connection => "the key server was not reached, or broke off",
            FetchErrorKind::Timeout => "the key server took too long",
            FetchErrorKind::Status(status) => {
                return write!(f, "the key server answered {}", status.as_u16());
            }
            FetchErrorKind::Encoded => "the key server sent an encoded answer",
            FetchErrorKind::TooLarge => "the key server sent more than is read",
            FetchErrorKind::Malformed => "the key server sent a malformed document",
            FetchErrorKind::WrongIssuer => "the metadata is that of another issuer",
            FetchErrorKind::InsecureUrl => "the metadata names an insecure place for keys",
            FetchErrorKind::Abandoned => "the fetch was abandoned",
        })
    }
}

impl Error for FetchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
