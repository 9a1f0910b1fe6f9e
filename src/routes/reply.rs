//! The answers of the token routes.

use std::iter;

use axum::{body::Body, response::Response};
use http::{
    HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE},
};
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, json};

use crate::{
    check::DEFAULT_REALM,
    error::AuthError,
    rejection::{JsonRejection, respond},
    user::FieldErrors,
};

/// What a login or a refresh answers: each token by the name of its member, and what the
/// application adds, which cannot replace them.
pub(super) struct TokenAnswer<'a> {
    pub(super) access: (&'a str, &'a str),
    pub(super) refresh: Option<(&'a str, &'a str)>,
    pub(super) extras: Map<String, Value>,
}

impl TokenAnswer<'_> {
    fn tokens(&self) -> impl Iterator<Item = (&str, &str)> {
        iter::once(self.access).chain(self.refresh)
    }
}

impl Serialize for TokenAnswer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, token) in self.tokens() {
            map.serialize_entry(name, token)?;
        }
        for (name, value) in &self.extras {
            if self.tokens().all(|(token, _)| token != name) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

pub(super) fn ok(body: &impl Serialize) -> Response {
    json_response(StatusCode::OK, body)
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

pub(super) fn json_response(status: StatusCode, body: &impl Serialize) -> Response {
    let body = serde_json::to_vec(body).expect("members are text or JSON already");
    let mut response = Response::new(Body::from(body));
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
