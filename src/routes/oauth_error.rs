//! The error responses of [RFC 6749 section 5.2], to which RFC 7662 and RFC 7009 refer.
//!
//! [RFC 6749 section 5.2]: https://www.rfc-editor.org/rfc/rfc6749#section-5.2

use http::StatusCode;
use serde_json::{Value, json};

use super::{
    rejection::RouteRejection, request_error::RequestErrorKind, response::json_response,
    route_error::RouteError,
};

/// Makes these responses.
pub(super) fn rejection() -> RouteRejection {
    RouteRejection::new(|error| {
        let (status, body) = oauth_error(error);
        json_response(status, &body)
    })
}

/// The status and the body of the response to a request rejected because of `error`.
pub(crate) fn oauth_error(error: &RouteError) -> (StatusCode, Value) {
    let status = error.status();
    let (status, code) = match error {
        // RFC 9449 sections 5 and 8.
        RouteError::Auth(auth) if auth.kind().is_dpop_error() => {
            (StatusCode::BAD_REQUEST, error.code())
        }
        // The user could not be authenticated: the client is not at fault.
        RouteError::Auth(_) if status == StatusCode::UNAUTHORIZED => {
            (StatusCode::BAD_REQUEST, "invalid_grant")
        }
        RouteError::Auth(_) if status == StatusCode::INTERNAL_SERVER_ERROR => {
            (status, "server_error")
        }
        // RFC 7009 section 2.2.1: after a `503`, the client must assume that the token exists.
        RouteError::Auth(_) => (status, "temporarily_unavailable"),
        RouteError::SecondFactorRequired(_) => (StatusCode::BAD_REQUEST, error.code()),
        RouteError::Request(error) => match error.kind() {
            kind @ (RequestErrorKind::UnsupportedTokenType
            | RequestErrorKind::UnsupportedGrantType) => (status, kind.code()),
            _ => (status, "invalid_request"),
        },
    };
    let mut body = json!({ "error": code, "error_description": error.detail() });
    if let RouteError::SecondFactorRequired(step) = error {
        body["step"] = step.token().into();
    }
    (status, body)
}
