//! Nonces that need no state: each is an HMAC over a step of time
//! ([RFC 9449 section 8](https://www.rfc-editor.org/rfc/rfc9449#section-8)).

use std::time::Duration;

use aws_lc_rs::hmac;
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind, ConfigError, ErrorDetails},
};

/// So that the secret can have other uses.
const PURPOSE: &[u8] = b"tower-jwt-auth DPoP nonce";

#[derive(Clone)]
pub(super) struct Nonces {
    key: hmac::Key,
    /// In seconds.
    step: u64,
}

impl Nonces {
    pub(super) fn new(secret: &[u8], step: Duration) -> Result<Self, ConfigError> {
        if secret.len() < 32 || secret.iter().all(|byte| *byte == secret[0]) {
            return Err(ConfigError::key(
                "the secret of `nonces` must have at least 32 bytes and not consist of one repeated \
                 byte",
            ));
        }
        if !(10..=3600).contains(&step.as_secs()) {
            return Err(ConfigError::out_of_range(
                "the step of `nonces` must be 10 to 3600 seconds",
            ));
        }
        Ok(Self { key: hmac::Key::new(hmac::HMAC_SHA256, secret), step: step.as_secs() })
    }

    /// Requires the nonce of this step or of the one before.
    pub(super) fn check(&self, nonce: Option<&str>, now: NumericDate) -> Result<(), AuthError> {
        let step = now.as_secs() / self.step;
        let tag = nonce.and_then(|nonce| BASE64URL.decode_to_vec(nonce).ok()).unwrap_or_default();
        // The next one comes from a machine whose clock is ahead.
        let accepted = [Some(step), step.checked_sub(1), Some(step + 1)];
        let mut accepted = accepted.into_iter().flatten();
        if accepted.any(|step| hmac::verify(&self.key, &message(step), &tag).is_ok()) {
            return Ok(());
        }
        let nonce = BASE64URL.encode_to_string(hmac::sign(&self.key, &message(step)));
        let dpop_nonce = Some(nonce.into_boxed_str());
        let details = ErrorDetails { dpop_nonce, ..ErrorDetails::default() };
        Err(AuthError::with_details(AuthErrorKind::UseDpopNonce, details))
    }
}

fn message(step: u64) -> Vec<u8> {
    [PURPOSE, &step.to_be_bytes()].concat()
}
