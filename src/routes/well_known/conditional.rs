//! Conditional requests ([RFC 9110 section 13](https://www.rfc-editor.org/rfc/rfc9110#section-13)).

use aws_lc_rs::digest::{SHA256, digest};
use axum::{body::Body, response::Response};
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};

/// Responds with `body`, or with `304` if the client has it already.
pub(super) fn respond(
    request_headers: &HeaderMap,
    media_type: &'static str,
    cache_control: &HeaderValue,
    body: String,
) -> Response {
    let etag = format!("\"{}\"", BASE64URL.encode_to_string(digest(&SHA256, body.as_bytes())));
    let mut response = if if_none_match_has(request_headers, &etag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::from(body));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        response
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, cache_control.clone());
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(ETAG, etag);
    }
    response
}

/// Whether `If-None-Match` lists `etag`. Splitting at each comma is correct here, because our tags
/// contain none: a part of another tag never equals one of ours.
fn if_none_match_has(headers: &HeaderMap, etag: &str) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    values
        .flat_map(|value| value.split(','))
        .map(str::trim)
        .any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag) == etag)
}
