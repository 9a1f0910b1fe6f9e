//! Answers that a client may have already.

use aws_lc_rs::digest::{SHA256, digest};
use axum::{body::Body, response::Response};
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use http::{
    HeaderMap, HeaderValue, StatusCode,
    header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
};

/// Answers with `text`, or with `304` to who names it in `If-None-Match`
/// ([RFC 9110 section 13.1.2](https://www.rfc-editor.org/rfc/rfc9110#section-13.1.2)).
pub(super) fn answer(
    asked: &HeaderMap,
    media_type: &'static str,
    cache_control: &HeaderValue,
    text: String,
) -> Response {
    let tag = format!("\"{}\"", BASE64URL.encode_to_string(digest(&SHA256, text.as_bytes())));
    let mut response = if names(asked, &tag) {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response
    } else {
        let mut response = Response::new(Body::from(text));
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        response
    };
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, cache_control.clone());
    if let Ok(tag) = HeaderValue::try_from(tag) {
        headers.insert(ETAG, tag);
    }
    response
}

/// Whether one of the tags is this one. No comma stands in it, so others may be cut at theirs.
fn names(asked: &HeaderMap, tag: &str) -> bool {
    let lines = asked.get_all(IF_NONE_MATCH).iter().filter_map(|line| line.to_str().ok());
    lines
        .flat_map(|line| line.split(','))
        .map(str::trim)
        .any(|asked| asked == "*" || asked.strip_prefix("W/").unwrap_or(asked) == tag)
}
