//! The responses of all routes.

use axum::{body::Body, response::Response};
use http::{
    HeaderValue, StatusCode,
    header::{ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_TYPE},
};
use serde::Serialize;
use serde_json::json;

pub(super) fn ok(body: &impl Serialize) -> Response {
    json_response(StatusCode::OK, body)
}

pub(super) fn method_not_allowed() -> Response {
    // axum adds the `Allow` header to the response of a fallback.
    problem(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "This method is not allowed.")
}

pub(super) fn problem(status: StatusCode, code: &str, detail: &str) -> Response {
    json_response(status, &json!({ "detail": detail, "code": code }))
}

pub(super) fn json_response(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).expect("the members are strings or JSON values");
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    uncached(response)
}

/// RFC 6749 section 5.1 requires `no-store` for responses with tokens.
pub(super) fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// RFC 9110 section 15.5.16: a `415` because of a content coding lists the supported ones.
pub(super) fn accepting_no_coding(mut response: Response) -> Response {
    response.headers_mut().insert(ACCEPT_ENCODING, HeaderValue::from_static("identity"));
    response
}
