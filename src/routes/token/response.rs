//! The responses of the token routes.

use std::iter;

use axum::response::Response;
use http::StatusCode;
use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value, json};

use crate::{
    error::AuthError,
    rejection::{DEFAULT_REALM, JsonRejection, respond},
    user::FieldErrors,
};

use super::super::response::{accepting_no_coding, json_response, problem, uncached};

/// The body of a login or a refresh: each token with its member name, and the members that the
/// application adds. Those cannot replace the tokens.
pub(super) struct TokenResponse<'a> {
    pub(super) access: (&'a str, &'a str),
    pub(super) refresh: Option<(&'a str, &'a str)>,
    pub(super) extras: Map<String, Value>,
}

impl TokenResponse<'_> {
    fn tokens(&self) -> impl Iterator<Item = (&str, &str)> {
        iter::once(self.access).chain(self.refresh)
    }
}

impl Serialize for TokenResponse<'_> {
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

pub(super) fn rejected(error: AuthError) -> Response {
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

pub(super) fn timed_out() -> Response {
    let detail = "The request body was not received in time.";
    problem(StatusCode::REQUEST_TIMEOUT, "body_timeout", detail)
}

pub(super) fn too_large() -> Response {
    let detail = "The request body is too large.";
    problem(StatusCode::PAYLOAD_TOO_LARGE, "body_too_large", detail)
}

pub(super) fn unsupported_media_type() -> Response {
    let detail = "The request body must be application/json, in UTF-8.";
    problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", detail)
}

pub(super) fn unsupported_encoding() -> Response {
    let detail = "The request body must not be compressed.";
    let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
    accepting_no_coding(problem(status, "unsupported_media_type", detail))
}
