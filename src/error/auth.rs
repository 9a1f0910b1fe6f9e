use std::{borrow::Cow, error::Error, fmt, sync::Arc, time::Duration};

use http::{HeaderValue, StatusCode};

/// Why a request was refused.
///
/// Its text is fixed for each [kind](Self::kind): neither the token nor a claim ever enters it.
/// A refused response carries its `AuthError` in its extensions, for logging and metrics.
#[derive(Clone)]
pub struct AuthError {
    kind: AuthErrorKind,
    /// Behind one pointer, since few have any, and errors are moved often until they are answered.
    details: Option<Arc<Details>>,
}

enum Details {
    RequiredScope(Arc<str>),
    Source(Box<dyn Error + Send + Sync>),
}

/// The sort of an [`AuthError`], which decides status, `code` and challenge of the response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AuthErrorKind {
    /// The request carries no credentials of a configured scheme.
    MissingCredentials,
    /// The credentials break the grammar of [RFC 6750], or there are several.
    ///
    /// [RFC 6750]: https://www.rfc-editor.org/rfc/rfc6750#section-2.1
    InvalidRequest,
    /// The token is no well-formed JWT, or its header asks for something that is refused.
    Malformed,
    /// No trusted key fits the token's algorithm, key id and issuer.
    UnknownKey,
    /// The signature does not verify.
    InvalidSignature,
    /// The token's lifetime is over.
    Expired,
    /// The token's `nbf` or `iat` lies in the future.
    NotYetValid,
    /// The token is of a type that is not accepted here.
    WrongTokenType,
    /// The token comes from another issuer.
    WrongIssuer,
    /// The token is meant for another audience.
    WrongAudience,
    /// A claim is missing or has a type or value that is not allowed.
    InvalidClaims,
    /// The token, its session or all tokens of its user were revoked.
    Revoked,
    /// A refresh token was used again after it had been rotated; its session has been ended.
    Reused,
    /// A check of the application's own refused the claims.
    CheckFailed,
    /// The token lacks a scope that is required.
    InsufficientScope,
    /// The claims do not permit this.
    Forbidden,
    /// No active user has these credentials.
    InvalidCredentials,
    /// The user of the token is gone, inactive, or has changed since the login.
    UserInactive,
    /// A store, a user backend or a key server did not answer.
    Unavailable,
    /// The server is too busy to hash another password.
    Overloaded,
    /// The application is put together wrongly: a layer is missing, or claims cannot be written.
    Misconfigured,
}

