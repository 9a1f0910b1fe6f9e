use serde::de::DeserializeOwned;

use crate::error::{AuthErrorKind, ConfigError};

use super::{
    super::{cache::CacheStats, claims::Claims, compact::Compact, registered::peek_issuer},
    Inner, Refusal, Verifier, decode_payload,
};

/// Verifiers of one issuer each.
pub(super) struct ByIssuer<C> {
    verifiers: Vec<Verifier<C>>,
    max_token_len: usize,
}

impl<C> ByIssuer<C> {
    pub(super) fn new(verifiers: Vec<Verifier<C>>) -> Result<Self, ConfigError> {
        if verifiers.is_empty() {
            return Err(ConfigError::ineffective("there is no issuer to choose from"));
        }
        for (index, verifier) in verifiers.iter().enumerate() {
            let Some(issuer) = verifier.issuer() else {
                return Err(ConfigError::ineffective(
                    "each verifier must require an issuer to be chosen by",
                ));
            };
            if verifiers[..index].iter().any(|other| other.issuer() == Some(issuer)) {
                return Err(ConfigError::conflict("two verifiers require the same issuer"));
            }
        }
        let max_token_len = verifiers.iter().map(|one| one.0.max_token_len()).max().unwrap_or(0);
        Ok(Self { verifiers, max_token_len })
    }

    pub(super) const fn max_token_len(&self) -> usize {
        self.max_token_len
    }

    pub(super) fn cache_stats(&self) -> CacheStats {
        self.verifiers.iter().map(Verifier::cache_stats).fold(CacheStats::default(), |sum, one| {
            CacheStats { hits: sum.hits + one.hits, misses: sum.misses + one.misses }
        })
    }
}

impl<C: DeserializeOwned> ByIssuer<C> {
    /// The token's `iss`, which nobody has verified yet, chooses whose rules it must meet, all of
    /// them, and has no other say.
    pub(super) fn verify(&self, token: &[u8]) -> Result<Claims<C>, Refusal> {
        let remembered = self.verifiers.iter().find_map(|verifier| match &*verifier.0 {
            Inner::One(one) => one.remembered(token, &one.keys.load()),
            Inner::ByIssuer(_) => None,
        });
        if let Some(result) = remembered {
            return Ok(result?);
        }
        let split = Compact::split(token, self.max_token_len)?;
        let payload = decode_payload(&split)?;
        let issuer = peek_issuer(&payload).ok_or(AuthErrorKind::WrongIssuer)?;
        let chosen = self.verifiers.iter().find(|verifier| verifier.issuer() == Some(&issuer));
        match chosen.map(|verifier| &*verifier.0) {
            Some(Inner::One(one)) => {
                drop(issuer);
                one.verify(token, Some(payload), &one.keys.load())
            }
            _ => Err(AuthErrorKind::WrongIssuer.into()),
        }
    }
}
