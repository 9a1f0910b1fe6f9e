use std::{error::Error, fmt, sync::Arc};

use http::StatusCode;

use crate::http_client::ResponseError;

/// Why keys could not be fetched.
///
/// Its message is fixed for each [kind](Self::kind). The [source](Error::source) is the error of the
/// HTTP client, or names both issuers if the metadata is that of another issuer.
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
    /// The response has no usable key.
    NoUsableKeys,
    /// The metadata is that of another issuer. A trailing slash makes a difference.
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

    /// The metadata names the issuer `found` instead of `expected`.
    pub(super) fn wrong_issuer(expected: &str, found: &str) -> Self {
        let found = found.chars().take(MAX_ISSUER_LEN).collect();
        let source = IssuerMismatch { expected: expected.to_owned(), found };
        Self { kind: FetchErrorKind::WrongIssuer, source: Some(Arc::new(source)) }
    }
}

/// Longer issuers are cut in messages, in characters.
const MAX_ISSUER_LEN: usize = 256;

#[derive(Debug)]
struct IssuerMismatch {
    expected: String,
    found: String,
}

impl fmt::Display for IssuerMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { expected, found } = self;
        // Debug escapes control characters, which the server may have sent.
        write!(f, "expected the issuer {expected:?}, but the metadata names {found:?}")
    }
}

impl Error for IssuerMismatch {}

impl FetchErrorKind {
    /// The label of metrics.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Timeout => "timeout",
            Self::Status(_) => "status",
            Self::Encoded => "encoded",
            Self::TooLarge => "too_large",
            Self::Malformed => "malformed",
            Self::NoUsableKeys => "no_usable_keys",
            Self::WrongIssuer => "wrong_issuer",
            Self::InsecureUrl => "insecure_url",
            Self::Abandoned => "abandoned",
        }
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

impl fmt::Display for FetchErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection => "the connection to the key server failed",
            Self::Timeout => "the key server did not respond in time",
            Self::Status(status) => {
                return write!(f, "the key server responded with status {}", status.as_u16());
            }
            Self::Encoded => "the response of the key server has a content encoding",
            Self::TooLarge => "the response of the key server is too large",
            Self::Malformed => "the response of the key server is malformed",
            Self::NoUsableKeys => "the response of the key server has no usable key",
            Self::WrongIssuer => "the metadata is that of another issuer",
            Self::InsecureUrl => "the URL of the keys in the metadata is not secure",
            Self::Abandoned => "the fetch was abandoned",
        })
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl Error for FetchError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
