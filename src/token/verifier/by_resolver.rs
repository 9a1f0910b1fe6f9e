use std::sync::Arc;

use futures::future::BoxFuture;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind, ErrorDetails},
};

use super::{
    super::{
        algorithm::Algorithm,
        cache::CacheStats,
        claims::Claims,
        compact::{Compact, SignatureBuffer},
        header::Header,
        peek::{peek, peek_expiry},
        validation::MAX_LEEWAY,
    },
    error::VerifyError,
    single::decode_payload,
    token_verifier::{SharedVerifier, TokenVerifier},
};

/// The length of the longest issuer, in bytes. Issuers without a verifier are remembered.
const MAX_ISSUER_LEN: usize = 1024;

/// The port to verifiers of issuers that are known only at run time.
pub(crate) trait VerifierSource<C>: Send + Sync {
    /// Returns whether `issuer` may have a verifier. It must be quick.
    fn allows(&self, issuer: &str) -> bool;

    fn now(&self) -> NumericDate;

    /// Whether each verifier has an audience.
    fn requires_audience(&self) -> bool;

    /// The length of the longest token, in bytes.
    fn max_token_len(&self) -> usize;

    fn find(&self, issuer: &str) -> Found<C>;

    /// Makes the verifier of `issuer`, or joins the call that already does, and fetches the keys for `token`.
    /// Returns `None` if too many issuers are being resolved.
    fn resolve(self: Arc<Self>, issuer: &str, token: Vec<u8>) -> Option<BoxFuture<'static, ()>>;

    /// The verifier of `issuer` has accepted a token.
    fn confirm(&self, issuer: &str, verifier: SharedVerifier<C>);

    fn cache_stats(&self) -> CacheStats;
}

/// What is known of an issuer.
pub(crate) enum Found<C> {
    /// Its verifier has accepted a token.
    Confirmed(SharedVerifier<C>),
    /// Its verifier has not accepted a token yet.
    Unconfirmed(SharedVerifier<C>),
    /// It has no verifier.
    Rejected(AuthError),
    Unknown,
}

/// Verifies each token with the verifier of its issuer.
pub(crate) struct ByResolver<C>(Arc<dyn VerifierSource<C>>);

impl<C> ByResolver<C> {
    pub(crate) fn new(source: Arc<dyn VerifierSource<C>>) -> Self {
        Self(source)
    }
}

impl<C: 'static> TokenVerifier<C> for ByResolver<C> {
    fn issuers(&self) -> Vec<&str> {
        Vec::new()
    }

    fn accepts_issuer(&self, issuer: &str) -> bool {
        self.0.allows(issuer)
    }

    fn requires_issuer(&self) -> bool {
        true
    }

    fn requires_audience(&self) -> bool {
        self.0.requires_audience()
    }

    fn accepts_audience(&self, _: &str) -> bool {
        // The audiences of verifiers that are not resolved yet are unknown.
        true
    }

    fn requires_logout_tokens(&self) -> bool {
        // Its verifiers are not known yet.
        false
    }

    fn max_token_len(&self) -> usize {
        self.0.max_token_len()
    }

    fn cache_stats(&self) -> CacheStats {
        self.0.cache_stats()
    }

    /// Only the verifier of the issuer has a cache, and the token has to be read to find it.
    fn find_cached(&self, _: &[u8]) -> Option<Result<Claims<C>, AuthError>> {
        None
    }

    fn verify_uncached(
        &self,
        token: &[u8],
        payload: Option<String>,
    ) -> Result<Claims<C>, VerifyError> {
        let compact = Compact::split(token, self.0.max_token_len())?;
        let payload = match payload {
            Some(payload) => payload,
            None => decode_payload(&compact)?,
        };
        let [issuer] = peek(&payload, ["iss"]);
        let issuer = match issuer {
            Some(issuer) if issuer.len() <= MAX_ISSUER_LEN && self.0.allows(&issuer) => {
                issuer.into_owned()
            }
            _ => {
                let rule = "expected an issuer that the rule for issuers allows";
                return Err(error(AuthErrorKind::WrongIssuer, rule).into());
            }
        };
        let (verifier, is_confirmed) = match self.0.find(&issuer) {
            Found::Confirmed(verifier) => (verifier, true),
            Found::Unconfirmed(verifier) => (verifier, false),
            Found::Rejected(error) => return Err(error.into()),
            Found::Unknown => {
                check_before_resolving(&compact, &payload, self.0.now())?;
                let (source, token) = (Arc::clone(&self.0), token.to_owned());
                return Err(VerifyError::KeysNeeded {
                    fetches: vec![Box::new(move || source.resolve(&issuer, token))],
                    otherwise: error(AuthErrorKind::Unavailable, "the issuer is not resolved yet"),
                });
            }
        };
        let claims = match verifier.find_cached(token) {
            Some(result) => result.map_err(VerifyError::Decided)?,
            None => verifier.verify_uncached(token, Some(payload))?,
        };
        if !is_confirmed {
            self.0.confirm(&issuer, verifier);
        }
        Ok(claims)
    }
}

/// Rejects a token that no verifier can accept, so that it does not cause a resolution.
fn check_before_resolving(
    token: &Compact<'_>,
    payload: &str,
    now: NumericDate,
) -> Result<(), AuthError> {
    let json = token.decode_header()?;
    let header = Header::read(&json)?;
    if header.algorithm.parse::<Algorithm>().is_err() {
        let details = ErrorDetails {
            member: Some("alg".into()),
            rule: Some("expected a supported algorithm".into()),
            ..ErrorDetails::default()
        };
        return Err(AuthError::with_details(AuthErrorKind::UnknownKey, details));
    }
    token.decode_signature(&mut SignatureBuffer::new())?;
    if peek_expiry(payload).is_some_and(|expiry| now >= expiry.saturating_add(MAX_LEEWAY)) {
        return Err(AuthErrorKind::Expired.into());
    }
    Ok(())
}

fn error(kind: AuthErrorKind, rule: &'static str) -> AuthError {
    let details = ErrorDetails {
        member: Some("iss".into()),
        rule: Some(rule.into()),
        setting: Some("by_resolver"),
        ..ErrorDetails::default()
    };
    AuthError::with_details(kind, details)
}
