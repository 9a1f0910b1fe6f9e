//! [`KeySet`]: the keys a verifier trusts, the one an issuer signs with, replaceable while serving.

use std::{fmt, sync::Arc, time::Duration};

use arc_swap::{ArcSwap, Guard};

use crate::error::{AuthErrorKind, ConfigError};

#[cfg(feature = "routes")]
use super::algorithm::Algorithm;
use super::{
    compact::{Compact, SignatureBuffer, encode},
    header::Header,
    key::{SigningKey, VerifyingKey},
    source::KeySource,
};

/// How many keys may be tried for one token that does not say which it was signed with.
const MAX_CANDIDATES: usize = 4;

/// Verifying keys by key id, and at most one signing key.
///
/// A handle: clones share the keys, and [`replace`](Self::replace) changes them for every issuer
/// and verifier at once, between two requests. To rotate, add the new key as a verifying key
/// everywhere, then sign with it, and keep the old one verifying until its last token has expired.
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
/// 1. Only keys of its exact algorithm.
/// 2. If the token has a `kid` and keys have it, those; else keys whose id nobody chose.
/// 3. If it has none, any of them, up to four.
///
/// Nothing else in the token's header has a say. Keys of several issuers are kept apart by
/// [`Verifier::by_issuer`](super::Verifier::by_issuer).
#[derive(Clone)]
pub struct KeySet {
    keys: Arc<ArcSwap<Keys>>,
    /// Where they come from, unless they are given.
    source: Option<Arc<dyn KeySource>>,
}

impl KeySet {
    /// Starts an empty set.
    pub fn builder() -> KeySetBuilder {
        KeySetBuilder::default()
    }

    /// Puts other keys in place of these, atomically, for every clone of this handle.
    ///
    /// # Errors
    ///
    /// As [`KeySetBuilder::build`]; also when this set can sign and the new one cannot, or its keys
    /// are fetched. The old keys stay then.
    pub fn replace(&self, keys: KeySetBuilder) -> Result<(), ConfigError> {
        let new = keys.into_keys()?;
        if self.source.is_some() {
            return Err(ConfigError::conflict(
                "keys that are fetched cannot be replaced by others",
            ));
        }
        let old = self.keys.load();
        if old.signing.is_some() && new.signing.is_none() {
            return Err(ConfigError::ineffective(
                "the new keys lack a signing key, and the old ones had one",
            ));
        }
        self.keys.store(Arc::new(new));
        Ok(())
    }

    /// The public keys as JWK Set ([RFC 7517 section 5]), for others who shall trust tokens that
    /// these keys sign. Secrets are left out. Of keys that are fetched, which are somebody else's,
    /// none are in it.
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
        let own = if self.source.is_some() { &[][..] } else { &keys.verifying };
        let keys: Vec<_> = own.iter().filter_map(VerifyingKey::to_jwk).collect();
        format!(r#"{{"keys":[{}]}}"#, keys.join(","))
    }

    /// The algorithms of the keys in [`to_jwks`](Self::to_jwks), in order of their names.
    #[cfg(feature = "routes")]
    pub(crate) fn published_algorithms(&self) -> Vec<&'static str> {
        let keys = self.load();
        let own = if self.source.is_some() { &[][..] } else { &keys.verifying };
        let algorithms = own.iter().map(VerifyingKey::algorithm);
        let mut names: Vec<_> = algorithms
            .filter(|algorithm| !algorithm.is_symmetric())
            .map(Algorithm::as_str)
            .collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    pub(crate) fn load(&self) -> Guard<Arc<Keys>> {
        self.keys.load()
    }

    pub(super) const fn source(&self) -> Option<&Arc<dyn KeySource>> {
        self.source.as_ref()
    }

    /// A set that only verifies.
    #[cfg(feature = "jwks")]
    pub(crate) fn of_verifying(keys: Vec<VerifyingKey>) -> Self {
        Self::of(Keys::of_verifying(keys))
    }

