//! [`KeySet`]: a handle to keys that can be replaced while they are in use.

use std::{fmt, sync::Arc};

use arc_swap::{ArcSwap, Guard};

use crate::error::ConfigError;

use super::{
    key::{SigningKey, VerifyingKey},
    key_source::KeySource,
    keys::{Keys, RotationTerms},
};

/// Verifying keys, and at most one signing key.
///
/// This is a handle: clones share the same keys. [`replace`](Self::replace) changes them
/// atomically for every issuer and verifier that uses the set.
///
/// To rotate keys, first add the new key as a verifying key at every service. Then sign with it.
/// Keep the old key as a verifying key until its last token has expired.
///
/// ```
/// use tower_jwt_auth::{Algorithm, KeySet, SigningKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let old = SigningKey::generate(Algorithm::ES256)?;
/// let keys = KeySet::builder().signing_key(old.clone()).build()?;
///
/// let new = SigningKey::generate(Algorithm::ES256)?;
/// keys.replace(KeySet::builder().signing_key(new).verifying_key(old.verifying_key()))?;
/// # Ok(())
/// # }
/// ```
///
/// # Which key verifies a token
///
/// 1. Only keys whose algorithm the header's `alg` names are considered.
/// 2. If the token has a `kid`, the keys with this id are used. If no key has it, the keys without
///    a [chosen id](VerifyingKey::with_kid) are used.
/// 3. If the token has no `kid`, at most four keys are tried.
///
/// No other member of the header affects the choice. To keep the keys of several issuers apart, use
/// [`Verifier::by_issuer`](super::Verifier::by_issuer).
#[derive(Clone)]
pub struct KeySet {
    keys: Arc<ArcSwap<Keys>>,
    /// Where the keys are fetched from, if they are fetched.
    source: Option<Arc<dyn KeySource>>,
}

impl KeySet {
    /// Returns a builder for a key set.
    pub fn builder() -> KeySetBuilder {
        KeySetBuilder::default()
    }

    /// Replaces the keys atomically, for every clone of this handle.
    ///
    /// # Errors
    ///
    /// The errors of [`KeySetBuilder::build`]. Also an error if the keys of this set are fetched,
    /// or if this set has a signing key and the new one has none. The old keys then remain.
    pub fn replace(&self, keys: KeySetBuilder) -> Result<(), ConfigError> {
        let new = keys.into_keys()?;
        if self.source.is_some() {
            return Err(ConfigError::conflict(
                "a key set whose keys are fetched cannot be replaced",
            ));
        }
        let old = self.keys.load();
        if old.signing_key().is_some() && new.signing_key().is_none() {
            return Err(ConfigError::ineffective(
                "the new key set needs a signing key because the old one has one",
            ));
        }
        self.keys.store(Arc::new(new));
        Ok(())
    }

