use std::{error::Error, fmt, sync::Arc};

use http::StatusCode;

use crate::http_client::ResponseError;

/// Why keys could not be fetched.
///
/// Its message is fixed for each [kind](Self::kind) and never contains what the server sent.
#[derive(Clone, Debug)]
pub struct FetchError {
    kind: FetchErrorKind,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The kind of a [`FetchError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum FetchErrorKind {
    /// The connection failed or was closed early.
    Connection,
    /// The server did not respond in time.
    Timeout,
    /// The server responded with this status. Redirects are not followed.
    Status(StatusCode),
    /// The response has a content encoding, although the request refuses all of them.
    Encoded,
    /// The response is longer than 256 KiB, or has more than 100 keys.
    TooLarge,
    /// The response is not a JWK set, or not the metadata of an issuer.
    Malformed,
    /// The metadata is that of another issuer.
    WrongIssuer,
    /// The metadata names a URL of the keys that is not secure.
    InsecureUrl,
    /// The last handle was dropped, or there is no Tokio runtime.
    Abandoned,
}

impl FetchError {
    /// The kind of this error.
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

impl From<ResponseError> for FetchError {
    fn from(error: ResponseError) -> Self {
        match error {
            ResponseError::Connection(source) => {
                Self { kind: FetchErrorKind::Connection, source: Some(source.into()) }
            }
            ResponseError::Encoded => FetchErrorKind::Encoded.into(),
            ResponseError::TooLarge => FetchErrorKind::TooLarge.into(),
        }
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            FetchErrorKind::Connection => "the connection to the key server failed",
            FetchErrorKind::Timeout => "the key server did not respond in time",
            FetchErrorKind::Status(status) => {
                return write!(f, "the key server responded with status {}", status.as_u16());
            }
            FetchErrorKind::Encoded => "the response of the key server has a content encoding",
            FetchErrorKind::TooLarge => "the response of the key server is too large",
            FetchErrorKind::Malformed => "the response of the key server is malformed",
            FetchErrorKind::WrongIssuer => "the metadata is that of another issuer",
            FetchErrorKind::InsecureUrl => "the URL of the keys in the metadata is not secure",
            FetchErrorKind::Abandoned => "the fetch was abandoned",
        })
    }
}

impl Error for FetchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
