//! HMAC secrets: the checks that each must pass.

use aws_lc_rs::hmac;

use crate::error::ConfigError;

use super::super::algorithm::{Algorithm, Scheme};

/// The length of the longest tag, of HS512.
pub(super) const MAX_TAG_LEN: usize = 64;

const TOO_SHORT: ConfigError = ConfigError::key(
    "an HMAC secret must have at least 32 bytes for HS256, 48 for HS384, 64 for HS512",
);

pub(super) fn prepare(algorithm: Algorithm, secret: &[u8]) -> Result<hmac::Key, ConfigError> {
    let Scheme::Hmac(scheme) = algorithm.scheme() else {
        return Err(ConfigError::key("this algorithm requires a key pair, not a secret"));
    };
    if secret.len() < scheme.tag_len() {
        return Err(TOO_SHORT);
    }
    if secret.iter().all(|byte| *byte == secret[0]) {
        return Err(ConfigError::key("an HMAC secret must not consist of one repeated byte"));
    }
    if looks_like_public_key(secret) {
        // Everybody who knows the public key could sign with it.
        return Err(ConfigError::key("an HMAC secret must not be a PEM or SSH key"));
    }
    Ok(hmac::Key::new(scheme, secret))
}

fn looks_like_public_key(secret: &[u8]) -> bool {
    const SSH: [&[u8]; 4] = [b"ssh-", b"ecdsa-sha2-", b"sk-ssh-", b"sk-ecdsa-"];
    let trimmed = secret.trim_ascii_start();
    // An SSH key of RFC 4716 is between lines that start with four dashes and a space.
    secret.windows(10).any(|window| window == b"-----BEGIN" || window == b"---- BEGIN")
        || SSH.iter().any(|prefix| trimmed.starts_with(prefix))
}