impl AuthErrorKind {
    const fn row(self) -> Row {
        match self {
            Self::MissingCredentials => Row::new(
                StatusCode::UNAUTHORIZED,
                "not_authenticated",
                "Authentication credentials were not provided.",
                None,
                "no credentials were provided",
            ),
            Self::InvalidRequest => Row::new(
                StatusCode::BAD_REQUEST,
                "invalid_request",
                "The authentication credentials are malformed.",
                Some("invalid_request"),
                "the credentials are malformed",
            ),
            Self::Malformed => Row::invalid_token(
                "token_invalid",
                "The token is invalid.",
                "the token is malformed",
            ),
            Self::UnknownKey => Row::invalid_token(
                "token_invalid",
                "The token is invalid.",
                "no trusted key matches the token",
            ),
            Self::InvalidSignature => Row::invalid_token(
                "token_invalid",
                "The token is invalid.",
                "the signature is invalid",
            ),
            Self::Expired => Row::invalid_token(
                "token_expired",
                "The token has expired.",
                "the token has expired",
            ),
            Self::NotYetValid => Row::invalid_token(
                "token_not_yet_valid",
                "The token is not yet valid.",
                "the token is not yet valid",
            ),
            Self::WrongTokenType => Row::invalid_token(
                "token_wrong_type",
                "The token has the wrong type.",
                "the token has the wrong type",
            ),
            Self::WrongIssuer => Row::invalid_token(
                "token_invalid",
                "The token is invalid.",
                "the token was issued by another issuer",
            ),
            Self::WrongAudience => Row::invalid_token(
                "token_invalid",
                "The token is invalid.",
                "the token is intended for another audience",
            ),
            Self::InvalidClaims => Row::invalid_token(
                "token_invalid",
                "The token is invalid.",
                "a claim is missing or invalid",
            ),
            Self::Revoked => Row::invalid_token(
                "token_revoked",
                "The token has been revoked.",
                "the token has been revoked",
            ),
            Self::Reused => Row::invalid_token(
                "token_revoked",
                "The token has been revoked.",
                "the refresh token was used again and its session has ended",
            ),
            Self::CheckFailed => Row::invalid_token(
                "token_invalid",
                "The token is invalid.",
                "the application rejected the token",
            ),
            Self::InsufficientScope => Row::new(
                StatusCode::FORBIDDEN,
                "insufficient_scope",
                "The token lacks a required scope.",
                Some("insufficient_scope"),
                "the token lacks a required scope",
            ),
            Self::Forbidden => Row::new(
                StatusCode::FORBIDDEN,
                "permission_denied",
                "You do not have permission to perform this action.",
                None,
                "the claims do not permit this",
            ),
            Self::InvalidCredentials => Row::new(
                StatusCode::UNAUTHORIZED,
                "invalid_credentials",
                "No active account found with the given credentials.",
                None,
                "no active user has these credentials",
            ),
            Self::UserInactive => Row::invalid_token(
                "user_inactive",
                "No active account found for the given token.",
                "the user of the token may not refresh it",
            ),
            Self::Unavailable => Row::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "unavailable",
                "The service is temporarily unavailable.",
                None,
                "a required service did not respond",
            ),
            Self::Overloaded => Row::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "overloaded",
                "The service is busy. Try again later.",
                None,
                "the server is too busy",
            ),
            Self::Misconfigured => Row::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "misconfigured",
                "The server is misconfigured.",
                None,
                "the application is misconfigured",
            ),
        }
    }

    /// The status of the response.
    #[must_use]
    pub const fn status(self) -> StatusCode {
        self.row().status
    }

    /// The `code` of the JSON body: stable, for programs.
    ///
    /// | code | meaning |
    /// |---|---|
    /// | `not_authenticated` | no credentials |
    /// | `invalid_request` | credentials malformed, or several |
    /// | `token_invalid` | not to be trusted, for whichever reason |
    /// | `token_expired` | was good; refresh it |
    /// | `token_not_yet_valid` | will be good later |
    /// | `token_wrong_type` | good, but of another type |
    /// | `token_revoked` | revoked, or its session ended; log in again |
    /// | `insufficient_scope`, `permission_denied` | good, but not enough |
    /// | `invalid_credentials` | login failed |
    /// | `user_inactive` | the user may not refresh any more |
    /// | `unavailable`, `overloaded` | try again later |
    /// | `misconfigured` | a fault of the server |
    #[must_use]
    pub const fn code(self) -> &'static str {
        self.row().code
    }

    /// The `detail` of the JSON body, for people.
    #[must_use]
    pub const fn detail(self) -> &'static str {
        self.row().detail
    }

    /// The `error` of the challenge ([RFC 6750 section 3.1]), or `None` where the request carried
    /// no credentials.
    ///
    /// [RFC 6750 section 3.1]: https://www.rfc-editor.org/rfc/rfc6750#section-3.1
    #[must_use]
    pub const fn challenge_error(self) -> Option<&'static str> {
        self.row().challenge_error
    }

    const fn description(self) -> &'static str {
        self.row().description
    }
}

/// How a kind of error appears in a response.
struct Row {
    status: StatusCode,
    code: &'static str,
    detail: &'static str,
    challenge_error: Option<&'static str>,
    description: &'static str,
}

impl Row {
    const fn new(
        status: StatusCode,
        code: &'static str,
        detail: &'static str,
        challenge_error: Option<&'static str>,
        description: &'static str,
    ) -> Self {
        Self { status, code, detail, challenge_error, description }
    }

