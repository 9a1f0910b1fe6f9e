//! The keys with their times, and the document in which they are stored.

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
    storage::StoredKeys,
};

const RANDOM_KID_LEN: usize = 16;
/// The length of a record without its private key, at most.
const RECORD_OVERHEAD: usize = 512;

/// The keys, in the order in which they sign.
#[derive(Clone, Default)]
pub(super) struct KeyRing {
    pub(super) keys: Vec<RingKey>,
}

#[derive(Clone)]
pub(super) struct RingKey {
    pub(super) signing: SigningKey,
    pub(super) published_at: NumericDate,
    pub(super) signs_from: NumericDate,
    /// The lifetime of the tokens that this key signs, leeway included, in seconds: the longest one
    /// that any copy of the service has configured before the key stopped signing.
    pub(super) token_lifetime: u64,
    private: Zeroizing<Vec<u8>>,
}

#[derive(Serialize, Deserialize)]
struct Document<'a> {
    #[serde(borrow)]
    keys: Vec<KeyRecord<'a>>,
}

/// None of the strings needs escapes, so private keys are read and written without copies.
#[derive(Serialize, Deserialize)]
struct KeyRecord<'a> {
    kid: &'a str,
    alg: &'a str,
    published_at: u64,
    signs_from: u64,
    token_lifetime: u64,
    private_key: &'a str,
}

impl RingKey {
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
            // The thumbprint of a secret would be a digest of it.
            None => random_kid()?,
        };
        // With an explicit id, the key is never tried for tokens that name another key.
        let signing = signing.with_kid(&kid)?;
        Ok(Self { signing, published_at, signs_from, token_lifetime, private })
    }

    fn from_record(record: &KeyRecord<'_>) -> Result<Self, KeyRotationError> {
        let private = BASE64URL.decode_to_vec(record.private_key).map(Zeroizing::new);
        let private = private.map_err(malformed_because)?;
        let algorithm: Algorithm = record.alg.parse().map_err(malformed_because)?;
        let signing = SigningKey::from_private(algorithm, &private);
        let signing =
            signing.and_then(|key| key.with_kid(record.kid)).map_err(malformed_because)?;
        Ok(Self {
            signing,
            published_at: NumericDate::from_secs(record.published_at),
            signs_from: NumericDate::from_secs(record.signs_from),
            token_lifetime: record.token_lifetime,
            private,
        })
    }
}

impl KeyRing {
    pub(super) fn parse(stored: &StoredKeys) -> Result<Self, KeyRotationError> {
        let document: Document<'_> =
            serde_json::from_slice(stored.as_bytes()).map_err(|_| malformed())?;
        let keys: Vec<_> =
            document.keys.iter().map(RingKey::from_record).collect::<Result<_, _>>()?;
        if keys.is_empty() || !keys.is_sorted_by_key(|key| key.signs_from) {
            return Err(malformed());
        }
        Ok(Self { keys })
    }

    pub(super) fn to_document(&self) -> StoredKeys {
        let encode = |key: &RingKey| Zeroizing::new(BASE64URL.encode_to_string(&*key.private));
        let private: Vec<_> = self.keys.iter().map(encode).collect();
        let records = self.keys.iter().zip(&private).map(|(key, private)| KeyRecord {
            kid: key.signing.kid().unwrap_or_default(),
            alg: key.signing.algorithm().as_str(),
            published_at: key.published_at.as_secs(),
            signs_from: key.signs_from.as_secs(),
            token_lifetime: key.token_lifetime,
            private_key: private,
        });
        let document = Document { keys: records.collect() };
        // A buffer that grows would leave unwiped copies behind.
        let capacity = private.iter().map(|private| private.len() + RECORD_OVERHEAD).sum();
        let mut bytes = Vec::with_capacity(capacity);
        // Writing strings and numbers to memory cannot fail.
        let _ = serde_json::to_writer(&mut bytes, &document);
        StoredKeys::new(bytes)
    }

    /// The index of the key that signs at `now`.
    pub(super) fn signing_index(&self, now: NumericDate) -> usize {
        self.keys.iter().rposition(|key| key.signs_from <= now).unwrap_or_default()
    }

    /// The key ids, that of the signing key first.
    pub(super) fn key_ids(&self, now: NumericDate) -> Vec<Box<str>> {
        let kid = |key: &RingKey| key.signing.kid().unwrap_or_default().into();
        let signing = self.keys.get(self.signing_index(now)).map(kid);
        signing.into_iter().chain(self.keys.iter().map(kid)).collect()
    }
}

fn random_kid() -> Result<String, ConfigError> {
    let mut bytes = [0; RANDOM_KID_LEN];
    rand::fill(&mut bytes).map_err(|_| ConfigError::key("no key id could be generated"))?;
    Ok(BASE64URL.encode_to_string(bytes))
}

/// Without a source: the error of a JSON parser may quote its input.
const fn malformed() -> KeyRotationError {
    KeyRotationError::new(KeyRotationErrorKind::Malformed)
}

fn malformed_because(source: impl std::error::Error + Send + Sync + 'static) -> KeyRotationError {
    KeyRotationError::with_source(KeyRotationErrorKind::Malformed, source)
}