    /// The keys that `source` keeps in `keys`.
    #[cfg(feature = "jwks")]
    pub(crate) fn fetched(keys: Arc<ArcSwap<Keys>>, source: Arc<dyn KeySource>) -> Self {
        Self { keys, source: Some(source) }
    }

    fn of(keys: Keys) -> Self {
        Self { keys: Arc::new(ArcSwap::from_pointee(keys)), source: None }
    }
}

/// What keys that are rotated ask of those who use them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RotationTerms {
    /// How long a key is published before it signs.
    #[cfg_attr(not(feature = "routes"), expect(dead_code, reason = "asked by who publishes"))]
    pub(crate) lead_time: Duration,
    /// How long a token may live without outliving the key that verifies it.
    pub(crate) token_lifetime: Duration,
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
            .field("signing", &keys.signing)
            .field("verifying", &keys.verifying.len())
            .finish()
    }
}

/// Gathers the keys of a [`KeySet`].
#[derive(Debug, Default)]
#[must_use]
pub struct KeySetBuilder {
    signing: Option<SigningKey>,
    verifying: Vec<VerifyingKey>,
    several_signing: bool,
    terms: Option<RotationTerms>,
}

impl KeySetBuilder {
    /// Sets the key that signs; it verifies as well. Default: none, the set only verifies.
    pub fn signing_key(mut self, key: SigningKey) -> Self {
        self.several_signing |= self.signing.is_some();
        self.verifying.push(key.verifying_key());
        self.signing = Some(key);
        self
    }

    /// Adds a key that verifies.
    pub fn verifying_key(mut self, key: VerifyingKey) -> Self {
        self.verifying.push(key);
        self
    }

    #[cfg(feature = "key-rotation")]
    pub(crate) fn terms(mut self, terms: RotationTerms) -> Self {
        self.terms = Some(terms);
        self
    }

    /// Builds the set.
    ///
    /// # Errors
    ///
    /// When there is no key, there are two signing keys, or two keys have the same key id and
    /// algorithm.
    pub fn build(self) -> Result<KeySet, ConfigError> {
        Ok(KeySet::of(self.into_keys()?))
    }

    fn into_keys(self) -> Result<Keys, ConfigError> {
        if self.verifying.is_empty() {
            return Err(ConfigError::ineffective("the key set is empty"));
        }
        if self.several_signing {
            return Err(ConfigError::conflict("a key set signs with one key only"));
        }
        let repeated = self.verifying.iter().enumerate().any(|(index, key)| {
            let equals = |other: &VerifyingKey| {
                other.kid() == key.kid() && other.algorithm() == key.algorithm()
            };
            key.kid().is_some() && self.verifying[..index].iter().any(equals)
        });
        if repeated {
            return Err(ConfigError::conflict("two keys have the same key id and algorithm"));
        }
        Ok(Keys::new(self.signing, self.verifying, self.terms))
    }
}

/// One state of a [`KeySet`].
pub(crate) struct Keys {
    signing: Option<SigningKey>,
    verifying: Vec<VerifyingKey>,
    terms: Option<RotationTerms>,
    has_public_key: bool,
    /// What the usual headers of these keys' tokens say, in the order of their encoded forms.
    known_headers: Vec<(String, Header<'static>)>,
}

impl Keys {
    fn new(
        signing: Option<SigningKey>,
        verifying: Vec<VerifyingKey>,
        terms: Option<RotationTerms>,
    ) -> Self {
        let mut known_headers: Vec<_> = verifying.iter().flat_map(usual_headers).collect();
        known_headers.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        known_headers.dedup_by(|(one, _), (other, _)| one == other);
        let has_public_key = verifying.iter().any(|key| !key.algorithm().is_symmetric());
        Self { signing, verifying, terms, has_public_key, known_headers }
    }

    /// Keys that only verify.
    #[cfg(feature = "jwks")]
    pub(crate) fn of_verifying(keys: Vec<VerifyingKey>) -> Self {
        Self::new(None, keys, None)
    }

