use std::{error::Error, fmt, sync::Arc, time::Duration};

use http::HeaderValue;

use super::kind::AuthErrorKind;

/// Why a request was rejected.
///
/// Its message depends on the [kind](Self::kind) alone and contains neither the token nor a claim.
/// The response to a rejected request has the `AuthError` in its extensions, for logs and metrics.
#[derive(Clone)]
pub struct AuthError {
    kind: AuthErrorKind,
    /// Behind one pointer: few errors have details, and errors are moved often.
    details: Option<Arc<Details>>,
}

enum Details {
    RequiredScope(Arc<str>),
    Source(Box<dyn Error + Send + Sync>),
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

    /// A handler or guard needs a value of the type `needed`, and no `layer` has provided one.
    pub(crate) fn missing_layer(needed: &'static str, layer: &'static str) -> Self {
        Self::with_source(AuthErrorKind::Misconfigured, MissingLayer { needed, layer })
    }

    /// The kind of this error.
    #[must_use]
    pub const fn kind(&self) -> AuthErrorKind {
        self.kind
    }

    /// The required scopes, separated by spaces, of an error of the kind
    /// [`InsufficientScope`](AuthErrorKind::InsufficientScope).
    #[must_use]
    pub fn required_scope(&self) -> Option<&str> {
        match self.details.as_deref() {
            Some(Details::RequiredScope(scope)) => Some(scope),
            Some(Details::Source(_)) | None => None,
        }
    }

    /// How long the client should wait before it tries again, in whole seconds. `None` for kinds
    /// whose [status](AuthErrorKind::status) is not `503`.
    #[must_use]
    pub const fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            AuthErrorKind::Unavailable | AuthErrorKind::Overloaded => Some(Duration::from_secs(1)),
            _ => None,
        }
    }

    /// The value of the `WWW-Authenticate` header for this error ([RFC 6750 section 3]).
    ///
    /// The realm is replaced by `api` if it contains a quote, a backslash, or anything but visible
    /// ASCII characters and spaces. A scope with such characters is left out.
    ///
    /// [RFC 6750 section 3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
    #[must_use]
    pub fn challenge(&self, realm: &str) -> HeaderValue {
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
        // `concat` allocates exactly as much as needed, which a header value takes over.
        HeaderValue::try_from(value.concat())
            .unwrap_or(HeaderValue::from_static("Bearer realm=\"api\""))
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

#[derive(Debug)]
struct MissingLayer {
    needed: &'static str,
    layer: &'static str,
}

impl fmt::Display for MissingLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { needed, layer } = self;
        write!(f, "{needed} requires a {layer} around its route")
    }
}

impl Error for MissingLayer {}