    const fn invalid_token(
        code: &'static str,
        detail: &'static str,
        description: &'static str,
    ) -> Self {
        Self::new(StatusCode::UNAUTHORIZED, code, detail, Some("invalid_token"), description)
    }
}

impl AuthError {
    pub(crate) fn with_source(
        kind: AuthErrorKind,
        source: impl Error + Send + Sync + 'static,
    ) -> Self {
        Self { kind, details: Some(Arc::new(Details::Source(Box::new(source)))) }
    }

    pub(crate) fn insufficient_scope(required: Arc<str>) -> Self {
        let details = Details::RequiredScope(required);
        Self { kind: AuthErrorKind::InsufficientScope, details: Some(Arc::new(details)) }
    }

    /// Claims of the type `claims` were asked for where no layer can have put them.
    pub(crate) fn missing_layer(claims: &'static str) -> Self {
        Self::with_source(AuthErrorKind::Misconfigured, MissingLayer { claims })
    }

    /// The sort of this error.
    #[must_use]
    pub const fn kind(&self) -> AuthErrorKind {
        self.kind
    }

    /// The `detail` of the JSON body, for people: that of the kind, or which layer is missing.
    #[must_use]
    pub fn detail(&self) -> Cow<'static, str> {
        match self.source().and_then(|source| source.downcast_ref()) {
            Some(missing @ MissingLayer { .. }) => missing.to_string().into(),
            None => self.kind.detail().into(),
        }
    }

    /// The scopes that were required, separated by spaces, for
    /// [`InsufficientScope`](AuthErrorKind::InsufficientScope).
    #[must_use]
    pub fn required_scope(&self) -> Option<&str> {
        match self.details.as_deref() {
            Some(Details::RequiredScope(scope)) => Some(scope),
            Some(Details::Source(_)) | None => None,
        }
    }

    /// How long the client should wait before it tries again, for the kinds answered with `503`.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            AuthErrorKind::Unavailable | AuthErrorKind::Overloaded => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// The `WWW-Authenticate` value of [RFC 6750 section 3] for this error.
    ///
    /// A `realm` with anything but visible ASCII without quotes and backslashes is replaced by
    /// `api`; the layer refuses such a realm when it is built. Scopes like that are left out.
    ///
    /// [RFC 6750 section 3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
    #[must_use]
    pub fn challenge(&self, realm: &str) -> HeaderValue {
        // What may stand in a scope (RFC 6750 section 3), and a blank between two.
        let quotable = |text: &str| {
            text.bytes().all(|byte| matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~'))
        };
        let realm = if quotable(realm) { realm } else { "api" };
        let mut value = ["Bearer realm=\"", realm, "\"", "", "", "", "", "", "", "", ""];
        if let Some(error) = self.kind.challenge_error() {
            let description = self.kind.description();
            value[3..8].copy_from_slice(&[
                ", error=\"",
                error,
                "\", error_description=\"",
                description,
                "\"",
            ]);
        }
        if let Some(scope) = self.required_scope().filter(|scope| quotable(scope)) {
            value[8..].copy_from_slice(&[", scope=\"", scope, "\""]);
        }
        // Of exactly its length, which spares a header value another allocation.
        let value = value.concat();
        HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("Bearer realm=\"api\""))
    }
}

impl From<AuthErrorKind> for AuthError {
    fn from(kind: AuthErrorKind) -> Self {
        Self { kind, details: None }
    }
}

impl fmt::Debug for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthError").field("kind", &self.kind).finish_non_exhaustive()
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.description())
    }
}

impl Error for AuthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.details.as_deref() {
            Some(Details::Source(source)) => Some(&**source),
            Some(Details::RequiredScope(_)) | None => None,
        }
    }
}

/// The bug of an application that asks for claims without having them looked for.
#[derive(Debug)]
struct MissingLayer {
    claims: &'static str,
}

impl fmt::Display for MissingLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let claims = self.claims;
        write!(f, "Claims<{claims}> need a JwtAuthLayer<{claims}> around this route.")
    }
}

impl Error for MissingLayer {}
