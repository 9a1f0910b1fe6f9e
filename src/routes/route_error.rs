use std::{error::Error, fmt};

use http::StatusCode;

use crate::{
    error::{AuthError, AuthErrorKind},
    user::FieldErrors,
};

use super::{
    request_error::{RequestError, RequestErrorKind},
    step_token::SecondStep,
};

/// Why a route rejected a request.
///
/// Passed to the function that makes the response, set with
/// [`TokenRoutesBuilder::rejection`](super::TokenRoutesBuilder::rejection).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum RouteError {
    /// The credentials are missing or invalid, or a service is unavailable.
    Auth(AuthError),
    /// The request itself is invalid.
    Request(RequestError),
    /// The login requires a code. The client needs the token in the response to send it.
    SecondFactorRequired(SecondStep),
}

impl RouteError {
    /// The HTTP status of the default response.
    #[must_use]
    pub const fn status(&self) -> StatusCode {
        match self {
            Self::Auth(error) => error.kind().status(),
            Self::Request(error) => error.kind().status(),
            Self::SecondFactorRequired(_) => AuthErrorKind::SecondFactorRequired.status(),
        }
    }

    /// The `code` of the default body, for programs.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::Auth(error) => error.kind().code(),
            Self::Request(error) => error.kind().code(),
            Self::SecondFactorRequired(_) => AuthErrorKind::SecondFactorRequired.code(),
        }
    }

    /// The `detail` of the default body, for people: a fixed string.
    #[must_use]
    pub const fn detail(&self) -> &'static str {
        match self {
            Self::Auth(error) => error.kind().detail(),
            Self::Request(error) => error.detail(),
            Self::SecondFactorRequired(_) => AuthErrorKind::SecondFactorRequired.detail(),
        }
    }

    /// The errors in the fields of the body. `None` if the fields are not at fault.
    #[must_use]
    pub fn field_errors(&self) -> Option<&FieldErrors> {
        match self {
            Self::Auth(_) | Self::SecondFactorRequired(_) => None,
            Self::Request(error) => error.field_errors(),
        }
    }
}

impl From<AuthError> for RouteError {
    fn from(error: AuthError) -> Self {
        Self::Auth(error)
    }
}

impl From<AuthErrorKind> for RouteError {
    fn from(kind: AuthErrorKind) -> Self {
        Self::Auth(kind.into())
    }
}

impl From<RequestError> for RouteError {
    fn from(error: RequestError) -> Self {
        Self::Request(error)
    }
}

impl From<RequestErrorKind> for RouteError {
    fn from(kind: RequestErrorKind) -> Self {
        Self::Request(kind.into())
    }
}

impl fmt::Display for RouteError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auth(error) => error.fmt(f),
            Self::Request(error) => error.fmt(f),
            Self::SecondFactorRequired(_) => {
                AuthError::from(AuthErrorKind::SecondFactorRequired).fmt(f)
            }
        }
    }
}

impl Error for RouteError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Auth(error) => error.source(),
            Self::Request(error) => error.source(),
            Self::SecondFactorRequired(_) => None,
        }
    }
}
