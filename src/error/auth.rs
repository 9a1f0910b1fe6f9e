use std::{error::Error, fmt, sync::Arc, time::Duration};

use http::HeaderValue;

use super::{details::ErrorDetails, kind::AuthErrorKind};

/// Why a request was rejected.
///
/// The methods name what failed: the [kind](Self::kind), the claim or header
/// [member](Self::member), the [rule](Self::rule) and the [setting](Self::setting) that determines
/// it. [`source`](Error::source) is the cause, for example the error of a store.
///
/// ```
/// use tower_jwt_auth::{Algorithm, AuthErrorKind, SigningKey, Verifier, Issuer};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::generate(Algorithm::ES256)?;
/// let issuer = Issuer::builder(key.clone()).audience("web").build()?;
/// let tokens = issuer.login(&tower_jwt_auth::user::User::new(1, Default::default())).await?;
///
/// let verifier: Verifier = Verifier::builder(key).audience("api").build()?;
/// let error = verifier.verify(tokens.access()).unwrap_err();
/// assert_eq!(error.kind(), AuthErrorKind::WrongAudience);
/// assert_eq!(error.member(), Some("aud"));
/// assert_eq!(error.rule(), Some("expected api"));
/// assert_eq!(error.setting(), Some("audience"));
/// assert_eq!(error.to_string(), "the token is intended for another audience (aud: expected api)");
/// # Ok(())
/// # }
/// ```
///
/// The response to a rejected request has the `AuthError` in its extensions, for logs and metrics.
/// The error never contains the token or the value of a claim, with one exception: an issuer that
/// differs from a configured one by a trailing slash is named in the rule.
///
/// The error is for operators: its message may name settings. Responses have only the fixed strings
/// of the kind: [`code`](AuthErrorKind::code), [`detail`](AuthErrorKind::detail) and the
/// [challenge](Self::challenge).
#[derive(Clone)]
pub struct AuthError {
    kind: AuthErrorKind,
    /// Behind one pointer: few errors have details, and errors are moved often.
    details: Option<Arc<ErrorDetails>>,
}

impl AuthError {
    pub(crate) fn with_source(
        kind: AuthErrorKind,
        source: impl Error + Send + Sync + 'static,
    ) -> Self {
        let source = Some(Box::new(source) as _);
        Self::with_details(kind, ErrorDetails { source, ..ErrorDetails::default() })
    }

    pub(crate) fn with_details(kind: AuthErrorKind, details: ErrorDetails) -> Self {
        Self { kind, details: Some(Arc::new(details)) }
    }

    pub(crate) fn insufficient_scope(required: Arc<str>) -> Self {
        let details = ErrorDetails { required_scope: Some(required), ..ErrorDetails::default() };
        Self::with_details(AuthErrorKind::InsufficientScope, details)
    }

    /// The client must wait for `retry_after` before the next attempt.
    #[cfg(feature = "throttle")]
    pub(crate) fn throttled(retry_after: Duration) -> Self {
        let details = ErrorDetails { retry_after: Some(retry_after), ..ErrorDetails::default() };
        Self::with_details(AuthErrorKind::Throttled, details)
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

    /// The name of the claim or header member that violates the [rule](Self::rule), such as `aud`.
    #[must_use]
    pub fn member(&self) -> Option<&str> {
        self.details().and_then(|details| details.member.as_deref()).or(self.kind.member())
    }

    /// The rule that the token violates: a constant, or made from the configuration, such as
    /// `expected api`.
    #[must_use]
    pub fn rule(&self) -> Option<&str> {
        self.details().and_then(|details| details.rule.as_deref()).or(self.kind.rule())
    }

    /// The setting that determines the [rule](Self::rule), such as `audience`.
    #[must_use]
    pub fn setting(&self) -> Option<&'static str> {
        self.details().and_then(|details| details.setting).or(self.kind.setting())
    }

