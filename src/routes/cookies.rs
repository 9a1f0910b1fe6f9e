//! Cookies in requests and responses.

use axum::response::Response;
use http::{
    HeaderMap, HeaderValue,
    header::{AUTHORIZATION, SET_COOKIE},
};

/// Whether the session cookies of a request are read. If it has an `Authorization` header, that alone
/// decides, and the cookies are neither read nor cleared.
pub(crate) fn are_read(headers: &HeaderMap) -> bool {
    !headers.contains_key(AUTHORIZATION)
}

/// Adds `Set-Cookie` headers to `response`.
pub(crate) fn with_cookies(
    mut response: Response,
    cookies: impl IntoIterator<Item = HeaderValue>,
) -> Response {
    for cookie in cookies {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
