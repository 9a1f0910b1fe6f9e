//! [`KeySet`]: the keys a verifier trusts, the one an issuer signs with, replaceable while serving.

use std::{fmt, sync::Arc};

use arc_swap::{ArcSwap, Guard};

use crate::error::{AuthErrorKind, ConfigError, ConfigErrorKind};

use super::{
    compact::{Compact, MAX_SIGNATURE, encode},
    header::Header,
    key::{SigningKey, VerifyingKey},
};

/// How many keys may be tried for one token that does not say which it was signed with.
const MAX_CANDIDATES: usize = 4;

/// Verifying keys by issuer and key id, and at most one signing key.
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
/// 1. Only keys of the token's issuer, where keys belong to issuers, and of its exact algorithm.
/// 2. If the token has a `kid` and keys have it, those; else keys whose id nobody chose.
/// 3. If it has none, any of them, up to four.
///
/// Nothing else in the token's header has a say.
#[derive(Clone)]
pub struct KeySet(Arc<ArcSwap<Keys>>);

impl KeySet {
    /// Starts an empty set.
    pub fn builder() -> KeySetBuilder {
        KeySetBuilder::default()
    }

    /// Puts other keys in place of these, atomically, for every clone of this handle.
    ///
    /// # Errors
    ///
    /// As [`KeySetBuilder::build`]; also when this set can sign and the new one cannot, or keys of
    /// the one belong to issuers and those of the other do not. The old keys stay then.
    pub fn replace(&self, keys: KeySetBuilder) -> Result<(), ConfigError> {
        let new = keys.into_keys()?;
        let old = self.0.load();
        if old.signing.is_some() && new.signing.is_none() {
            return Err(ConfigError::new(
                ConfigErrorKind::Ineffective,
                "the new keys lack a signing key, and the old ones had one",
            ));
        }
        if old.by_issuer != new.by_issuer {
            return Err(ConfigError::new(
                ConfigErrorKind::Conflict,
                "keys that belong to issuers cannot replace keys that do not, nor the reverse",
            ));
        }
        self.0.store(Arc::new(new));
        Ok(())
    }

    pub(crate) fn load(&self) -> Guard<Arc<Keys>> {
        self.0.load()
    }
}

impl From<SigningKey> for KeySet {
    fn from(key: SigningKey) -> Self {
        let verifying = Entry { issuer: None, key: key.verifying_key() };
        Self::of(Keys::new(Some(key), vec![verifying]))
    }
}

impl From<VerifyingKey> for KeySet {
    fn from(key: VerifyingKey) -> Self {
        Self::of(Keys::new(None, vec![Entry { issuer: None, key }]))
    }
}

impl KeySet {
    fn of(keys: Keys) -> Self {
        Self(Arc::new(ArcSwap::from_pointee(keys)))
    }
}

impl fmt::Debug for KeySet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let keys = self.load();
        f.debug_struct("KeySet")
            .field("signing", &keys.signing)
            .field("verifying", &keys.entries.len())
            .finish()
    }
}

/// Gathers the keys of a [`KeySet`].
#[derive(Debug, Default)]
#[must_use]
pub struct KeySetBuilder {
    signing: Option<SigningKey>,
    entries: Vec<Entry>,
    several_signing: bool,
}

impl KeySetBuilder {
    /// Sets the key that signs; it verifies as well. Default: none, the set only verifies.
    pub fn signing_key(mut self, key: SigningKey) -> Self {
        self.several_signing |= self.signing.is_some();
        self.entries.push(Entry { issuer: None, key: key.verifying_key() });
        self.signing = Some(key);
        self
    }

    /// Adds a key that verifies tokens of any issuer.
    pub fn verifying_key(mut self, key: VerifyingKey) -> Self {
        self.entries.push(Entry { issuer: None, key });
        self
    }

    /// Adds a key that verifies only tokens whose `iss` is `issuer`, byte for byte.
    ///
    /// The same `kid` at two issuers names two keys.
    pub fn issuer_key(mut self, issuer: impl Into<Box<str>>, key: VerifyingKey) -> Self {
        self.entries.push(Entry { issuer: Some(issuer.into()), key });
        self
    }

