use crate::error::{AuthError, ConfigError};

use super::{
    super::{
        cache::CacheStats, claims::Claims, compact::Compact, peek::peek, violation::wrong_issuer,
    },
    error::VerifyError,
    single::decode_payload,
    token_verifier::{SharedVerifier, TokenVerifier},
};

/// Verifiers of several issuers.
pub(super) struct ByIssuer<C> {
    verifiers: Vec<SharedVerifier<C>>,
    max_token_len: usize,
}

impl<C> ByIssuer<C> {
    pub(super) fn new(verifiers: Vec<SharedVerifier<C>>) -> Result<Self, ConfigError> {
        if verifiers.is_empty() {
            return Err(ConfigError::ineffective("`by_issuer` needs at least one verifier"));
        }
        for (index, verifier) in verifiers.iter().enumerate() {
            if !verifier.requires_issuer() {
                return Err(ConfigError::ineffective(
                    "each verifier of `by_issuer` must require an `issuer`",
                ));
            }
            let is_shared = |issuer: &str| {
                verifiers.iter().take(index).any(|other| other.accepts_issuer(issuer))
            };
            if verifier.issuers().into_iter().any(is_shared) {
                return Err(ConfigError::conflict(
                    "two verifiers of `by_issuer` must not require the same `issuer`",
                ));
            }
        }
        let max_token_len = verifiers.iter().map(|verifier| verifier.max_token_len()).max();
        Ok(Self { verifiers, max_token_len: max_token_len.unwrap_or(0) })
    }
}

impl<C> TokenVerifier<C> for ByIssuer<C> {
    fn issuers(&self) -> Vec<&str> {
        self.verifiers.iter().flat_map(|verifier| verifier.issuers()).collect()
    }

    fn accepts_issuer(&self, issuer: &str) -> bool {
        self.verifiers.iter().any(|verifier| verifier.accepts_issuer(issuer))
    }

    fn requires_issuer(&self) -> bool {
        true
    }

    fn requires_audience(&self) -> bool {
        self.verifiers.iter().all(|verifier| verifier.requires_audience())
    }

    fn accepts_audience(&self, audience: &str) -> bool {
        self.verifiers.iter().all(|verifier| verifier.accepts_audience(audience))
    }

    fn requires_logout_tokens(&self) -> bool {
        self.verifiers.iter().all(|verifier| verifier.requires_logout_tokens())
    }

    fn max_token_len(&self) -> usize {
        self.max_token_len
    }

    fn cache_stats(&self) -> CacheStats {
        self.verifiers.iter().map(|verifier| verifier.cache_stats()).sum()
    }

    fn find_cached(&self, token: &[u8]) -> Option<Result<Claims<C>, AuthError>> {
        self.verifiers.iter().find_map(|verifier| verifier.find_cached(token))
    }

    /// Verifies `token` with the verifier of its `iss`. The `iss` is not verified yet, and selects
    /// a verifier only.
    fn verify_uncached(
        &self,
        token: &[u8],
        payload: Option<String>,
    ) -> Result<Claims<C>, VerifyError> {
        let payload = match payload {
            Some(payload) => payload,
            None => decode_payload(&Compact::split(token, self.max_token_len)?)?,
        };
        let [issuer] = peek(&payload, ["iss"]);
        let accepts = |verifier: &&SharedVerifier<C>| {
            issuer.as_deref().is_some_and(|issuer| verifier.accepts_issuer(issuer))
        };
        let Some(verifier) = self.verifiers.iter().find(accepts) else {
            return Err(wrong_issuer(self.issuers(), issuer.as_deref()).into());
        };
        drop(issuer);
        verifier.verify_uncached(token, Some(payload))
    }
}
