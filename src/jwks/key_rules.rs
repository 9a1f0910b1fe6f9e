//! Which of the published keys are used.

use crate::{error::ConfigError, token::Algorithm};

/// The configured rules for keys.
pub(super) struct KeyRules {
    pub(super) algorithms: AcceptedAlgorithms,
    /// Whether keys with `use: "jwt-svid"` are accepted.
    pub(super) accepts_jwt_svid: bool,
    /// Whether the keys are those of several issuers, so that each must name its own.
    pub(super) requires_issuer: bool,
}

impl KeyRules {
    pub(super) const fn new() -> Self {
        Self {
            algorithms: AcceptedAlgorithms::all(),
            accepts_jwt_svid: false,
            requires_issuer: false,
        }
    }

    /// Returns the algorithm of a key of this type: its `alg`, or else the default one.
    pub(super) fn algorithm(
        &self,
        alg: Option<&str>,
        (kty, crv): (&str, Option<&str>),
    ) -> Result<Algorithm, ConfigError> {
        if kty == "oct" {
            return Err(ConfigError::key("the key is symmetric"));
        }
        let algorithm = match alg {
            Some(name) => name.parse()?,
            None => self.algorithms.default_for(kty, crv).ok_or(ConfigError::key(
                "the key has no `alg`, and none of its type is accepted, or several are",
            ))?,
        };
        if !self.algorithms.contains(algorithm) {
            return Err(ConfigError::key("the algorithm of the key is not accepted"));
        }
        Ok(algorithm)
    }
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

    /// The algorithm of a key without `alg`: the default one of its type if that is accepted,
    /// otherwise the only accepted one.
    fn default_for(&self, kty: &str, crv: Option<&str>) -> Option<Algorithm> {
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