    /// Builds the set.
    ///
    /// # Errors
    ///
    /// When there is no key, there are two signing keys, two keys of one issuer have the same key
    /// id and algorithm, or some keys belong to an issuer and some do not.
    pub fn build(self) -> Result<KeySet, ConfigError> {
        Ok(KeySet::of(self.into_keys()?))
    }

    fn into_keys(self) -> Result<Keys, ConfigError> {
        let conflict = |message| Err(ConfigError::new(ConfigErrorKind::Conflict, message));
        if self.entries.is_empty() {
            return Err(ConfigError::new(ConfigErrorKind::Ineffective, "the key set is empty"));
        }
        if self.several_signing {
            return conflict("a key set signs with one key only");
        }
        if self
            .entries
            .iter()
            .any(|entry| entry.issuer.is_some() != self.entries[0].issuer.is_some())
        {
            return conflict("either every key belongs to an issuer, or none does");
        }
        let repeated = self.entries.iter().enumerate().any(|(index, entry)| {
            entry.key.kid().is_some()
                && self.entries[..index].iter().any(|other| other.equals(entry))
        });
        if repeated {
            return conflict("two keys of one issuer have the same key id and algorithm");
        }
        Ok(Keys::new(self.signing, self.entries))
    }
}

#[derive(Debug)]
struct Entry {
    issuer: Option<Box<str>>,
    key: VerifyingKey,
}

impl Entry {
    fn equals(&self, other: &Self) -> bool {
        self.issuer == other.issuer
            && self.key.kid() == other.key.kid()
            && self.key.algorithm() == other.key.algorithm()
    }
}

/// One state of a [`KeySet`].
pub(crate) struct Keys {
    signing: Option<SigningKey>,
    entries: Vec<Entry>,
    by_issuer: bool,
    /// What the usual headers of these keys' tokens say, in the order of their encoded forms.
    known_headers: Vec<(String, Header<'static>)>,
}

impl Keys {
    fn new(signing: Option<SigningKey>, entries: Vec<Entry>) -> Self {
        let by_issuer = entries.first().is_some_and(|entry| entry.issuer.is_some());
        let mut known_headers: Vec<_> =
            entries.iter().flat_map(|entry| usual_headers(&entry.key)).collect();
        known_headers.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        known_headers.dedup_by(|(one, _), (other, _)| one == other);
        Self { signing, entries, by_issuer, known_headers }
    }

    pub(crate) const fn signing_key(&self) -> Option<&SigningKey> {
        self.signing.as_ref()
    }

    /// Whether a token's `iss` must be known before a key can be chosen.
    pub(super) const fn by_issuer(&self) -> bool {
        self.by_issuer
    }

    pub(super) fn known_header(&self, token: &Compact<'_>) -> Option<&Header<'static>> {
        let known = &self.known_headers;
        let found = known.binary_search_by(|(encoded, _)| encoded.as_str().cmp(token.header));
        found.ok().map(|index| &known[index].1)
    }

    /// Verifies the signature of `token` with the keys that fit its header and issuer.
    pub(super) fn verify(
        &self,
        token: &Compact<'_>,
        header: &Header<'_>,
        issuer: Option<&str>,
    ) -> Result<(), AuthErrorKind> {
        let fitting = || {
            self.entries.iter().filter(move |entry| {
                entry.issuer.as_deref() == issuer
                    && entry.key.algorithm().as_str() == header.algorithm
            })
        };
        let key_id = header.key_id.as_deref();
        let is_named = key_id.is_some() && fitting().any(|entry| entry.key.kid() == key_id);
        let mut candidates = fitting()
            .map(|entry| &entry.key)
            .filter(|key| match key_id {
                Some(_) if is_named => key.kid() == key_id,
                Some(_) => !key.has_chosen_kid(),
                None => true,
            })
            .peekable();
        if candidates.peek().is_none() {
            return Err(AuthErrorKind::UnknownKey);
        }
        let mut buffer = [0; MAX_SIGNATURE];
        let signature = token.decode_signature(&mut buffer)?;
        let message = token.signing_input.as_bytes();
        let verified =
            candidates.take(MAX_CANDIDATES).any(|key| key.verify_signature(message, signature));
        if verified { Ok(()) } else { Err(AuthErrorKind::BadSignature) }
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
        headers.extend(spellings.into_iter().map(|json| (encode(json.as_bytes()), named.clone())));
    }
    headers
}
