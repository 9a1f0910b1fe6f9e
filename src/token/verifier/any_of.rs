use crate::error::{AuthError, AuthErrorKind, ConfigError};

use super::{
    super::{cache::CacheStats, claims::Claims},
    error::{Fetch, VerifyError},
    token_verifier::{SharedVerifier, TokenVerifier},
};

/// Verifiers that are tried in turn.
pub(super) struct AnyOf<C>(Vec<SharedVerifier<C>>);

impl<C> AnyOf<C> {
    pub(super) fn new(verifiers: Vec<SharedVerifier<C>>) -> Result<Self, ConfigError> {
        if verifiers.is_empty() {
            return Err(ConfigError::ineffective("`any_of` needs at least one verifier"));
        }
        Ok(Self(verifiers))
    }
}

impl<C> TokenVerifier<C> for AnyOf<C> {
    fn issuers(&self) -> Vec<&str> {
        self.0.iter().flat_map(|verifier| verifier.issuers()).collect()
    }

    fn accepts_issuer(&self, issuer: &str) -> bool {
        self.0.iter().any(|verifier| verifier.accepts_issuer(issuer))
    }

    fn requires_issuer(&self) -> bool {
        self.0.iter().all(|verifier| verifier.requires_issuer())
    }

    fn requires_audience(&self) -> bool {
        self.0.iter().all(|verifier| verifier.requires_audience())
    }

    fn accepts_audience(&self, audience: &str) -> bool {
        self.0.iter().all(|verifier| verifier.accepts_audience(audience))
    }

    fn requires_logout_tokens(&self) -> bool {
        self.0.iter().all(|verifier| verifier.requires_logout_tokens())
    }

    fn max_token_len(&self) -> usize {
        self.0.iter().map(|verifier| verifier.max_token_len()).max().unwrap_or(0)
    }

    fn cache_stats(&self) -> CacheStats {
        self.0.iter().map(|verifier| verifier.cache_stats()).sum()
    }

    fn find_cached(&self, token: &[u8]) -> Option<Result<Claims<C>, AuthError>> {
        // Another verifier may accept what the one that cached the token rejects by now.
        self.0.iter().find_map(|verifier| verifier.find_cached(token).filter(Result::is_ok))
    }

    fn verify_uncached(&self, token: &[u8], _: Option<String>) -> Result<Claims<C>, VerifyError> {
        let mut failures = Failures::default();
        for verifier in &self.0 {
            match verifier.verify(token) {
                Ok(claims) => return Ok(claims),
                Err(error) => failures.add(error),
            }
        }
        Err(failures.into_error())
    }
}

/// The errors of all verifiers.
#[derive(Default)]
struct Failures {
    fetches: Vec<Fetch>,
    /// The most informative error, and the first of several.
    error: Option<(Relevance, AuthError)>,
}

/// How informative an error is, from least to most.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Relevance {
    /// The token belongs to another verifier.
    Foreign,
    /// The header or a claim shows that the verifier is not meant for such tokens.
    OtherType,
    /// The verifier has the key that the token names, and it does not verify the signature.
    Forged,
    /// The token violates a rule of the verifier, which may not be the one it belongs to.
    Invalid,
    /// The verifier may accept the token when its keys are available.
    Undecided,
    /// The verifier has verified the signature, so the token belongs to it.
    Decided,
}

impl Failures {
    fn add(&mut self, error: VerifyError) {
        let (relevance, error) = match error {
            VerifyError::Decided(error) => (Relevance::Decided, error),
            VerifyError::Final(error) => (relevance(error.kind()), error),
            VerifyError::KeysNeeded { fetches, otherwise } => {
                self.fetches.extend(fetches);
                (relevance(otherwise.kind()), otherwise)
            }
        };
        if self.error.as_ref().is_none_or(|(known, _)| *known < relevance) {
            self.error = Some((relevance, error));
        }
    }

    fn into_error(self) -> VerifyError {
        match self.error {
            Some((Relevance::Decided, error)) => VerifyError::Decided(error),
            Some((_, error)) if self.fetches.is_empty() => VerifyError::Final(error),
            Some((_, otherwise)) => VerifyError::KeysNeeded { fetches: self.fetches, otherwise },
            None => AuthErrorKind::UnknownKey.into(),
        }
    }
}

const fn relevance(kind: AuthErrorKind) -> Relevance {
    match kind {
        AuthErrorKind::UnknownKey | AuthErrorKind::WrongIssuer => Relevance::Foreign,
        AuthErrorKind::WrongTokenType => Relevance::OtherType,
        AuthErrorKind::InvalidSignature => Relevance::Forged,
        AuthErrorKind::Unavailable | AuthErrorKind::Overloaded | AuthErrorKind::Misconfigured => {
            Relevance::Undecided
        }
        _ => Relevance::Invalid,
    }
}
