use std::{convert::Infallible, fmt};

use axum::response::{IntoResponseParts, ResponseParts};
use http::{
    HeaderValue,
    header::{CACHE_CONTROL, SET_COOKIE},
};

use crate::{
    clock::NumericDate,
    error::AuthError,
    issue::Tokens,
    transport::{NewCookies, SessionCookies},
};

/// `Set-Cookie` headers for a response: see [`SessionRoutes::cookies_for`].
///
/// [`SessionRoutes::cookies_for`]: super::SessionRoutes::cookies_for
#[derive(Clone)]
#[must_use]
pub struct SetCookies(pub(super) Vec<HeaderValue>);

impl SetCookies {
    /// The cookies that log a browser in with `tokens`.
    pub(crate) fn new(
        cookies: &SessionCookies,
        tokens: &Tokens,
        now: NumericDate,
    ) -> Result<Self, AuthError> {
        let refresh_max_age =
            tokens.refresh_expires_at().unwrap_or_default().saturating_duration_since(now);
        let cookies = cookies.set(&NewCookies {
            access: tokens.access(),
            access_max_age: tokens.access_expires_at().saturating_duration_since(now),
            refresh: tokens.refresh().map(|refresh| (refresh, refresh_max_age)),
            session_id: tokens.session_id(),
        })?;
        Ok(Self(cookies))
    }
}

impl IntoIterator for SetCookies {
    type Item = HeaderValue;
    type IntoIter = std::vec::IntoIter<HeaderValue>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

/// Adds the headers to those that the response has already, and `Cache-Control: no-store`.
impl IntoResponseParts for SetCookies {
    type Error = Infallible;

    fn into_response_parts(self, mut parts: ResponseParts) -> Result<ResponseParts, Infallible> {
        for cookie in self {
            parts.headers_mut().append(SET_COOKIE, cookie);
        }
        parts.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        Ok(parts)
    }
}

/// Hides the tokens.
impl fmt::Debug for SetCookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetCookies").finish_non_exhaustive()
    }
}
