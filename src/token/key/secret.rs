//! What makes an HMAC secret acceptable.

use aws_lc_rs::hmac;

use crate::error::ConfigError;

use super::super::algorithm::{Algorithm, Scheme};

/// The longest tag: that of HS512.
pub(super) const MAX_TAG_LEN: usize = 64;

const TOO_SHORT: ConfigError = ConfigError::key(
    "an HMAC secret must have at least 32 bytes for HS256, 48 for HS384, 64 for HS512",
);

pub(super) fn prepare(algorithm: Algorithm, secret: &[u8]) -> Result<hmac::Key, ConfigError> {
    let Scheme::Hmac(scheme) = algorithm.scheme() else {
        return Err(ConfigError::key("this algorithm takes a key pair, not a secret"));
    };
    if secret.len() < scheme.tag_len() {
        return Err(TOO_SHORT);
    }
    if secret.iter().all(|byte| *byte == secret[0]) {
        return Err(ConfigError::key("an HMAC secret must not repeat one byte"));
    }
    if looks_like_public_key(secret) {
        // Whoever can read the public key could sign with it.
        return Err(ConfigError::key("a PEM or SSH key must not serve as an HMAC secret"));
    }
    Ok(hmac::Key::new(scheme, secret))
}

fn looks_like_public_key(secret: &[u8]) -> bool {
    const SSH: [&[u8]; 4] = [b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-"];
    let text = secret.trim_ascii_start();
    // RFC 4716 writes SSH keys between lines with four dashes and a blank.
    secret.windows(10).any(|window| window == b"-----BEGIN" || window == b"---- BEGIN")
        || SSH.iter().any(|prefix| text.starts_with(prefix))
}
