//! The responses to rejected requests.

use std::sync::Arc;

use axum::{
    body::Body,
    response::{IntoResponse, Response},
};
use http::{HeaderValue, header::ACCEPT_ENCODING};
use serde_json::json;

use crate::{
    error::{AuthError, AuthErrorKind},
    rejection::{DEFAULT_REALM, JsonRejection, Rejection, respond},
};

use super::{
    request_error::{RequestError, RequestErrorKind},
    response::{json_response, uncached},
    route_error::RouteError,
};

/// Makes the responses to rejected requests: JSON, unless the application has set a function.
#[derive(Clone, Default)]
pub(crate) struct RouteRejection(Option<Arc<Custom>>);

type Custom = dyn Fn(&RouteError) -> Response + Send + Sync;

impl RouteRejection {
    pub(crate) fn new<T: IntoResponse>(
        rejection: impl Fn(&RouteError) -> T + Send + Sync + 'static,
    ) -> Self {
        Self(Some(Arc::new(move |error| rejection(error).into_response())))
    }

    /// Whether the application makes the responses.
    #[cfg(feature = "openapi")]
    pub(crate) const fn is_custom(&self) -> bool {
        self.0.is_some()
    }

    /// The complete response to a request rejected because of `error`.
    pub(crate) fn respond(&self, error: impl Into<RouteError>) -> Response {
        match error.into() {
            RouteError::Auth(error) => respond(self, error, DEFAULT_REALM),
            RouteError::Request(error) => self.respond_to_request(error),
            error @ RouteError::SecondFactorRequired(_) => {
                let rejection = |_: &AuthError| self.incomplete(&error);
                respond(&rejection, AuthErrorKind::SecondFactorRequired.into(), DEFAULT_REALM)
            }
        }
    }

    fn respond_to_request(&self, error: RequestError) -> Response {
        let kind = error.kind();
        let mut response = self.incomplete(&RouteError::Request(error.clone()));
        if kind == RequestErrorKind::UnsupportedEncoding {
            // RFC 9110 section 12.5.3: the header distinguishes this `415` from the others.
            let identity = HeaderValue::from_static("identity");
            response.headers_mut().insert(ACCEPT_ENCODING, identity);
        }
        response.extensions_mut().insert(error);
        response
    }

    /// axum adds the `Allow` header to the response of a fallback.
    pub(super) fn method_not_allowed(&self) -> Response {
        self.respond(RequestErrorKind::MethodNotAllowed)
    }

    /// A response without challenge, `Retry-After` and extensions.
    fn incomplete(&self, error: &RouteError) -> Response {
        uncached(match (&self.0, error) {
            (Some(custom), error) => custom(error),
            (None, RouteError::Auth(error)) => JsonRejection.reject(error),
            (None, RouteError::Request(error)) => json_of(error),
            (None, RouteError::SecondFactorRequired(step)) => {
                let body = json!({
                    "detail": error.detail(), "code": error.code(), "step": step.token(),
                });
                json_response(error.status(), &body)
            }
        })
    }
}

impl Rejection<Body> for RouteRejection {
    fn reject(&self, error: &AuthError) -> Response {
        self.incomplete(&RouteError::Auth(error.clone()))
    }
}

fn json_of(error: &RequestError) -> Response {
    let kind = error.kind();
    let mut body = json!({ "detail": error.detail(), "code": kind.code() });
    if let Some(errors) = error.field_errors() {
        body["errors"] = json!(errors);
    }
    json_response(kind.status(), &body)
}
