//! The parameters of a request, and what is wrong with them.

use axum::{extract::Request, response::Response};
use http::{HeaderValue, StatusCode, header::RETRY_AFTER};
use serde_json::json;

use crate::error::AuthError;

use super::super::{
    body::{self, BodyError},
    reply::json_response,
};

const LIMIT: usize = 16 * 1024;

/// The parameter `token` of the form in the request's body.
pub(super) async fn token(request: Request) -> Result<String, Response> {
    let body = body::collect(request, "application/x-www-form-urlencoded", LIMIT).await;
    let body = body.map_err(|error| match error {
        BodyError::MediaType => invalid_request(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "The request body must be application/x-www-form-urlencoded.",
        ),
        BodyError::TooLarge => {
            invalid_request(StatusCode::PAYLOAD_TOO_LARGE, "The request body is too large.")
        }
        BodyError::Unreadable => {
            invalid_request(StatusCode::BAD_REQUEST, "The request body could not be read.")
        }
    })?;
    let parameters: Vec<_> = form_urlencoded::parse(&body).collect();
    // RFC 6749 section 3.2: none more than once, and one without a value counts as left out.
    let mut names: Vec<_> = parameters.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return Err(invalid_request(StatusCode::BAD_REQUEST, "A parameter stands twice."));
    }
    let token = parameters.into_iter().find(|(name, value)| name == "token" && !value.is_empty());
    let token = token.map(|(_, token)| token.into_owned());
    token.ok_or_else(|| invalid_request(StatusCode::BAD_REQUEST, "The parameter token is missing."))
}

/// RFC 6749 section 5.2, to which both RFCs refer.
fn invalid_request(status: StatusCode, description: &str) -> Response {
    let body = json!({ "error": "invalid_request", "error_description": description });
    json_response(status, &body)
}

/// RFC 7009 section 2.2.1: the token must be assumed to exist still.
pub(super) fn unavailable(error: &AuthError) -> Response {
    let body = json!({
        "error": "temporarily_unavailable",
        "error_description": error.kind().detail(),
    });
    let mut response = json_response(StatusCode::SERVICE_UNAVAILABLE, &body);
    if let Some(wait) = error.retry_after() {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(wait.as_secs()));
    }
    response
}
