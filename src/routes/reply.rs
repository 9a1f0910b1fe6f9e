//! The answers of the token routes.

use axum::{body::Body, response::Response};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde_json::{Map, Value, json};

use crate::{
    check::DEFAULT_REALM,
    error::AuthError,
    rejection::{JsonRejection, respond},
    user::FieldErrors,
};

pub(super) fn ok(members: Map<String, Value>) -> Response {
    json_response(StatusCode::OK, &members.into())
}

pub(super) fn refused(error: AuthError) -> Response {
    uncached(respond(&JsonRejection, error, DEFAULT_REALM))
}

pub(super) fn invalid_fields(errors: &FieldErrors) -> Response {
    let body = json!({
        "detail": "Some fields are missing or invalid.",
        "code": "invalid_body",
        "errors": errors,
    });
    json_response(StatusCode::BAD_REQUEST, &body)
}

pub(super) fn invalid_body(detail: &str) -> Response {
    problem(StatusCode::BAD_REQUEST, "invalid_body", detail)
}

pub(super) fn too_large() -> Response {
    let detail = "The request body is too large.";
    problem(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

pub(super) fn unsupported_media_type() -> Response {
    let detail = "The request body must be application/json.";
    problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
}

pub(super) fn method_not_allowed() -> Response {
    // axum adds the `Allow` header to what a fallback answers.
    let detail = "This method is not allowed.";
    problem(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", detail)
}

fn problem(status: StatusCode, code: &str, detail: &str) -> Response {
    json_response(status, &json!({ "detail": detail, "code": code }))
}

pub(super) fn json_response(status: StatusCode, body: &Value) -> Response {
    let mut response = Response::new(Body::from(body.to_string()));
    *response.status_mut() = status;
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(CONTENT_TYPE, json);
    uncached(response)
}

/// RFC 6749 section 5.1.
pub(super) fn uncached(mut response: Response) -> Response {
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
