use std::{fmt, sync::Arc};

use futures::future::BoxFuture;
use serde::de::DeserializeOwned;

use crate::{
    error::{AuthError, ConfigError},
    trace::in_span,
};

use super::{
    super::{
        cache::CacheStats,
        claims::{Claims, NoClaims},
    },
    any_of::AnyOf,
    by_issuer::ByIssuer,
    by_tenant::ByTenant,
    error::VerifyError,
    single::SingleVerifier,
    token_verifier::{SharedVerifier, TokenVerifier},
};

/// Verifies tokens and returns their [`Claims`].
///
/// This is a cheap handle. The layer uses it, and it works without HTTP:
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
/// 1. The length and the compact form. The header must not have `crit`, `b64`, `zip` or `enc`, and
///    no member may be duplicate.
/// 2. The signature, with a key whose algorithm the header's `alg` names: see
///    [`KeySet`](crate::KeySet).
/// 3. `exp` (required), `nbf`, `iat` and `auth_time`. Then `iss`, `aud` and the token type as configured, and
///    the user id and the token id.
/// 4. The application's claims: the payload must deserialize to `C`, and every
///    [check](super::VerifierBuilder::check) must pass.
pub struct Verifier<C = NoClaims>(Inner<C>);

enum Inner<C> {
    Single(Arc<SingleVerifier<C>>),
    ByTenant(Arc<ByTenant<C>>),
    Combined(SharedVerifier<C>),
}

/// The outcome of [`Verifier::verify_or_fetch`].
pub(crate) enum Verification<C> {
    Done(Result<Claims<C>, AuthError>),
    /// The token must be verified again when this future has resolved.
    FetchKeys(BoxFuture<'static, ()>),
}

impl<C> Verifier<C> {
    pub(super) fn single(verifier: SingleVerifier<C>) -> Self {
        Self(Inner::Single(Arc::new(verifier)))
    }

    pub(super) fn by_tenant(verifier: ByTenant<C>) -> Self {
        Self(Inner::ByTenant(Arc::new(verifier)))
    }

    /// Whether every accepted token has an `iss` that was compared with a configured one.
    pub(crate) fn requires_issuer(&self) -> bool {
        match &self.0 {
            Inner::Single(verifier) => verifier.requires_issuer(),
            Inner::ByTenant(_) => true,
            Inner::Combined(verifier) => verifier.requires_issuer(),
        }
    }

    /// Whether every accepted token has an `aud` that was compared with a configured one.
    pub(crate) fn requires_audience(&self) -> bool {
        match &self.0 {
            Inner::Single(verifier) => verifier.requires_audience(),
            Inner::ByTenant(verifier) => verifier.verifier.requires_audience(),
            Inner::Combined(verifier) => verifier.requires_audience(),
        }
    }

    /// Whether tokens for `audience` are accepted, as far as the audiences are known.
    pub(crate) fn accepts_audience(&self, audience: &str) -> bool {
        match &self.0 {
            Inner::Single(verifier) => verifier.accepts_audience(audience),
            Inner::ByTenant(verifier) => verifier.verifier.accepts_audience(audience),
            Inner::Combined(verifier) => verifier.accepts_audience(audience),
        }
    }

    /// Whether all accepted tokens are logout tokens.
    #[cfg(feature = "routes")]
    pub(crate) fn requires_logout_tokens(&self) -> bool {
        match &self.0 {
            Inner::Single(verifier) => verifier.requires_logout_tokens(),
            Inner::ByTenant(verifier) => verifier.verifier.requires_logout_tokens(),
            Inner::Combined(verifier) => verifier.requires_logout_tokens(),
        }
    }

