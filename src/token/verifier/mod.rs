//! [`Verifier`]: from a token to its claims.

mod builder;
mod by_issuer;

pub use builder::VerifierBuilder;

use std::{fmt, sync::Arc};

use serde::de::DeserializeOwned;

use crate::{
    clock::{Clock, NumericDate},
    error::{AuthError, AuthErrorKind, ConfigError},
};

use super::{
    cache::{CacheStats, TokenCache},
    claims::{Claims, NoClaims},
    compact::{Compact, SignatureBuffer},
    header::Header,
    keyset::{KeySet, Keys, Unverified},
    payload::{self, Unread},
    registered::Registered,
    source::KeySource,
    validation::Rules,
};

use by_issuer::ByIssuer;

/// The longest token that is looked at unless configured otherwise.
pub(crate) const DEFAULT_MAX_TOKEN_LEN: usize = 8 * 1024;

type Check<C> = Arc<dyn Fn(&Claims<C>) -> bool + Send + Sync>;

/// Turns tokens into [`Claims`]: form, key, signature, then every rule.
///
/// A cheap handle, used by the layer and outside HTTP alike:
///
/// ```
/// use tower_jwt_auth::{AuthErrorKind, Verifier, VerifyingKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = [7, 9].repeat(16);
/// let key = VerifyingKey::from_secret(tower_jwt_auth::Algorithm::HS256, secret)?;
/// let verifier: Verifier = Verifier::builder(key).audience("api").build()?;
///
/// let error = verifier.verify("not a token").unwrap_err();
/// assert_eq!(error.kind(), AuthErrorKind::Malformed);
/// # Ok(())
/// # }
/// ```
///
/// # What is checked
///
/// 1. Length and form; a header without `crit`, `b64`, `zip` or `enc`; no member twice.
/// 2. The signature, by a key of exactly the header's `alg`: see [`KeySet`].
/// 3. `exp` (required), `nbf`, `iat`; then `iss`, `aud` and the token type as configured; the ids.
/// 4. That the payload is a `C`, and the application's own [checks](VerifierBuilder::check).
pub struct Verifier<C = NoClaims>(Arc<Inner<C>>);

#[expect(clippy::large_enum_variant, reason = "behind an `Arc`, and boxing it costs each token")]
enum Inner<C> {
    One(One<C>),
    ByIssuer(ByIssuer<C>),
}

/// The keys and rules of one verifier.
struct One<C> {
    keys: KeySet,
    rules: Rules,
    max_token_len: usize,
    clock: Clock,
    checks: Vec<Check<C>>,
    cache: CacheUse<C>,
}

/// When verified tokens are remembered.
enum CacheUse<C> {
    Never,
    WithPublicKeys(TokenCache<C>),
    Always(TokenCache<C>),
}

/// Why a token is not accepted.
pub(crate) enum Refusal {
    /// Whatever keys there are.
    Final(AuthErrorKind),
    /// Because of the keys at hand, to which `source` may add.
    KeysNeeded { source: Arc<dyn KeySource>, seen: Arc<Keys>, otherwise: AuthErrorKind },
}

impl From<AuthErrorKind> for Refusal {
    fn from(kind: AuthErrorKind) -> Self {
        Self::Final(kind)
    }
}

impl From<Refusal> for AuthError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Final(kind) | Refusal::KeysNeeded { otherwise: kind, .. } => kind.into(),
        }
    }
}

impl<C> Verifier<C> {
    /// One verifier of several, each of which requires another
    /// [issuer](VerifierBuilder::issuer): a token is verified by that of its `iss`.
    ///
    /// The `iss` only chooses: keys, algorithms, audiences and all other rules are those of the
    /// chosen verifier alone, and a token without an `iss` of the list is refused. The same key id
    /// at two issuers names two keys.
    ///
    /// ```
    /// use tower_jwt_auth::{Algorithm, SigningKey, Verifier};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let ours = SigningKey::generate(Algorithm::ES256)?.verifying_key();
    /// # let theirs = SigningKey::generate(Algorithm::EdDSA)?.verifying_key();
    /// let verifier: Verifier = Verifier::by_issuer([
    ///     Verifier::builder(ours).issuer("https://login.example").build()?,
    ///     Verifier::builder(theirs).issuer("https://partner.example").audience("us").build()?,
    /// ])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When there is no verifier, one requires no issuer, or two require the same.
    pub fn by_issuer(verifiers: impl IntoIterator<Item = Self>) -> Result<Self, ConfigError> {
        let by_issuer = ByIssuer::new(verifiers.into_iter().collect())?;
        Ok(Self(Arc::new(Inner::ByIssuer(by_issuer))))
    }

    /// How often it found a token that it had verified before; all zero without a
    /// [cache](VerifierBuilder::cache).
    #[must_use]
    pub fn cache_stats(&self) -> CacheStats {
        match &*self.0 {
            Inner::One(One { cache: CacheUse::Never, .. }) => CacheStats::default(),
            Inner::One(One {
                cache: CacheUse::WithPublicKeys(cache) | CacheUse::Always(cache),
                ..
            }) => cache.stats(),
            Inner::ByIssuer(several) => several.cache_stats(),
        }
    }

    /// The one issuer whose tokens it accepts.
    fn issuer(&self) -> Option<&str> {
        match &*self.0 {
            Inner::One(one) => one.rules.issuer.as_deref(),
            Inner::ByIssuer(_) => None,
        }
    }
}

