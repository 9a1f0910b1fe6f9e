//! JWK sets ([RFC 7517 section 5](https://www.rfc-editor.org/rfc/rfc7517#section-5)).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    error::ConfigError,
    token::{Algorithm, KeySet, VerifyingKey, check_members},
};

use super::error::FetchErrorKind;

const MAX_KEYS: usize = 100;

/// The keys of a JWK set that the application has, for example in a file.
///
/// The [module docs](super#which-keys-are-trusted) list which keys are used.
///
/// ```
/// use tower_jwt_auth::{Verifier, jwks::JwkSet};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let set = JwkSet::from_json(
///     r#"{"keys":[
///         {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
///         {"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75"}
///     ]}"#,
/// )?;
/// assert_eq!(set.skipped(), 1);
/// let verifier: Verifier = Verifier::builder(set).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct JwkSet {
    pub(super) keys: Vec<VerifyingKey>,
    pub(super) skipped: usize,
}

impl JwkSet {
    /// Parses a JWK set.
    ///
    /// # Errors
    ///
    /// When the set is malformed, has more than 100 keys, or has no usable key.
    pub fn from_json(json: &str) -> Result<Self, ConfigError> {
        match Self::parse(json.as_bytes(), &AcceptedAlgorithms::all()) {
            Ok(set) if set.keys.is_empty() => {
                Err(ConfigError::key("the JWK set has no usable key"))
            }
            Ok(set) => Ok(set),
            Err(FetchErrorKind::TooLarge) => {
                Err(ConfigError::key("the JWK set must have at most 100 keys"))
            }
            Err(_) => Err(ConfigError::key("the JWK set is malformed")),
        }
    }

    /// The number of keys in the set that cannot be used.
    #[must_use]
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    pub(super) fn parse(
        json: &[u8],
        accepted: &AcceptedAlgorithms,
    ) -> Result<Self, FetchErrorKind> {
        #[derive(Deserialize)]
        struct Set<'a> {
            #[serde(borrow)]
            keys: Vec<&'a RawValue>,
        }

        let malformed = |_| FetchErrorKind::Malformed;
        let json = str::from_utf8(json).or(Err(FetchErrorKind::Malformed))?;
        check_members(json, |_| true).map_err(malformed)?;
        let Set { keys: all } = serde_json::from_str(json).map_err(malformed)?;
        if all.len() > MAX_KEYS {
            return Err(FetchErrorKind::TooLarge);
        }
        let usable: Vec<_> = all.iter().filter_map(|key| accepted.parse_key(key.get())).collect();
        let keys: Vec<_> = usable
            .iter()
            .enumerate()
            .filter(|(index, key)| !is_ambiguous(&usable, *index, key))
            .map(|(_, key)| key.clone())
            .collect();
        Ok(Self { skipped: all.len() - keys.len(), keys })
    }
}

impl From<JwkSet> for KeySet {
    fn from(set: JwkSet) -> Self {
        Self::of_verifying(set.keys)
    }
}

/// Whether another key has the id and the algorithm of the key at `index`. Of two equal keys, only
/// the second one counts as ambiguous.
fn is_ambiguous(keys: &[VerifyingKey], index: usize, key: &VerifyingKey) -> bool {
    keys.iter().enumerate().any(|(other_index, other)| {
        other_index != index
            && other.kid() == key.kid()
            && other.algorithm() == key.algorithm()
            && (other_index < index || other.thumbprint() != key.thumbprint())
    })
}

/// The algorithms of the keys that are used.
pub(super) struct AcceptedAlgorithms(Option<Vec<Algorithm>>);

impl AcceptedAlgorithms {
    /// All asymmetric algorithms.
    pub(super) const fn all() -> Self {
        Self(None)
    }

    pub(super) fn only(algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        Self(Some(algorithms.into_iter().collect()))
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        let Self(Some(algorithms)) = self else { return Ok(()) };
        if algorithms.is_empty() {
            return Err(ConfigError::ineffective("`algorithms` must not be empty"));
        }
        if algorithms.iter().any(|algorithm| algorithm.is_symmetric()) {
            return Err(ConfigError::conflict("`algorithms` must be asymmetric"));
        }
        Ok(())
    }

    pub(super) fn contains(&self, algorithm: Algorithm) -> bool {
        // A client that can read a published secret could sign with it.
        !algorithm.is_symmetric() && self.0.as_ref().is_none_or(|list| list.contains(&algorithm))
    }

    /// Parses a JWK; `None` if it cannot be used.
    fn parse_key(&self, json: &str) -> Option<VerifyingKey> {
        #[derive(Deserialize)]
        struct Jwk<'a> {
            #[serde(borrow)]
            kty: Cow<'a, str>,
            #[serde(borrow, default)]
            crv: Option<Cow<'a, str>>,
            #[serde(borrow, default)]
            alg: Option<Cow<'a, str>>,
        }

        let jwk: Jwk<'_> = serde_json::from_str(json).ok()?;
        let algorithm = match jwk.alg {
            Some(name) => name.parse().ok()?,
            None => self.default_algorithm(&jwk.kty, jwk.crv.as_deref())?,
        };
        if !self.contains(algorithm) {
            return None;
        }
        VerifyingKey::from_jwk(json, algorithm).ok()
    }

    /// The algorithm of a key without `alg`: the default one of its type if that is accepted,
    /// otherwise the only accepted one.
    fn default_algorithm(&self, kty: &str, crv: Option<&str>) -> Option<Algorithm> {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        let possible: &[_] = match (kty, crv) {
            ("RSA", _) => &[RS256, RS384, RS512, PS256, PS384, PS512],
            ("EC", Some("P-256")) => &[ES256],
            ("EC", Some("P-384")) => &[ES384],
            ("OKP", Some("Ed25519")) => &[EdDSA],
            _ => return None,
        };
        let mut accepted = possible.iter().copied().filter(|algorithm| self.contains(*algorithm));
        let first = accepted.next()?;
        (first == possible[0] || accepted.next().is_none()).then_some(first)
    }
}
