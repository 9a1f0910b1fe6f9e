//! Keys of proofs that are ready to verify, because preparing one takes a good part of a
//! verification.

use std::sync::Arc;

use quick_cache::sync::Cache;

use super::super::{algorithm::Algorithm, confirmation::KeyThumbprint, key::VerifyingKey};

/// An RSA key takes up to 4 KiB.
const CAPACITY: usize = 1024;

/// Proofs are never cached, only keys, by their thumbprint.
#[derive(Clone)]
pub(super) struct KeyCache(Arc<Cache<(Algorithm, KeyThumbprint), VerifyingKey>>);

impl KeyCache {
    pub(super) fn new() -> Self {
        Self(Arc::new(Cache::new(CAPACITY)))
    }

    /// Returns the key with this thumbprint, whose canonical JWK is `canonical`. `None` if it is not
    /// a valid key for `algorithm`.
    pub(super) fn key(
        &self,
        algorithm: Algorithm,
        thumbprint: KeyThumbprint,
        canonical: &str,
    ) -> Option<VerifyingKey> {
        let name = (algorithm, thumbprint);
        if let Some(key) = self.0.get(&name) {
            return Some(key);
        }
        let key = VerifyingKey::from_jwk(canonical, algorithm).ok()?;
        // Another encoding of the key, for example with leading zeros, has another thumbprint.
        if !key.has_thumbprint(thumbprint) {
            return None;
        }
        self.0.insert(name, key.clone());
        Some(key)
    }
}
