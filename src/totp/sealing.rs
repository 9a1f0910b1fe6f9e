//! Encryption of secrets at rest.

use std::{error::Error, fmt};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use base64_simd::URL_SAFE_NO_PAD;
use zeroize::Zeroizing;

use crate::{error::ConfigError, token::UserId, user::BackendError};

const KEY_LEN: usize = 32;
/// The first version of the format: a nonce, the encrypted secret and the tag, in base64url.
const VERSION: &str = "1.";

/// The keys of secrets, the current one first.
pub(super) struct SealingKeys(Vec<RandomizedNonceKey>);

/// A secret that was decrypted.
pub(super) struct Opened {
    pub(super) secret: Zeroizing<Vec<u8>>,
    /// Whether it was encrypted with the current key.
    pub(super) is_current: bool,
}

impl SealingKeys {
    pub(super) fn new(keys: &[Zeroizing<Vec<u8>>]) -> Result<Self, ConfigError> {
        let is_constant = |key: &[u8]| key.windows(2).all(|pair| pair[0] == pair[1]);
        if keys.iter().any(|key| key.len() != KEY_LEN || is_constant(key)) {
            return Err(ConfigError::key(
                "a key of TOTP secrets must have 32 bytes, which are not all equal",
            ));
        }
        if keys.iter().enumerate().any(|(index, key)| keys[..index].contains(key)) {
            return Err(ConfigError::conflict("two keys of TOTP secrets are equal"));
        }
        let keys = keys.iter().map(|key| RandomizedNonceKey::new(&AES_256_GCM, key));
        let keys = keys.collect::<Result<_, _>>();
        keys.map(Self).map_err(|_| ConfigError::key("a key of TOTP secrets is invalid"))
    }

    pub(super) fn seal(&self, user_id: &UserId, secret: &[u8]) -> Result<String, BackendError> {
        // The nonce is put in front of the encrypted secret below.
        let mut sealed = Zeroizing::new(Vec::with_capacity(secret.len() + 64));
        sealed.extend_from_slice(secret);
        let key = self.0.first().ok_or_else(|| BackendError::unavailable(SealingError::Seal))?;
        let nonce = key.seal_in_place_append_tag(Aad::from(context(user_id)), &mut *sealed);
        let nonce = nonce.map_err(|_| BackendError::unavailable(SealingError::Seal))?;
        let message = [nonce.as_ref().as_slice(), &sealed].concat();
        Ok(format!("{VERSION}{}", URL_SAFE_NO_PAD.encode_to_string(message)))
    }

    pub(super) fn open(&self, user_id: &UserId, sealed: &str) -> Result<Opened, BackendError> {
        self.try_open(user_id, sealed).ok_or_else(|| BackendError::unavailable(SealingError::Open))
    }

    fn try_open(&self, user_id: &UserId, sealed: &str) -> Option<Opened> {
        let message = URL_SAFE_NO_PAD.decode_to_vec(sealed.strip_prefix(VERSION)?).ok()?;
        let (nonce, encrypted) = message.split_first_chunk::<NONCE_LEN>()?;
        self.0.iter().enumerate().find_map(|(index, key)| {
            let mut secret = Zeroizing::new(encrypted.to_vec());
            let (nonce, context) = (Nonce::from(nonce), Aad::from(context(user_id)));
            let len = key.open_in_place(nonce, context, &mut secret).ok()?.len();
            secret.truncate(len);
            Some(Opened { secret, is_current: index == 0 })
        })
    }
}

/// What a secret is bound to, so that it cannot be given to another user.
fn context(user_id: &UserId) -> Vec<u8> {
    [b"tower-jwt-auth totp ", user_id.as_str().as_bytes()].concat()
}

#[derive(Debug)]
enum SealingError {
    Seal,
    Open,
}

impl fmt::Display for SealingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Seal => "a TOTP secret could not be encrypted",
            Self::Open => "no key of TOTP secrets decrypts the secret of a user",
        })
    }
}

impl Error for SealingError {}
