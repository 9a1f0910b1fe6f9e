//! What every kind of verifier does.

use std::sync::Arc;

use crate::error::AuthError;

use super::{
    super::{cache::CacheStats, claims::Claims},
    error::VerifyError,
};

/// A verifier of any kind.
pub(crate) type SharedVerifier<C> = Arc<dyn TokenVerifier<C> + Send + Sync>;

/// A verifier that can be one of several.
pub(crate) trait TokenVerifier<C> {
    /// Returns the issuers that are known by name, of those that it accepts.
    fn issuers(&self) -> Vec<&str>;

    /// Returns whether it accepts tokens of `issuer`. Meaningless if it does not
    /// [require](Self::requires_issuer) an issuer.
    fn accepts_issuer(&self, issuer: &str) -> bool;

    /// Returns whether every accepted token has an `iss` that was compared with a configured one.
    fn requires_issuer(&self) -> bool;

    /// Returns whether every accepted token has an `aud` that was compared with a configured one.
    fn requires_audience(&self) -> bool;

    /// Returns whether it accepts tokens for `audience`, as far as its audiences are known.
    /// Meaningless if it does not [require](Self::requires_audience) an audience.
    fn accepts_audience(&self, audience: &str) -> bool;

    /// Returns whether all accepted tokens are logout tokens.
    #[cfg_attr(not(feature = "routes"), allow(dead_code, reason = "only for routes"))]
    fn requires_logout_tokens(&self) -> bool;

    /// The length of the longest token, in bytes.
    fn max_token_len(&self) -> usize;

    fn cache_stats(&self) -> CacheStats;

    /// Returns the claims of a token in the cache, after checking again what may have changed since.
    /// `None` if the token has to be verified.
    fn find_cached(&self, token: &[u8]) -> Option<Result<Claims<C>, AuthError>>;

    /// Verifies `token`, whose decoded payload the caller may pass.
    fn verify_uncached(
        &self,
        token: &[u8],
        payload: Option<String>,
    ) -> Result<Claims<C>, VerifyError>;

    /// Verifies `token`, or finds it in the cache.
    fn verify(&self, token: &[u8]) -> Result<Claims<C>, VerifyError> {
        match self.find_cached(token) {
            Some(result) => result.map_err(VerifyError::Decided),
            None => self.verify_uncached(token, None),
        }
    }
}
