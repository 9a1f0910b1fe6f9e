//! The keys with their times, and the document that they are stored as.

use aws_lc_rs::rand;
use base64_simd::URL_SAFE_NO_PAD as BASE64URL;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::{
    clock::NumericDate,
    error::ConfigError,
    token::{Algorithm, SigningKey, generate_private},
};

use super::{
    error::{KeyRotationError, KeyRotationErrorKind},
    storage::KeyState,
};

/// One key after the other, in the order in which they sign.
#[derive(Clone, Default)]
pub(super) struct State {
    pub(super) keys: Vec<Key>,
}

#[derive(Clone)]
pub(super) struct Key {
    pub(super) signing: SigningKey,
    pub(super) published_at: NumericDate,
    pub(super) signs_from: NumericDate,
    /// How long, in seconds, the tokens live that it signs, leeway included: the longest that any
    /// copy of the service asked for while the key was to sign.
    pub(super) token_lifetime: u64,
    private: Zeroizing<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<Record<'a>>,
}

/// No text in it is ever escaped, so that private keys are read and written without copies.
#[derive(Serialize, Deserialize)]
struct Record<'a> {
    kid: &'a str,
    alg: &'a str,
    published_at: u64,
    signs_from: u64,
    token_lifetime: u64,
    private_key: &'a str,
}

impl Key {
    pub(super) fn generate(
        algorithm: Algorithm,
        published_at: NumericDate,
        signs_from: NumericDate,
        token_lifetime: u64,
    ) -> Result<Self, ConfigError> {
        let private = generate_private(algorithm)?;
        let signing = SigningKey::from_private(algorithm, &private)?;
        let kid = match signing.kid() {
            Some(thumbprint) => thumbprint.to_owned(),
            // Secrets have none, for it would be a digest of them.
            None => random_id()?,
        };
        // A chosen id: of a token that names another one, nothing is to be tried.
        let signing = signing.with_kid(&kid)?;
        Ok(Self { signing, published_at, signs_from, token_lifetime, private })
    }

    fn read(record: &Record<'_>) -> Result<Self, KeyRotationError> {
        let private = BASE64URL.decode_to_vec(record.private_key).map(Zeroizing::new);
        let private = private.map_err(malformed)?;
        let algorithm: Algorithm = record.alg.parse().map_err(malformed)?;
        let signing = SigningKey::from_private(algorithm, &private);
        let signing = signing.and_then(|key| key.with_kid(record.kid)).map_err(malformed)?;
        Ok(Self {
            signing,
            published_at: NumericDate::from_secs(record.published_at),
            signs_from: NumericDate::from_secs(record.signs_from),
            token_lifetime: record.token_lifetime,
            private,
        })
    }
}

impl State {
    pub(super) fn read(stored: &KeyState) -> Result<Self, KeyRotationError> {
        let document: Document<'_> =
            serde_json::from_slice(stored.as_bytes()).map_err(|_| unreadable())?;
        let keys: Vec<_> = document.keys.iter().map(Key::read).collect::<Result<_, _>>()?;
        if keys.is_empty() || !keys.is_sorted_by_key(|key| key.signs_from) {
            return Err(unreadable());
        }
        Ok(Self { keys })
    }

    pub(super) fn write(&self) -> KeyState {
        let encode = |key: &Key| Zeroizing::new(BASE64URL.encode_to_string(&*key.private));
        let private: Vec<_> = self.keys.iter().map(encode).collect();
        let records = self.keys.iter().zip(&private).map(|(key, private)| Record {
            kid: key.signing.kid().unwrap_or_default(),
            alg: key.signing.algorithm().as_str(),
            published_at: key.published_at.as_secs(),
            signs_from: key.signs_from.as_secs(),
            token_lifetime: key.token_lifetime,
            private_key: private,
        });
        let document = Document { keys: records.collect() };
        // Room for all of it: a buffer that grows leaves copies behind.
        let room = private.iter().map(|private| private.len() + 512).sum();
        let mut bytes = Vec::with_capacity(room);
        // Nothing in it can fail to be written to memory.
        let _ = serde_json::to_writer(&mut bytes, &document);
        KeyState::new(bytes)
    }

    /// Which key signs at `now`.
    pub(super) fn signing_index(&self, now: NumericDate) -> usize {
        self.keys.iter().rposition(|key| key.signs_from <= now).unwrap_or_default()
    }
}

fn random_id() -> Result<String, ConfigError> {
    let mut bits = [0; 16];
    rand::fill(&mut bits).map_err(|_| ConfigError::key("no key id could be generated"))?;
    Ok(BASE64URL.encode_to_string(bits))
}

/// Without the cause: a reader's error may quote what it read.
fn unreadable() -> KeyRotationError {
    KeyRotationError::new(KeyRotationErrorKind::Malformed)
}

fn malformed(error: impl std::error::Error + Send + Sync + 'static) -> KeyRotationError {
    KeyRotationError::with_source(KeyRotationErrorKind::Malformed, error)
}
