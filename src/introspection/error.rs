use std::{error::Error, fmt, sync::Arc};

use http::StatusCode;

use crate::http_client::ResponseError;

/// Why a token could not be introspected.
///
/// It is the [source](Error::source) of the [`AuthError`](crate::AuthError) of a request that is
/// rejected with `503`. Its own source is the error of the HTTP client.
#[derive(Clone, Debug)]
pub struct IntrospectionError {
    kind: IntrospectionErrorKind,
    source: Option<Arc<dyn Error + Send + Sync>>,
}

/// The kind of an [`IntrospectionError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum IntrospectionErrorKind {
    /// The connection failed or was closed early.
    Connection,
    /// The server did not respond in time.
    Timeout,
    /// As many requests as [allowed](super::IntrospectionBuilder::max_concurrent) were under way, and
    /// none of them ended in time.
    Overloaded,
    /// The server responded with this status. With `401` or `403` it does not accept the
    /// [credentials](super::ClientAuth) of this service. Redirects are not followed.
    Status(StatusCode),
    /// The response has a content encoding, although the request refuses all of them.
    Encoded,
    /// The response is longer than 256 KiB.
    TooLarge,
    /// The media type of the response is not `application/json`.
    WrongMediaType,
    /// The response does not have the form that RFC 7662 defines.
    Malformed,
    /// The request could not be signed.
    Signing,
}

impl IntrospectionError {
    /// The kind of this error.
    #[must_use]
    pub const fn kind(&self) -> IntrospectionErrorKind {
        self.kind
    }

    pub(super) fn with_source(
        kind: IntrospectionErrorKind,
        source: impl Into<Arc<dyn Error + Send + Sync>>,
    ) -> Self {
        Self { kind, source: Some(source.into()) }
    }
}

impl IntrospectionErrorKind {
    /// The label of metrics.
    pub(super) const fn label(self) -> &'static str {
        match self {
            Self::Connection => "connection",
            Self::Timeout => "timeout",
            Self::Overloaded => "overloaded",
            Self::Status(_) => "status",
            Self::Encoded => "encoded",
            Self::TooLarge => "too_large",
            Self::WrongMediaType => "wrong_media_type",
            Self::Malformed => "malformed",
            Self::Signing => "signing",
        }
    }
}

impl From<IntrospectionErrorKind> for IntrospectionError {
    fn from(kind: IntrospectionErrorKind) -> Self {
        Self { kind, source: None }
    }
}

impl From<ResponseError> for IntrospectionError {
    fn from(error: ResponseError) -> Self {
        match error {
            ResponseError::Connection(source) => {
                Self::with_source(IntrospectionErrorKind::Connection, source)
            }
            ResponseError::Encoded => IntrospectionErrorKind::Encoded.into(),
            ResponseError::TooLarge => IntrospectionErrorKind::TooLarge.into(),
        }
    }
}

impl fmt::Display for IntrospectionErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connection => "the connection to the introspection endpoint failed",
            Self::Timeout => "the introspection endpoint did not respond in time",
            Self::Overloaded => "too many requests to the introspection endpoint are under way",
            Self::Status(status) => {
                let status = status.as_u16();
                return write!(f, "the introspection endpoint responded with status {status}");
            }
            Self::Encoded => "the introspection response has a content encoding",
            Self::TooLarge => "the introspection response is too large",
            Self::WrongMediaType => "the introspection response is not application/json",
            Self::Malformed => "the introspection response is malformed",
            Self::Signing => "the request for introspection could not be signed",
        })
    }
}

impl fmt::Display for IntrospectionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind.fmt(f)
    }
}

impl Error for IntrospectionError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}
