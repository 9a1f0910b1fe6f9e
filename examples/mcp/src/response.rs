//! Responses to rejected requests.

use axum::{
    Json,
    http::{
        StatusCode,
        header::{CONTENT_LENGTH, CONTENT_TYPE},
    },
    response::{IntoResponse, Response},
};
use serde_json::json;

/// A response with a JSON body.
pub(crate) fn error(status: StatusCode, code: &str, detail: &str) -> Response {
    (status, Json(json!({ "detail": detail, "code": code }))).into_response()
}

/// Replaces the plain text of an error of rmcp with JSON. JSON-RPC errors stay what they are.
pub(crate) async fn errors_as_json(mut response: Response) -> Response {
    let status = response.status();
    let is_error = status.is_client_error() || status.is_server_error();
    let is_json = response.headers().get(CONTENT_TYPE).is_some_and(|it| it == "application/json");
    if !is_error || is_json {
        return response;
    }
    let (code, detail) = match status {
        StatusCode::BAD_REQUEST => ("invalid_request", "The request is malformed."),
        StatusCode::FORBIDDEN => ("forbidden", "The host or the origin is not allowed."),
        StatusCode::METHOD_NOT_ALLOWED => ("method_not_allowed", "The method is not allowed."),
        StatusCode::NOT_ACCEPTABLE => {
            ("not_acceptable", "Accept must contain application/json and text/event-stream.")
        }
        StatusCode::UNSUPPORTED_MEDIA_TYPE => {
            ("unsupported_media_type", "The body must be application/json.")
        }
        _ => ("error", "The request failed."),
    };
    let headers = response.headers_mut();
    headers.remove(CONTENT_LENGTH);
    headers.remove(CONTENT_TYPE);
    (response.headers().clone(), error(status, code, detail)).into_response()
}
