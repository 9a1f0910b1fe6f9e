//! The parameters of a request, and the responses that reject it.

use axum::{extract::Request, response::Response};
use http::StatusCode;
use serde_json::json;

use super::super::{
    body::{BodyError, BodyLimits},
    response::{accepting_no_coding, json_response},
};

/// Reads the parameter `token` of the form in the request's body.
pub(super) async fn token(request: Request, limits: &BodyLimits) -> Result<String, Response> {
    let body = limits.read_as("application/x-www-form-urlencoded", request).await;
    let body = body.map_err(|error| match error {
        BodyError::MediaType => invalid_request(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The request body must be application/x-www-form-urlencoded, in UTF-8.",
        ),
        BodyError::RepeatedMediaType => {
            invalid_request(StatusCode::BAD_REQUEST, "The request has several media types.")
        }
        BodyError::Encoded => accepting_no_coding(invalid_request(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The request body must not be compressed.",
        )),
        BodyError::TooLarge => {
            invalid_request(StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large.")
        }
        BodyError::Timeout => invalid_request(
            StatusCode::REQUEST_TIMEOUT,
            "The request body was not received in time.",
        ),
        BodyError::Connection => {
            invalid_request(StatusCode::BAD_REQUEST, "The request body could not be read.")
        }
    })?;
    let parameters: Vec<_> = form_urlencoded::parse(&body).collect();
    // RFC 6749 section 3.2: no parameter may be repeated, and one without a value counts as missing.
    let mut names: Vec<_> = parameters.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(invalid_request(StatusCode::BAD_REQUEST, "A parameter is repeated."));
    }
    let token = parameters.into_iter().find(|(name, value)| name == "token" && !value.is_empty());
    let token = token.map(|(_, token)| token.into_owned());
    token.ok_or_else(|| invalid_request(StatusCode::BAD_REQUEST, "The parameter token is missing."))
}

fn invalid_request(status: StatusCode, description: &str) -> Response {
    error_response(status, "invalid_request", description)
}

/// An error response with the status `400`.
pub(super) fn error(code: &str, description: &str) -> Response {
    error_response(StatusCode::BAD_REQUEST, code, description)
}

/// RFC 6749 section 5.2, to which RFC 7662 and RFC 7009 refer.
fn error_response(status: StatusCode, code: &str, description: &str) -> Response {
    json_response(status, &json!({ "error": code, "error_description": description }))
}
