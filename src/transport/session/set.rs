use std::{error::Error, fmt, time::Duration};

use cookie::time;
use http::HeaderValue;

use crate::error::{AuthError, AuthErrorKind};

use super::template::{MAX_COOKIE_LEN, Template};

impl Template {
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
        match HeaderValue::try_from(line) {
            Ok(mut value) if len <= MAX_COOKIE_LEN => {
                // Hides the token in the `Debug` output of the response.
                value.set_sensitive(true);
                Ok(value)
            }
            _ => {
                let name = self.name().into();
                let error = CookieTooLong { name, len };
                Err(AuthError::with_source(AuthErrorKind::Misconfigured, error))
            }
        }
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
