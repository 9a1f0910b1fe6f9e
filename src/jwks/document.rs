//! JWK sets ([RFC 7517 section 5](https://www.rfc-editor.org/rfc/rfc7517#section-5)).

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::{
    error::ConfigError,
    token::{Algorithm, KeySet, VerifyingKey, check_members},
};

use super::error::FetchErrorKind;

/// More than any honest set has.
const MAX_KEYS: usize = 100;

/// The keys of a JWK set at hand: a file, or a text of the program.
///
/// Which keys are taken is told in the [module docs](super#what-is-trusted).
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
    /// Reads a JWK set.
    ///
    /// # Errors
    ///
    /// When it is malformed, has more than 100 keys, or none that can be used.
    pub fn from_json(json: &str) -> Result<Self, ConfigError> {
        match Self::read(json.as_bytes(), &Accepted(None)) {
            Ok(set) if set.keys.is_empty() => {
                Err(ConfigError::key("no key of the JWK set can be used"))
            }
            Ok(set) => Ok(set),
            Err(FetchErrorKind::TooLarge) => {
                Err(ConfigError::key("the JWK set has more than 100 keys"))
            }
            Err(_) => Err(ConfigError::key("malformed JWK set")),
        }
    }

    /// How many of its keys cannot be used.
    #[must_use]
    pub const fn skipped(&self) -> usize {
        self.skipped
    }

    pub(super) fn read(json: &[u8], accepted: &Accepted) -> Result<Self, FetchErrorKind> {
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
        let usable: Vec<_> = all.iter().filter_map(|key| accepted.read(key.get())).collect();
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

/// Whether the key at `index` shares id and algorithm with another one, or stands there before.
fn is_ambiguous(keys: &[VerifyingKey], index: usize, key: &VerifyingKey) -> bool {
    keys.iter().enumerate().any(|(other_index, other)| {
        other_index != index
            && other.kid() == key.kid()
            && other.algorithm() == key.algorithm()
            && (other_index < index || other.thumbprint() != key.thumbprint())
    })
}

/// The algorithms that keys may be for; unless configured, all that take no shared secret.
pub(super) struct Accepted(pub(super) Option<Vec<Algorithm>>);

impl Accepted {
    pub(super) fn accepts(&self, algorithm: Algorithm) -> bool {
        // Whoever reads a published secret could sign with it.
        !algorithm.is_symmetric() && self.0.as_ref().is_none_or(|list| list.contains(&algorithm))
    }

    /// The key of a JWK, unless it cannot be used.
    fn read(&self, json: &str) -> Option<VerifyingKey> {
        #[derive(Deserialize)]
        struct Kind<'a> {
            #[serde(borrow)]
            kty: Cow<'a, str>,
            #[serde(borrow, default)]
            crv: Option<Cow<'a, str>>,
            #[serde(borrow, default)]
            alg: Option<Cow<'a, str>>,
        }

        let kind: Kind<'_> = serde_json::from_str(json).ok()?;
        let algorithm = match kind.alg {
            Some(name) => name.parse().ok()?,
            None => self.algorithm_of(&kind.kty, kind.crv.as_deref())?,
        };
        if !self.accepts(algorithm) {
            return None;
        }
        VerifyingKey::from_jwk(json, algorithm).ok()
    }

    /// The algorithm of a key that names none: the usual one of its type if that is accepted, else
    /// the only one that is.
    fn algorithm_of(&self, kty: &str, crv: Option<&str>) -> Option<Algorithm> {
        use Algorithm::{ES256, ES384, EdDSA, PS256, PS384, PS512, RS256, RS384, RS512};
        let possible: &[_] = match (kty, crv) {
            ("RSA", _) => &[RS256, RS384, RS512, PS256, PS384, PS512],
            ("EC", Some("P-256")) => &[ES256],
            ("EC", Some("P-384")) => &[ES384],
            ("OKP", Some("Ed25519")) => &[EdDSA],
            _ => return None,
        };
        let mut accepted = possible.iter().copied().filter(|algorithm| self.accepts(*algorithm));
        let first = accepted.next()?;
        (first == possible[0] || accepted.next().is_none()).then_some(first)
    }
}
