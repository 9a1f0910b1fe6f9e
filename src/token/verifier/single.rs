//! One set of keys with one set of rules.

use std::{fmt, sync::Arc};

use serde::de::DeserializeOwned;

use crate::error::{AuthError, AuthErrorKind, ErrorDetails, escape};

use super::{
    super::{
        cache::{CacheStats, TokenCache},
        claims::Claims,
        compact::{Compact, SignatureBuffer},
        header::Header,
        key::VerifyingKey,
        key_source::KeySource,
        keys::{Keys, SignatureError},
        keyset::KeySet,
        token_profile::TokenProfile,
    },
    claims_verifier::ClaimsVerifier,
    error::{Fetch, VerifyError},
    token_verifier::TokenVerifier,
};

pub(super) struct SingleVerifier<C> {
    pub(super) keys: KeySet,
    pub(super) claims: ClaimsVerifier<C>,
    pub(super) max_token_len: usize,
    pub(super) cache: CachePolicy<C>,
}

/// When verified tokens are cached.
pub(super) enum CachePolicy<C> {
    Never,
    /// While one of the keys is asymmetric.
    WithPublicKeys(TokenCache<C>),
    Always(TokenCache<C>),
}

impl<C> SingleVerifier<C> {
    /// Whether tokens must name one of the configured issuers.
    pub(super) fn requires_issuer(&self) -> bool {
        self.claims.rules.issuers.is_some()
    }

    /// Whether tokens must be intended for one of the configured audiences.
    pub(super) const fn requires_audience(&self) -> bool {
        self.claims.rules.audiences.is_some()
    }

    /// Whether `audience` is one of the configured audiences.
    pub(super) fn accepts_audience(&self, audience: &str) -> bool {
        self.claims.rules.accepts_audience(audience)
    }

    /// Whether tokens must be logout tokens.
    #[cfg_attr(not(feature = "routes"), allow(dead_code, reason = "only for routes"))]
    pub(super) fn requires_logout_tokens(&self) -> bool {
        self.claims.rules.profile == TokenProfile::LogoutToken
    }

    pub(super) fn cache_stats(&self) -> CacheStats {
        match &self.cache {
            CachePolicy::Never => CacheStats::default(),
            CachePolicy::WithPublicKeys(cache) | CachePolicy::Always(cache) => cache.stats(),
        }
    }

    fn cache_for(&self, keys: &Keys) -> Option<&TokenCache<C>> {
        match &self.cache {
            CachePolicy::Always(cache) => Some(cache),
            CachePolicy::WithPublicKeys(cache) if keys.has_public_key() => Some(cache),
            CachePolicy::WithPublicKeys(_) | CachePolicy::Never => None,
        }
    }

    /// Returns the claims of a cached token, after checking again what may have changed since.
    pub(super) fn find_cached(
        &self,
        token: &[u8],
        keys: &Arc<Keys>,
    ) -> Option<Result<Claims<C>, AuthError>> {
        let cache = self.cache_for(keys)?;
        if !self.keys.source().is_none_or(|source| source.is_usable()) {
            return None;
        }
        let claims = cache.find(token, keys)?;
        Some(self.claims.verify_again(&claims).map(|()| claims))
    }
}

impl<C: DeserializeOwned> SingleVerifier<C> {
    /// Verifies `token`, whose decoded payload the caller may pass.
    pub(super) fn verify_uncached(
        &self,
        token: &[u8],
        payload: Option<String>,
        keys: &Arc<Keys>,
    ) -> Result<Claims<C>, VerifyError> {
        self.verify_permitted(token, payload, keys, |_| true)
    }