    /// Returns how many tokens were found in the [cache](super::VerifierBuilder::cache), and how
    /// many were not. Both are zero without a cache.
    #[must_use]
    pub fn cache_stats(&self) -> CacheStats {
        match &self.0 {
            Inner::Single(verifier) => verifier.cache_stats(),
            Inner::ByTenant(verifier) => verifier.verifier.cache_stats(),
            Inner::Combined(verifier) => verifier.cache_stats(),
        }
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static> Verifier<C> {
    /// Combines verifiers of different [issuers](super::VerifierBuilder::issuer). A token is verified
    /// by the verifier of its `iss`.
    ///
    /// The `iss` only selects the verifier. Keys, algorithms, audiences and all other rules are
    /// those of the selected verifier. A token with another `iss`, or with none, is rejected. A key
    /// id that two issuers use names two keys. To combine several verifiers of one issuer, use
    /// [`any_of`](Self::any_of).
    ///
    /// <div class="warning">
    ///
    /// [`Claims::user_id`] is the id of the user at the token's issuer. Another issuer may have a
    /// different user with the same id, so do not pass it to the
    /// [`revoke_user`](crate::Issuer::revoke_user) of another issuer.
    ///
    /// </div>
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
    /// An error if there is no verifier, if a verifier does not require an issuer, or if two
    /// verifiers require the same issuer.
    pub fn by_issuer(verifiers: impl IntoIterator<Item = Self>) -> Result<Self, ConfigError> {
        let verifiers = verifiers.into_iter().map(Self::into_dyn).collect();
        Ok(Self::combined(ByIssuer::new(verifiers)?))
    }

    /// Combines several verifiers, which are tried in turn. A token is valid if one of them accepts
    /// it.
    ///
    /// It is meant for several sources of keys of one issuer, for example while the issuer changes
    /// from a shared secret to published keys. The algorithm still belongs to the key: a token is
    /// verified only with keys whose algorithm its header names, and by the rules of the verifier
    /// that has the key. Use [`by_issuer`](Self::by_issuer) for several issuers, whose warning
    /// about [`Claims::user_id`] holds here too.
    ///
    /// ```
    /// # async fn example(secret: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    /// use tower_jwt_auth::{
    ///     Algorithm, Verifier, VerifyingKey, jwks::RemoteKeys, token::TokenProfile,
    /// };
    ///
    /// let issuer = "https://project.supabase.example/auth/v1";
    /// let secret = VerifyingKey::from_secret(Algorithm::HS256, secret)?;
    /// let keys = RemoteKeys::from_url(format!("{issuer}/.well-known/jwks.json")).build()?;
    /// let old = Verifier::builder(secret)
    ///     .issuer(issuer)
    ///     .audience("authenticated")
    ///     .profile(TokenProfile::Plain)
    ///     .build()?;
    /// let new = Verifier::builder(keys)
    ///     .issuer(issuer)
    ///     .audience("authenticated")
    ///     .profile(TokenProfile::Plain)
    ///     .build()?;
    /// let verifier: Verifier = Verifier::any_of([old, new])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// If all reject a token, the error is that of the verifier whose key has verified the
    /// signature. If there is none, the kinds matter: [`Unavailable`] comes before violated rules,
    /// then [`InvalidSignature`], then [`WrongTokenType`], then [`UnknownKey`] and [`WrongIssuer`].
    /// Of several such errors it is the first.
    ///
    /// [`Unavailable`]: crate::AuthErrorKind::Unavailable
    /// [`InvalidSignature`]: crate::AuthErrorKind::InvalidSignature
    /// [`WrongTokenType`]: crate::AuthErrorKind::WrongTokenType
    /// [`UnknownKey`]: crate::AuthErrorKind::UnknownKey
    /// [`WrongIssuer`]: crate::AuthErrorKind::WrongIssuer
    ///
    /// # Errors
    ///
    /// An error if there is no verifier.
    pub fn any_of(verifiers: impl IntoIterator<Item = Self>) -> Result<Self, ConfigError> {
        let verifiers = verifiers.into_iter().map(Self::into_dyn).collect();
        Ok(Self::combined(AnyOf::new(verifiers)?))
    }

    pub(crate) fn combined(verifier: impl TokenVerifier<C> + Send + Sync + 'static) -> Self {
        Self(Inner::Combined(Arc::new(verifier)))
    }

    pub(crate) fn into_dyn(self) -> SharedVerifier<C> {
        match self.0 {
            Inner::Single(verifier) => verifier,
            Inner::ByTenant(verifier) => verifier,
            Inner::Combined(verifier) => verifier,
        }
    }
}

impl<C: DeserializeOwned> Verifier<C> {
    /// Verifies a compact token with the present keys.
    ///
    /// It does not check revocation, which requires a store: the layer and the issuer do. It does
    /// not fetch keys: [`verify_async`](Self::verify_async) does. A token that is bound to a key
    /// (`cnf`) is rejected, because only a layer can check the proof: see
    /// [`possession`](crate::possession).
    ///
    /// # Errors
    ///
    /// An [`AuthError`] if the token is rejected. Its [kind](AuthError::kind) is the reason.
    pub fn verify(&self, token: &str) -> Result<Claims<C>, AuthError> {
        let claims = self.verify_bytes(token.as_bytes())?;
        claims.require_unbound()?;
        Ok(claims)
    }

    /// Verifies a compact token, and fetches keys first if the present ones are not sufficient.
    ///
    /// It waits only for such a fetch. Like [`verify`](Self::verify), it does not check revocation.
    ///
    /// # Errors
    ///
    /// The errors of [`verify`](Self::verify). If the keys cannot be fetched, the kind is
    /// [`Unavailable`](crate::AuthErrorKind::Unavailable).
    pub async fn verify_async(&self, token: &str) -> Result<Claims<C>, AuthError> {
        let fetch = match self.verify_or_fetch(token.as_bytes()) {
            Verification::Done(result) => {
                let claims = result?;
                claims.require_unbound()?;
                return Ok(claims);
            }
            Verification::FetchKeys(fetch) => fetch,
        };
        in_span!("token_key_fetch", fetch).await;
        self.verify(token)
    }

    /// Like [`verify`](Self::verify), but also accepts tokens that are bound to a key.
    pub(crate) fn verify_bytes(&self, token: &[u8]) -> Result<Claims<C>, AuthError> {
        Ok(self.try_verify(token)?)
    }

    /// Like [`verify_bytes`](Self::verify_bytes), unless keys must be fetched.
    pub(crate) fn verify_or_fetch(&self, token: &[u8]) -> Verification<C> {
        match self.try_verify(token) {
            Ok(claims) => Verification::Done(Ok(claims)),
            Err(error) => match error.begin_fetch() {
                Ok(fetch) => Verification::FetchKeys(fetch),
                Err(error) => Verification::Done(Err(error)),
            },
        }
    }

    fn try_verify(&self, token: &[u8]) -> Result<Claims<C>, VerifyError> {
        match &self.0 {
            Inner::Single(verifier) => {
                let keys = verifier.keys.load();
                match verifier.find_cached(token, &keys) {
                    Some(result) => Ok(result?),
                    None => verifier.verify_uncached(token, None, &keys),
                }
            }
            Inner::ByTenant(verifier) => verifier.verify(token),
            Inner::Combined(verifier) => verifier.verify(token),
        }
    }
}

impl<C> Clone for Verifier<C> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Inner::Single(verifier) => Inner::Single(Arc::clone(verifier)),
            Inner::ByTenant(verifier) => Inner::ByTenant(Arc::clone(verifier)),
            Inner::Combined(verifier) => Inner::Combined(Arc::clone(verifier)),
        })
    }
}

impl<C> fmt::Debug for Verifier<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Single(verifier) => verifier.fmt(f),
            Inner::ByTenant(verifier) => verifier.verifier.fmt(f),
            Inner::Combined(_) => f.debug_struct("Verifier").finish_non_exhaustive(),
        }
    }
}
