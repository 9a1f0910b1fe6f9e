use std::{error::Error, fmt, sync::Arc};

use http::StatusCode;

use crate::user::FieldErrors;

/// The kind of a [`RequestError`]. It determines the status and the `code` of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RequestErrorKind {
    /// The body or one of its fields is invalid, or there are two `Content-Type` headers.
    InvalidBody,
    /// Tokens of this type cannot be revoked.
    UnsupportedTokenType,
    /// The token of a mail is invalid or expired, or was used before.
    InvalidToken,
    /// The [password grant](super::TokenRoutesBuilder::password_grant_path) is the only one.
    UnsupportedGrantType,
    /// The user has no such session.
    NotFound,
    /// The user has enabled codes of an authenticator app before.
    #[cfg(feature = "totp")]
    TotpEnabled,
    /// The user has not begun to enable codes of an authenticator app.
    #[cfg(feature = "totp")]
    TotpNotEnrolled,
    /// The route does not serve this method.
    MethodNotAllowed,
    /// The body was not received in time.
    BodyTimeout,
    /// The body is too long.
    BodyTooLarge,
    /// The body has another media type, or another `charset` than `utf-8`.
    UnsupportedMediaType,
    /// The body is compressed.
    UnsupportedEncoding,
}

impl RequestErrorKind {
    /// The HTTP status of the response.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        match self {
            Self::InvalidBody
            | Self::UnsupportedTokenType
            | Self::UnsupportedGrantType
            | Self::InvalidToken => StatusCode::BAD_REQUEST,
            Self::NotFound => StatusCode::NOT_FOUND,
            #[cfg(feature = "totp")]
            Self::TotpEnabled | Self::TotpNotEnrolled => StatusCode::CONFLICT,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::BodyTimeout => StatusCode::REQUEST_TIMEOUT,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::UnsupportedMediaType | Self::UnsupportedEncoding => {
                StatusCode::UNSUPPORTED_MEDIA_TYPE
            }
        }
    }

    /// The `code` of the JSON body, for programs. The codes are stable.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::InvalidBody => "invalid_body",
            Self::UnsupportedTokenType => "unsupported_token_type",
            Self::InvalidToken => "invalid_token",
            Self::UnsupportedGrantType => "unsupported_grant_type",
            Self::NotFound => "not_found",
            #[cfg(feature = "totp")]
            Self::TotpEnabled => "totp_enabled",
            #[cfg(feature = "totp")]
            Self::TotpNotEnrolled => "totp_not_enrolled",
            Self::MethodNotAllowed => "method_not_allowed",
            Self::BodyTimeout => "body_timeout",
            Self::BodyTooLarge => "body_too_large",
            Self::UnsupportedMediaType | Self::UnsupportedEncoding => "unsupported_media_type",
        }
    }

    const fn detail(self) -> &'static str {
        match self {
            Self::InvalidBody => "Some fields are missing or invalid.",
            Self::UnsupportedTokenType => "Tokens of this type cannot be revoked.",
            Self::InvalidToken => "This token is invalid or expired, or was used before.",
            Self::UnsupportedGrantType => "The grant type must be password.",
            Self::NotFound => "Not found.",
            #[cfg(feature = "totp")]
            Self::TotpEnabled => "Two-factor authentication is already enabled.",
            #[cfg(feature = "totp")]
            Self::TotpNotEnrolled => "Start to enable two-factor authentication first.",
            Self::MethodNotAllowed => "This method is not allowed.",
            Self::BodyTimeout => "The request body was not received in time.",
            Self::BodyTooLarge => "The request body is too large.",
            Self::UnsupportedMediaType => "The media type of the request body is not supported.",
            Self::UnsupportedEncoding => "The request body must not be compressed.",
        }
    }
}

/// Why a route rejected a request whose credentials are not at fault.
///
/// The response has it in its extensions. It contains no value of the request.
#[derive(Clone)]
pub struct RequestError {
    kind: RequestErrorKind,
    detail: &'static str,
    field_errors: Option<Arc<FieldErrors>>,
}

impl RequestError {
    pub(super) const fn new(kind: RequestErrorKind, detail: &'static str) -> Self {
        Self { kind, detail, field_errors: None }
    }

    pub(super) const fn invalid_body(detail: &'static str) -> Self {
        Self::new(RequestErrorKind::InvalidBody, detail)
    }

    pub(crate) fn invalid_fields(errors: &FieldErrors) -> Self {
        let field_errors = Some(Arc::new(errors.clone()));
        Self { field_errors, ..RequestErrorKind::InvalidBody.into() }
    }

    pub(crate) fn invalid_field(name: &str, problem: &str) -> Self {
        let errors = FieldErrors::from([(name.to_owned(), vec![problem.to_owned()])]);
        Self::invalid_fields(&errors)
    }

    /// The kind of this error.
    #[must_use]
    pub const fn kind(&self) -> RequestErrorKind {
        self.kind
    }

    /// The `detail` of the JSON body, for people: a fixed string.
    #[must_use]
    pub const fn detail(&self) -> &'static str {
        self.detail
    }

    /// The errors in the fields of the body. `None` if the fields are not at fault.
    #[must_use]
    pub fn field_errors(&self) -> Option<&FieldErrors> {
        self.field_errors.as_deref()
    }
}

impl From<RequestErrorKind> for RequestError {
    fn from(kind: RequestErrorKind) -> Self {
        Self::new(kind, kind.detail())
    }
}

impl fmt::Debug for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RequestError").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.kind {
            RequestErrorKind::InvalidBody => "the request body is invalid",
            RequestErrorKind::UnsupportedTokenType => "tokens of this type cannot be revoked",
            RequestErrorKind::InvalidToken => "the token of a mail is invalid or was used before",
            RequestErrorKind::UnsupportedGrantType => "the grant type is not supported",
            RequestErrorKind::NotFound => "the user has no such session",
            #[cfg(feature = "totp")]
            RequestErrorKind::TotpEnabled => "the second factor is enabled already",
            #[cfg(feature = "totp")]
            RequestErrorKind::TotpNotEnrolled => "no enrolment of a second factor has begun",
            RequestErrorKind::MethodNotAllowed => "the route does not serve this method",
            RequestErrorKind::BodyTimeout => "the request body was not received in time",
            RequestErrorKind::BodyTooLarge => "the request body is too long",
            RequestErrorKind::UnsupportedMediaType => "the request body has another media type",
            RequestErrorKind::UnsupportedEncoding => "the request body is compressed",
        })
    }
}

impl Error for RequestError {}