    /// Verifies `token` with those of the `keys` that `permits` accepts.
    #[inline]
    pub(super) fn verify_permitted(
        &self,
        token: &[u8],
        payload: Option<String>,
        keys: &Arc<Keys>,
        permits: impl Fn(&VerifyingKey) -> bool,
    ) -> Result<Claims<C>, VerifyError> {
        let token = Compact::split(token, self.max_token_len)?;
        if let Some(cache) = self.cache_for(keys) {
            cache.count_miss();
        }

        let header_json;
        let parsed_header;
        let header = match keys.known_header(&token) {
            Some(header) => header,
            None => {
                header_json = token.decode_header()?;
                parsed_header = Header::read(&header_json)?;
                &parsed_header
            }
        };
        self.claims.rules.check_typ(header.typ.as_deref())?;

        let source = self.keys.source();
        let verified = if source.is_none_or(|source| source.is_usable()) {
            keys.verify(&token, header, permits)
        } else {
            Err(SignatureError::with_these_keys(AuthErrorKind::Unavailable))
        };
        let payload = || payload.map_or_else(|| decode_payload(&token), Ok);
        if let Err(error) = verified {
            let Some(source) = source.filter(|_| error.is_provisional) else {
                return Err(key_error(error.kind, keys, header, None).into());
            };
            self.check_before_fetch(&token, header, &payload()?, &**source)?;
            let otherwise = key_error(error.kind, keys, header, Some(&**source));
            let (source, seen) = (Arc::clone(source), Arc::clone(keys));
            let fetches: Vec<Fetch> = vec![Box::new(move || source.fetch(&seen))];
            return Err(VerifyError::KeysNeeded { fetches, otherwise });
        }

        let claims = self.claims.verify(payload()?).map_err(VerifyError::Decided)?;
        if let Some(cache) = self.cache_for(keys) {
            cache.insert(token.text, &claims, keys);
        }
        Ok(claims)
    }

    /// Rejects a token that no fetched key can make valid, so that it causes no fetch.
    fn check_before_fetch(
        &self,
        token: &Compact<'_>,
        header: &Header<'_>,
        payload: &str,
        source: &dyn KeySource,
    ) -> Result<(), AuthError> {
        if !source.accepts(&header.algorithm) {
            return Err(key_error(AuthErrorKind::UnknownKey, &self.keys.load(), header, None));
        }
        token.decode_signature(&mut SignatureBuffer::new())?;
        self.claims.verify_registered(payload)
    }
}

impl<C: DeserializeOwned> TokenVerifier<C> for SingleVerifier<C> {
    fn issuers(&self) -> Vec<&str> {
        self.claims.rules.issuers.as_deref().unwrap_or_default().iter().map(AsRef::as_ref).collect()
    }

    fn accepts_issuer(&self, issuer: &str) -> bool {
        self.claims.rules.accepts_issuer(issuer)
    }

    fn requires_issuer(&self) -> bool {
        self.requires_issuer()
    }

    fn requires_audience(&self) -> bool {
        self.requires_audience()
    }

    fn accepts_audience(&self, audience: &str) -> bool {
        self.accepts_audience(audience)
    }

    fn requires_logout_tokens(&self) -> bool {
        self.requires_logout_tokens()
    }

    fn max_token_len(&self) -> usize {
        self.max_token_len
    }

    fn cache_stats(&self) -> CacheStats {
        self.cache_stats()
    }

    fn find_cached(&self, token: &[u8]) -> Option<Result<Claims<C>, AuthError>> {
        self.find_cached(token, &self.keys.load())
    }

    fn verify_uncached(
        &self,
        token: &[u8],
        payload: Option<String>,
    ) -> Result<Claims<C>, VerifyError> {
        self.verify_uncached(token, payload, &self.keys.load())
    }
}

#[inline]
pub(super) fn decode_payload(token: &Compact<'_>) -> Result<String, AuthErrorKind> {
    String::from_utf8(token.decode_payload()?).map_err(|_| AuthErrorKind::Malformed)
}

/// The error for a signature that none of `keys` verifies.
fn key_error(
    kind: AuthErrorKind,
    keys: &Keys,
    header: &Header<'_>,
    source: Option<&dyn KeySource>,
) -> AuthError {
    match kind {
        AuthErrorKind::UnknownKey => {
            let all = keys.verifying_keys();
            let has_algorithm = all.iter().any(|key| key.algorithm().has_name(&header.algorithm));
            let (member, rule) = if has_algorithm {
                ("kid", "expected the id of a trusted key")
            } else {
                ("alg", "expected the algorithm of a trusted key")
            };
            let details = ErrorDetails {
                member: Some(member.into()),
                rule: Some(rule.into()),
                key_id: header.key_id.as_deref().map(escape),
                key_count: Some(all.len()),
                ..ErrorDetails::default()
            };
            AuthError::with_details(kind, details)
        }
        AuthErrorKind::Unavailable => match source.and_then(KeySource::last_error) {
            Some(cause) => AuthError::with_source(kind, cause),
            None => kind.into(),
        },
        _ => kind.into(),
    }
}

impl<C> fmt::Debug for SingleVerifier<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("keys", &self.keys).finish_non_exhaustive()
    }
}
