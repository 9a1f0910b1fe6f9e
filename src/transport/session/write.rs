//! Writes `Set-Cookie` headers.

use std::{error::Error, fmt, time::Duration};

use cookie::{
    Cookie,
    time::{self, OffsetDateTime},
};
use http::HeaderValue;

use crate::error::{AuthError, AuthErrorKind};

/// Browsers need not keep longer cookies: [RFC 6265 section 6.1]. The length is that of the name, the
/// value and the attributes.
///
/// [RFC 6265 section 6.1]: https://www.rfc-editor.org/rfc/rfc6265#section-6.1
pub(super) const MAX_COOKIE_LEN: usize = 4096;

/// A cookie without its value: the attributes are the same whenever it is set or cleared.
#[derive(Clone, Debug)]
pub(super) struct Template(Cookie<'static>);

impl Template {
    pub(super) const fn new(attributes: Cookie<'static>) -> Self {
        Self(attributes)
    }

    pub(super) fn name(&self) -> &str {
        self.0.name()
    }

    pub(super) fn path(&self) -> &str {
        self.0.path().unwrap_or("/")
    }

    pub(super) fn set_path(&mut self, path: &str) {
        self.0.set_path(path.to_owned());
    }

    /// `max_age` is rounded down to seconds.
    pub(super) fn set(&self, value: &str, max_age: Duration) -> Result<HeaderValue, AuthError> {
        let mut cookie = self.0.clone();
        cookie.set_value(value.to_owned());
        let seconds = i64::try_from(max_age.as_secs()).unwrap_or(i64::MAX);
        cookie.set_max_age(time::Duration::seconds(seconds));
        let line = cookie.to_string();
        let len = line.len();
        let value = HeaderValue::try_from(line).ok().filter(|_| len <= MAX_COOKIE_LEN);
        value.ok_or_else(|| {
            let name = self.name().into();
            AuthError::with_source(AuthErrorKind::Misconfigured, CookieTooLong { name, len })
        })
    }

    /// The header that makes a browser delete the cookie.
    pub(super) fn clear(&self) -> HeaderValue {
        let mut cookie = self.0.clone();
        cookie.set_max_age(time::Duration::ZERO);
        // For the few clients that do not know `Max-Age`.
        cookie.set_expires(OffsetDateTime::UNIX_EPOCH);
        HeaderValue::try_from(cookie.to_string()).expect("the builder has checked each attribute")
    }
}

#[derive(Debug)]
struct CookieTooLong {
    name: Box<str>,
    len: usize,
}

impl fmt::Display for CookieTooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { name, len } = self;
        write!(
            f,
            "the cookie {name} has {len} bytes, and browsers accept {MAX_COOKIE_LEN}: put fewer \
             claims into the token"
        )
    }
}

impl Error for CookieTooLong {}
