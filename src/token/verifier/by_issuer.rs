use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::error::ConfigError;

use super::{
    super::{
        cache::CacheStats, claims::Claims, compact::Compact, reader::peek_issuer,
        violation::wrong_issuer,
    },
    error::VerifyError,
    single::{SingleVerifier, decode_payload},
};

/// Verifiers of several issuers, one for each.
pub(super) struct ByIssuer<C> {
    verifiers: Vec<Arc<SingleVerifier<C>>>,
    max_token_len: usize,
}

impl<C> ByIssuer<C> {
    pub(super) fn new(verifiers: Vec<Arc<SingleVerifier<C>>>) -> Result<Self, ConfigError> {
        if verifiers.is_empty() {
            return Err(ConfigError::ineffective("`by_issuer` needs at least one verifier"));
        }
        for (index, verifier) in verifiers.iter().enumerate() {
            if verifier.issuers().next().is_none() {
                return Err(ConfigError::ineffective(
                    "each verifier of `by_issuer` must require an `issuer`",
                ));
            }
            let is_shared =
                |issuer| verifiers[..index].iter().any(|it| it.rules.accepts_issuer(issuer));
            if verifier.issuers().any(is_shared) {
                return Err(ConfigError::conflict(
                    "two verifiers of `by_issuer` must not require the same `issuer`",
                ));
            }
        }
        let max_token_len = verifiers.iter().map(|verifier| verifier.max_token_len).max();
        Ok(Self { verifiers, max_token_len: max_token_len.unwrap_or(0) })
    }

    pub(super) fn cache_stats(&self) -> CacheStats {
        let all = self.verifiers.iter().map(|verifier| verifier.cache_stats());
        all.fold(CacheStats::default(), |sum, stats| CacheStats {
            hits: sum.hits + stats.hits,
            misses: sum.misses + stats.misses,
        })
    }
}

impl<C: DeserializeOwned> ByIssuer<C> {
    /// Verifies `token` with the verifier of its `iss`. The `iss` is not verified yet, and selects
    /// a verifier only.
    pub(super) fn verify(&self, token: &[u8]) -> Result<Claims<C>, VerifyError> {
        let find_cached =
            |verifier: &Arc<SingleVerifier<C>>| verifier.find_cached(token, &verifier.keys.load());
        if let Some(result) = self.verifiers.iter().find_map(find_cached) {
            return Ok(result?);
        }
        let payload = decode_payload(&Compact::split(token, self.max_token_len)?)?;
        let issuer = peek_issuer(&payload);
        let accepts = |verifier: &&Arc<SingleVerifier<C>>| {
            issuer.as_deref().is_some_and(|issuer| verifier.rules.accepts_issuer(issuer))
        };
        let Some(verifier) = self.verifiers.iter().find(accepts) else {
            let accepted = self.verifiers.iter().flat_map(|verifier| verifier.issuers());
            return Err(wrong_issuer(accepted, issuer.as_deref()).into());
        };
        drop(issuer);
        verifier.verify_uncached(token, Some(payload), &verifier.keys.load())
    }
}
