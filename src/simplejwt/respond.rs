//! A [`SimpleJwtError`] as a response.

use axum::response::IntoResponse;
use http::{
    HeaderValue, Response, StatusCode,
    header::{CONTENT_TYPE, RETRY_AFTER, VARY, WWW_AUTHENTICATE},
};

use crate::rejection::record;

use super::error::SimpleJwtError;

/// The response to a rejected request. A `401` gets `challenge`.
pub(super) fn respond<B: From<String>>(
    rejected: &SimpleJwtError,
    challenge: &HeaderValue,
) -> Response<B> {
    let error = rejected.auth_error();
    let status = rejected.status();
    record(&error);
    let mut response = json_response(status, rejected.to_json());
    let headers = response.headers_mut();
    if status == StatusCode::UNAUTHORIZED {
        headers.insert(WWW_AUTHENTICATE, challenge.clone());
    }
    if let Some(wait) = error.retry_after() {
        headers.insert(RETRY_AFTER, wait.as_secs().into());
    }
    response.extensions_mut().insert(error);
    response
}

/// A response as Django REST framework's JSON renderer makes it.
pub(super) fn json_response<B: From<String>>(status: StatusCode, json: String) -> Response<B> {
    let mut response = Response::new(json.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    response
}

impl IntoResponse for SimpleJwtError {
    fn into_response(self) -> axum::response::Response {
        let bearer = HeaderValue::from_static(r#"Bearer realm="api""#);
        respond(&self, self.challenge().unwrap_or(&bearer))
    }
}
