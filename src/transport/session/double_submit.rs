//! The signed double-submit token, for browsers that send neither `Sec-Fetch-Site` nor `Origin`.

use std::fmt;

use aws_lc_rs::{constant_time::verify_slices_are_equal, hmac};
use http::{HeaderMap, HeaderName};

use crate::{
    error::ConfigError,
    token::peek_session_id,
    transport::{cookie, header::single_value},
};

use super::template::{MAX_COOKIE_LEN, Template};

const HEADER: HeaderName = HeaderName::from_static("x-csrf-token");
/// Separates this use of the secret from all others.
const CONTEXT: &[u8] = b"tower-jwt-auth double-submit token\0";
const HEX: &[u8; 16] = b"0123456789abcdef";

#[derive(Clone)]
pub(super) struct DoubleSubmit {
    key: hmac::Key,
    pub(super) cookie: Template,
}

impl DoubleSubmit {
    pub(super) fn new(secret: &[u8], cookie: Template) -> Result<Self, ConfigError> {
        if secret.len() < 32 || secret.iter().all(|byte| *byte == secret[0]) {
            return Err(ConfigError::key(
                "`double_submit`: the secret must have at least 32 bytes, not all of them equal",
            ));
        }
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret), cookie })
    }

    /// The token of a session, in hexadecimal.
    pub(super) fn token(&self, session_id: &str) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(CONTEXT);
        context.update(session_id.as_bytes());
        let tag = context.sign();
        let digits = tag.as_ref().iter().flat_map(|byte| [byte >> 4, byte & 15]);
        digits.map(|digit| char::from(HEX[usize::from(digit)])).collect()
    }

    /// Whether the header and the cookie have the token of the session that `session_tokens` belong
    /// to. These are not verified yet: a forged one is rejected later.
    pub(super) fn matches<'t>(
        &self,
        headers: &HeaderMap,
        session_tokens: impl Iterator<Item = &'t [u8]>,
    ) -> bool {
        let Ok(Some(header)) = single_value(headers, &HEADER) else { return false };
        let Ok(Some(cookie)) = cookie::find(headers, self.cookie.name()) else { return false };
        let ids = session_tokens.filter_map(|token| peek_session_id(token, MAX_COOKIE_LEN));
        let mut expected = ids.map(|session_id| self.token(&session_id)).peekable();
        verify_slices_are_equal(header, cookie).is_ok()
            && expected.peek().is_some()
            && expected.all(|token| verify_slices_are_equal(header, token.as_bytes()).is_ok())
    }
}

impl fmt::Debug for DoubleSubmit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DoubleSubmit").field("cookie", &self.cookie).finish_non_exhaustive()
    }
}