impl<C: DeserializeOwned> Verifier<C> {
    /// Verifies a compact token with the keys at hand.
    ///
    /// Revocation is not looked at: that takes a store, which the layer and the issuer have. Where
    /// keys may have to be fetched, use [`verify_async`](Self::verify_async).
    ///
    /// # Errors
    ///
    /// An [`AuthError`] whose [kind](AuthError::kind) tells what is wrong.
    pub fn verify(&self, token: &str) -> Result<Claims<C>, AuthError> {
        Ok(self.try_verify(token.as_bytes())?)
    }

    pub(crate) fn try_verify(&self, token: &[u8]) -> Result<Claims<C>, Refusal> {
        match &*self.0 {
            Inner::One(one) => {
                let keys = one.keys.load();
                match one.remembered(token, &keys) {
                    Some(result) => Ok(result?),
                    None => one.verify(token, None, &keys),
                }
            }
            Inner::ByIssuer(several) => several.verify(token),
        }
    }
}

impl<C> Inner<C> {
    const fn max_token_len(&self) -> usize {
        match self {
            Self::One(one) => one.max_token_len,
            Self::ByIssuer(several) => several.max_token_len(),
        }
    }
}

impl<C: DeserializeOwned> One<C> {
    /// Verifies `token` from scratch; its payload may have been decoded already.
    fn verify(
        &self,
        token: &[u8],
        payload: Option<String>,
        keys: &Arc<Keys>,
    ) -> Result<Claims<C>, Refusal> {
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
        self.rules.check_typ(header.typ.as_deref())?;

        let source = self.keys.source();
        let verified = if source.is_none_or(|source| source.is_usable()) {
            keys.verify(&token, header)
        } else {
            Err(Unverified::by_these(AuthErrorKind::Unavailable))
        };
        let payload = || payload.map_or_else(|| decode_payload(&token), Ok);
        if let Err(unverified) = verified {
            let Some(source) = source.filter(|_| unverified.others_may) else {
                return Err(unverified.kind.into());
            };
            self.check_hope(&token, header, &payload()?, &**source)?;
            let (source, seen) = (Arc::clone(source), Arc::clone(keys));
            return Err(Refusal::KeysNeeded { source, seen, otherwise: unverified.kind });
        }

        let claims = self.claims(payload()?)?;
        self.ask_application(&claims)?;
        if let Some(cache) = self.cache_for(keys) {
            cache.insert(token.text, &claims, keys);
        }
        Ok(claims)
    }

    /// The claims of a token that has been verified before, unless something has changed since.
    fn remembered(
        &self,
        token: &[u8],
        keys: &Arc<Keys>,
    ) -> Option<Result<Claims<C>, AuthErrorKind>> {
        let cache = self.cache_for(keys)?;
        if !self.keys.source().is_none_or(|source| source.is_usable()) {
            return None;
        }
        let claims = cache.find(token, keys)?;
        let checked = self.rules.check_times(claims.registered(), self.clock.now());
        Some(checked.and_then(|()| self.ask_application(&claims)).map(|()| claims))
    }

    fn cache_for(&self, keys: &Keys) -> Option<&TokenCache<C>> {
        match &self.cache {
            CacheUse::Always(cache) => Some(cache),
            CacheUse::WithPublicKeys(cache) if keys.has_public_key() => Some(cache),
            CacheUse::WithPublicKeys(_) | CacheUse::Never => None,
        }
    }

    fn ask_application(&self, claims: &Claims<C>) -> Result<(), AuthErrorKind> {
        if self.checks.iter().all(|check| check(claims)) {
            Ok(())
        } else {
            Err(AuthErrorKind::CheckFailed)
        }
    }

    /// Reads all of `payload`, and checks it.
    #[inline]
    fn claims(&self, payload: String) -> Result<Claims<C>, AuthErrorKind> {
        let now = self.clock.now();
        let mut registered = Registered::none();
        match payload::read(&payload, &self.rules, now, &mut registered) {
            Ok(own) => {
                self.rules.check(&registered, &payload, now)?;
                Ok(Claims::new(payload, registered, own))
            }
            Err(Unread::Expired) => Err(AuthErrorKind::Expired),
            Err(Unread::Unusual) => {
                let registered = self.read(&payload, now)?;
                let own =
                    serde_json::from_str(&payload).map_err(|_| AuthErrorKind::InvalidClaims)?;
                Ok(Claims::new(payload, registered, own))
            }
        }
    }

    fn read(&self, payload: &str, now: NumericDate) -> Result<Registered, AuthErrorKind> {
        let registered = Registered::read(payload, &self.rules, now)?;
        self.rules.check(&registered, payload, now)?;
        Ok(registered)
    }

    /// Keys are worth fetching only for a token that they could make good.
    fn check_hope(
        &self,
        token: &Compact<'_>,
        header: &Header<'_>,
        payload: &str,
        source: &dyn KeySource,
    ) -> Result<(), AuthErrorKind> {
        if !source.accepts(&header.algorithm) {
            return Err(AuthErrorKind::UnknownKey);
        }
        token.decode_signature(&mut SignatureBuffer::new())?;
        self.read(payload, self.clock.now()).map(drop)
    }
}

#[inline]
fn decode_payload(token: &Compact<'_>) -> Result<String, AuthErrorKind> {
    String::from_utf8(token.decode_payload()?).map_err(|_| AuthErrorKind::Malformed)
}

impl<C> Clone for Verifier<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> fmt::Debug for Verifier<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut debug = f.debug_struct("Verifier");
        if let Inner::One(one) = &*self.0 {
            debug.field("keys", &one.keys);
        }
        debug.finish_non_exhaustive()
    }
}
