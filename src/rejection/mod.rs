//! What a refused request is answered with.

mod grpc;

use std::{borrow::Cow, sync::Arc};

use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use serde::Serialize;

use crate::{
    error::{AuthError, AuthErrorKind},
    trace::{debug, error, warn},
};

pub use grpc::GrpcRejection;

/// Turns an [`AuthError`] into a response of the inner service's body type.
///
/// Implemented by [`JsonRejection`], [`EmptyRejection`] and [`GrpcRejection`], and by closures:
///
/// ```
/// use http::Response;
/// use tower_jwt_auth::{AuthError, JwtAuthLayer, SigningKey, Verifier, token::KeySet};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let keys = KeySet::from(SigningKey::generate(tower_jwt_auth::Algorithm::HS256)?);
/// # let verifier: Verifier = Verifier::builder(keys).build()?;
/// let layer = JwtAuthLayer::new(verifier).with_rejection(|error: &AuthError| {
///     let mut response = Response::new(format!("refused: {error}"));
///     *response.status_mut() = error.kind().status();
///     response
/// });
/// # Ok(())
/// # }
/// ```
///
/// Whatever it returns is completed: with the `WWW-Authenticate` challenge of [RFC 6750] and with
/// `Retry-After` where they are due and missing, and with the error in the extensions.
///
/// [RFC 6750]: https://www.rfc-editor.org/rfc/rfc6750#section-3
pub trait Rejection<B> {
    /// The response to a request that was refused because of `error`.
    fn reject(&self, error: &AuthError) -> Response<B>;
}

impl<F, B> Rejection<B> for F
where
    F: Fn(&AuthError) -> Response<B>,
{
    fn reject(&self, error: &AuthError) -> Response<B> {
        self(error)
    }
}

/// Answers with JSON: `{"detail": "…", "code": "…"}`. The default.
///
/// The codes are those of [`AuthErrorKind::code`](crate::AuthErrorKind::code).
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonRejection;

impl<B: From<String>> Rejection<B> for JsonRejection {
    fn reject(&self, error: &AuthError) -> Response<B> {
        let kind = error.kind();
        let body = match error.detail() {
            // The texts of the kinds need no escapes.
            Cow::Borrowed(detail) => {
                ["{\"detail\":\"", detail, "\",\"code\":\"", kind.code(), "\"}"].concat()
            }
            Cow::Owned(detail) => {
                serde_json::to_string(&Body { detail: &detail, code: kind.code() })
                    .unwrap_or_default()
            }
        };
        let mut response = Response::new(body.into());
        *response.status_mut() = kind.status();
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        response
    }
}

#[derive(Serialize)]
struct Body<'a> {
    detail: &'a str,
    code: &'a str,
}

/// Answers with an empty body, for any body type that has a default.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyRejection;

impl<B: Default> Rejection<B> for EmptyRejection {
    fn reject(&self, error: &AuthError) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = error.kind().status();
        response
    }
}

/// The challenges of one realm, those ready that whoever sends a request can provoke at will.
#[derive(Clone)]
pub(crate) struct Challenges {
    realm: Arc<str>,
    ready: Arc<[(AuthErrorKind, HeaderValue)]>,
}

impl Challenges {
    pub(crate) fn new(realm: Arc<str>) -> Self {
        const FREQUENT: [AuthErrorKind; 7] = [
            AuthErrorKind::MissingCredentials,
            AuthErrorKind::InvalidRequest,
            AuthErrorKind::Malformed,
            AuthErrorKind::InvalidSignature,
            AuthErrorKind::Expired,
            AuthErrorKind::UnknownKey,
            AuthErrorKind::Revoked,
        ];
        let ready =
            FREQUENT.into_iter().map(|kind| (kind, AuthError::from(kind).challenge(&realm)));
        Self { ready: ready.collect(), realm }
    }

    pub(crate) fn realm(&self) -> &str {
        &self.realm
    }

    pub(crate) fn of(&self, error: &AuthError) -> HeaderValue {
        match self.ready.iter().find(|(kind, _)| *kind == error.kind()) {
            Some((_, challenge)) => challenge.clone(),
            None => error.challenge(&self.realm),
        }
    }
}

/// The complete response to a request refused because of `error`, outside any layer.
pub(crate) fn respond<B>(
    rejection: &impl Rejection<B>,
    error: AuthError,
    realm: &str,
) -> Response<B> {
    respond_with(rejection, error, |error| error.challenge(realm))
}

/// The complete response to a request refused because of `error`.
pub(crate) fn respond_with<B>(
    rejection: &impl Rejection<B>,
    error: AuthError,
    challenge: impl FnOnce(&AuthError) -> HeaderValue,
) -> Response<B> {
    let kind = error.kind();
    if kind == AuthErrorKind::Misconfigured {
        // The detail may name the layer that is missing.
        error!(detail = %error.detail(), "request failed");
    } else if error.retry_after().is_some() {
        warn!(?kind, "request shed");
    } else {
        debug!(?kind, "request refused");
    }
    let mut response = rejection.reject(&error);
    let is_due = kind.status() == StatusCode::UNAUTHORIZED || kind.challenge_error().is_some();
    if is_due && !response.headers().contains_key(WWW_AUTHENTICATE) {
        response.headers_mut().insert(WWW_AUTHENTICATE, challenge(&error));
    }
    if let Some(wait) = error.retry_after() {
        response
            .headers_mut()
            .entry(RETRY_AFTER)
            .or_insert_with(|| HeaderValue::from(wait.as_secs()));
    }
    response.extensions_mut().insert(error);
    response
}