    /// The `kid` in the header of a token of the kind [`UnknownKey`](AuthErrorKind::UnknownKey).
    ///
    /// Anybody can write any `kid` into a token. At most 64 characters are kept, and all but visible
    /// ASCII characters are escaped.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.details()?.key_id.as_deref()
    }

    /// The number of keys that were present, for an error of the kind
    /// [`UnknownKey`](AuthErrorKind::UnknownKey).
    #[must_use]
    pub fn key_count(&self) -> Option<usize> {
        self.details()?.key_count
    }

    /// The required scopes, separated by spaces, of an error of the kind
    /// [`InsufficientScope`](AuthErrorKind::InsufficientScope).
    #[must_use]
    pub fn required_scope(&self) -> Option<&str> {
        self.details()?.required_scope.as_deref()
    }

    /// The nonce that the next DPoP proof must have: the value of the response header `DPoP-Nonce`
    /// ([RFC 9449 section 9]).
    ///
    /// [RFC 9449 section 9]: https://www.rfc-editor.org/rfc/rfc9449#section-9
    #[must_use]
    pub fn dpop_nonce(&self) -> Option<&str> {
        self.details()?.dpop_nonce.as_deref()
    }

    fn details(&self) -> Option<&ErrorDetails> {
        self.details.as_deref()
    }

    /// How long the client should wait before it tries again, in whole seconds. `None` for kinds
    /// whose [status](AuthErrorKind::status) is neither `429` nor `503`.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self.kind {
            AuthErrorKind::Unavailable | AuthErrorKind::Overloaded => Some(Duration::from_secs(1)),
            AuthErrorKind::Throttled => {
                let wait = self.details().and_then(|details| details.retry_after);
                Some(wait.unwrap_or(Duration::from_secs(1)))
            }
            _ => None,
        }
    }

    /// The value of the `WWW-Authenticate` header for this error ([RFC 6750 section 3]). Its scheme is
    /// `Bearer`, or `DPoP` for an error of a DPoP proof.
    ///
    /// The realm is replaced by `api` if it contains a quote, a backslash, or anything but visible
    /// ASCII characters and spaces. A scope with such characters is left out.
    ///
    /// [RFC 6750 section 3]: https://www.rfc-editor.org/rfc/rfc6750#section-3
    #[must_use]
    pub fn challenge(&self, realm: &str) -> HeaderValue {
        let scheme = if self.kind.is_dpop_error() { "DPoP" } else { "Bearer" };
        self.challenge_with(&ChallengeParameters {
            scheme,
            realm,
            ..ChallengeParameters::default()
        })
    }

    pub(crate) fn challenge_with(&self, parameters: &ChallengeParameters<'_>) -> HeaderValue {
        let realm = Some(parameters.realm).filter(|realm| is_quotable(realm)).unwrap_or("api");
        let scope = self.required_scope().or(parameters.scope).filter(|scope| is_quotable(scope));
        let error = self.kind.challenge_error();
        let description = error.map(|_| self.kind.challenge_description());
        let optional = [
            (", algs=\"", parameters.algs),
            (", error=\"", error),
            (", error_description=\"", description),
            (", scope=\"", scope),
            (", resource_metadata=\"", parameters.resource_metadata),
        ];
        let step_up = self.details().and_then(|details| details.step_up.as_deref());
        let mut value = [""; 20];
        value[..4].copy_from_slice(&[parameters.scheme, " realm=\"", realm, "\""]);
        value[19] = step_up.unwrap_or_default();
        for (parts, (name, optional)) in value[4..].chunks_exact_mut(3).zip(optional) {
            if let Some(optional) = optional {
                parts.copy_from_slice(&[name, optional, "\""]);
            }
        }
        // `concat` allocates exactly as much as needed, which a header value takes over.
        HeaderValue::try_from(value.concat())
            .unwrap_or(HeaderValue::from_static("Bearer realm=\"api\""))
    }
}

/// The parameters of a challenge that depend on the layer, not on the error.
#[derive(Clone, Copy, Default)]
pub(crate) struct ChallengeParameters<'a> {
    pub(crate) scheme: &'a str,
    pub(crate) realm: &'a str,
    /// The algorithms of proofs, for the scheme `DPoP` (RFC 9449 section 7.1).
    pub(crate) algs: Option<&'a str>,
    /// The scope that every request requires.
    pub(crate) scope: Option<&'a str>,
    /// The URL of the metadata of the protected resource (RFC 9728 section 5.1).
    pub(crate) resource_metadata: Option<&'a str>,
}

/// Whether `string` is a scope token (RFC 6749 section 3.3).
pub(crate) fn is_scope_token(string: &str) -> bool {
    !string.is_empty() && !string.contains(' ') && is_quotable(string)
}

/// Whether a quoted string of a challenge can hold `string` as it is.
fn is_quotable(string: &str) -> bool {
    string.bytes().all(|byte| matches!(byte, b' ' | b'!' | b'#'..=b'[' | b']'..=b'~'))
}

impl From<AuthErrorKind> for AuthError {
    fn from(kind: AuthErrorKind) -> Self {
        Self { kind, details: None }
    }
}

impl fmt::Debug for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("AuthError");
        debug.field("kind", &self.kind);
        let fields =
            [("member", self.member()), ("rule", self.rule()), ("setting", self.setting())];
        for (name, value) in fields {
            if let Some(value) = value {
                debug.field(name, &value);
            }
        }
        debug.finish_non_exhaustive()
    }
}

impl fmt::Display for AuthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.kind.description())?;
        let details = self.details();
        let member = details.and_then(|details| details.member.as_deref());
        match (member, details.and_then(|details| details.rule.as_deref())) {
            (Some(member), Some(rule)) => write!(f, " ({member}: {rule})"),
            (Some(only), None) | (None, Some(only)) => write!(f, " ({only})"),
            (None, None) => Ok(()),
        }
    }
}

impl Error for AuthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.details()?.source.as_deref().map(|source| source as _)
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