    /// What is asked of those who use these keys, if they are rotated.
    pub(crate) const fn terms(&self) -> Option<RotationTerms> {
        self.terms
    }

    pub(crate) const fn signing_key(&self) -> Option<&SigningKey> {
        self.signing.as_ref()
    }

    /// Whether a signature may cost much more to verify than an HMAC.
    pub(super) const fn has_public_key(&self) -> bool {
        self.has_public_key
    }

    pub(super) fn known_header(&self, token: &Compact<'_>) -> Option<&Header<'static>> {
        let known = &self.known_headers;
        let found = known.binary_search_by(|(encoded, _)| encoded.as_bytes().cmp(token.header));
        found.ok().map(|index| &known[index].1)
    }

    /// Verifies the signature of `token` with the keys that fit its header.
    pub(super) fn verify(
        &self,
        token: &Compact<'_>,
        header: &Header<'_>,
    ) -> Result<(), Unverified> {
        let fitting =
            || self.verifying.iter().filter(|key| key.algorithm().as_str() == header.algorithm);
        let key_id = header.key_id.as_deref();
        let is_named = key_id.is_some() && fitting().any(|key| key.kid() == key_id);
        let mut candidates = fitting()
            .filter(|key| match key_id {
                Some(_) if is_named => key.kid() == key_id,
                Some(_) => !key.has_chosen_kid(),
                None => true,
            })
            .peekable();
        if candidates.peek().is_none() {
            return Err(Unverified::by_these(AuthErrorKind::UnknownKey));
        }
        let mut buffer = SignatureBuffer::new();
        let signature = token.decode_signature(&mut buffer).map_err(Unverified::by_any)?;
        if candidates
            .take(MAX_CANDIDATES)
            .any(|key| key.verify_signature(token.signing_input, signature))
        {
            Ok(())
        } else if is_named {
            Err(Unverified::by_any(AuthErrorKind::InvalidSignature))
        } else {
            Err(Unverified::by_these(AuthErrorKind::InvalidSignature))
        }
    }
}

/// Why keys do not verify a token, and whether others could.
#[derive(Clone, Copy)]
pub(super) struct Unverified {
    pub(super) kind: AuthErrorKind,
    pub(super) others_may: bool,
}

impl Unverified {
    pub(super) const fn by_these(kind: AuthErrorKind) -> Self {
        Self { kind, others_may: true }
    }

    const fn by_any(kind: AuthErrorKind) -> Self {
        Self { kind, others_may: false }
    }
}

/// The spellings of a header that common libraries write for tokens of `key`.
fn usual_headers(key: &VerifyingKey) -> Vec<(String, Header<'static>)> {
    let algorithm = key.algorithm().as_str();
    let header = Header { algorithm: algorithm.into(), key_id: None, typ: Some("JWT".into()) };
    let mut headers: Vec<_> = [
        format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#),
        format!(r#"{{"typ":"JWT","alg":"{algorithm}"}}"#),
    ]
    .into_iter()
    .map(|json| (encode(json.as_bytes()), header.clone()))
    .collect();
    if let Some(key_id) = key.kid() {
        let named = Header { key_id: Some(key_id.to_owned().into()), ..header };
        let kid = serde_json::Value::from(key_id);
        let spellings = [
            format!(r#"{{"alg":"{algorithm}","kid":{kid},"typ":"JWT"}}"#),
            format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":{kid}}}"#),
            format!(r#"{{"typ":"JWT","alg":"{algorithm}","kid":{kid}}}"#),
        ];
        let at_jwt = Header { typ: Some("at+jwt".into()), ..named.clone() };
        headers.extend(spellings.into_iter().map(|json| (encode(json.as_bytes()), named.clone())));
        let json = format!(r#"{{"alg":"{algorithm}","kid":{kid},"typ":"at+jwt"}}"#);
        headers.push((encode(json.as_bytes()), at_jwt));
    }
    headers
}