    /// Returns the public keys as a JWK Set ([RFC 7517 section 5]), for services that should trust
    /// the tokens.
    ///
    /// Secrets are omitted. If the keys are fetched from another issuer, the set is empty.
    ///
    /// ```
    /// use tower_jwt_auth::{Algorithm, KeySet, SigningKey};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let keys = KeySet::from(SigningKey::generate(Algorithm::EdDSA)?);
    /// assert!(keys.to_jwks().starts_with(r#"{"keys":[{"alg":"EdDSA","kid":""#));
    ///
    /// let secret = KeySet::from(SigningKey::generate(Algorithm::HS256)?);
    /// assert_eq!(secret.to_jwks(), r#"{"keys":[]}"#);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [RFC 7517 section 5]: https://www.rfc-editor.org/rfc/rfc7517#section-5
    #[must_use]
    pub fn to_jwks(&self) -> String {
        let keys = self.load();
        let jwks: Vec<_> = self.own(&keys).iter().filter_map(VerifyingKey::to_jwk).collect();
        format!(r#"{{"keys":[{}]}}"#, jwks.join(","))
    }

    /// Returns the algorithms of the keys in [`to_jwks`](Self::to_jwks), sorted by name.
    #[cfg(feature = "routes")]
    pub(crate) fn published_algorithms(&self) -> Vec<&'static str> {
        let keys = self.load();
        let public = self.own(&keys).iter().filter(|key| !key.algorithm().is_symmetric());
        let mut names: Vec<_> = public.map(VerifyingKey::alg).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// Returns the verifying keys, unless they are another issuer's.
    fn own<'a>(&self, keys: &'a Keys) -> &'a [VerifyingKey] {
        if self.source.is_some() { &[] } else { keys.verifying_keys() }
    }

    pub(crate) fn load(&self) -> Guard<Arc<Keys>> {
        self.keys.load()
    }

    pub(super) const fn source(&self) -> Option<&Arc<dyn KeySource>> {
        self.source.as_ref()
    }

    /// Creates a set without a signing key.
    #[cfg(feature = "jwks")]
    pub(crate) fn of_verifying(keys: Vec<VerifyingKey>) -> Self {
        Self::of(Keys::of_verifying(keys))
    }

    /// Creates a set of the keys that `source` stores in `keys`.
    #[cfg(feature = "jwks")]
    pub(crate) fn fetched(keys: Arc<ArcSwap<Keys>>, source: Arc<dyn KeySource>) -> Self {
        Self { keys, source: Some(source) }
    }

    fn of(keys: Keys) -> Self {
        Self { keys: Arc::new(ArcSwap::from_pointee(keys)), source: None }
    }
}

impl From<SigningKey> for KeySet {
    fn from(key: SigningKey) -> Self {
        let verifying = key.verifying_key();
        Self::of(Keys::new(Some(key), vec![verifying], None))
    }
}

impl From<VerifyingKey> for KeySet {
    fn from(key: VerifyingKey) -> Self {
        Self::of(Keys::new(None, vec![key], None))
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.load();
        f.debug_struct("KeySet")
            .field("signing", &keys.signing_key())
            .field("verifying", &keys.verifying_keys().len())
            .finish()
    }
}

/// Builds a [`KeySet`].
#[derive(Debug, Default)]
#[must_use]
pub struct KeySetBuilder {
    signing: Option<SigningKey>,
    verifying: Vec<VerifyingKey>,
    has_several_signing_keys: bool,
    terms: Option<RotationTerms>,
}

impl KeySetBuilder {
    /// Sets the signing key. It also verifies. Default: none, and the set only verifies.
    pub fn signing_key(mut self, key: SigningKey) -> Self {
        self.has_several_signing_keys |= self.signing.is_some();
        self.verifying.push(key.verifying_key());
        self.signing = Some(key);
        self
    }

    /// Adds a verifying key.
    pub fn verifying_key(mut self, key: VerifyingKey) -> Self {
        self.verifying.push(key);
        self
    }

    #[cfg(feature = "key-rotation")]
    pub(crate) fn terms(mut self, terms: RotationTerms) -> Self {
        self.terms = Some(terms);
        self
    }

    /// Builds the key set.
    ///
    /// # Errors
    ///
    /// An error if there is no key, if there are two signing keys, or if two keys share a key id
    /// and an algorithm.
    pub fn build(self) -> Result<KeySet, ConfigError> {
        Ok(KeySet::of(self.into_keys()?))
    }

    fn into_keys(self) -> Result<Keys, ConfigError> {
        if self.verifying.is_empty() {
            return Err(ConfigError::ineffective("a key set needs at least one key"));
        }
        if self.has_several_signing_keys {
            return Err(ConfigError::conflict("a key set must have at most one signing key"));
        }
        let has_duplicate = self.verifying.iter().enumerate().any(|(index, key)| {
            let equals = |other: &VerifyingKey| {
                other.kid() == key.kid() && other.algorithm() == key.algorithm()
            };
            key.kid().is_some() && self.verifying[..index].iter().any(equals)
        });
        if has_duplicate {
            return Err(ConfigError::conflict(
                "two keys of a key set must not share a key id and an algorithm",
            ));
        }
        Ok(Keys::new(self.signing, self.verifying, self.terms))
    }
}
