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
    by_issuer::ByIssuer,
    error::VerifyError,
    single::SingleVerifier,
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
/// 2. The signature, with a key whose algorithm equals the header's `alg`: see
///    [`KeySet`](crate::KeySet).
/// 3. `exp` (required), `nbf`, `iat` and `auth_time`. Then `iss`, `aud` and the token type as configured, and
///    the user id and the token id.
/// 4. The application's claims: the payload must deserialize to `C`, and every
///    [check](super::VerifierBuilder::check) must pass.
pub struct Verifier<C = NoClaims>(Inner<C>);

enum Inner<C> {
    Single(Arc<SingleVerifier<C>>),
    ByIssuer(Arc<ByIssuer<C>>),
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

    /// Combines several verifiers, each of which requires a different
    /// [issuer](super::VerifierBuilder::issuer). A token is verified by the verifier of its `iss`.
    ///
    /// The `iss` only selects the verifier. Keys, algorithms, audiences and all other rules are
    /// those of the selected verifier. A token with another `iss`, or with none, is rejected. A key
    /// id that two issuers use names two keys.
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
    /// An error if there is no verifier, if a verifier does not require an issuer (a combined one
    /// does not), or if two verifiers require the same issuer.
    pub fn by_issuer(verifiers: impl IntoIterator<Item = Self>) -> Result<Self, ConfigError> {
        let single = |verifier: Self| match verifier.0 {
            Inner::Single(single) => Ok(single),
            Inner::ByIssuer(_) => Err(ConfigError::ineffective(
                "each verifier of `by_issuer` must require an `issuer`",
            )),
        };
        let verifiers = verifiers.into_iter().map(single).collect::<Result<_, _>>()?;
        Ok(Self(Inner::ByIssuer(Arc::new(ByIssuer::new(verifiers)?))))
    }

    /// Whether every accepted token has an `iss` that was compared with a configured one.
    pub(crate) fn requires_issuer(&self) -> bool {
        match &self.0 {
            Inner::Single(verifier) => verifier.issuers().next().is_some(),
            Inner::ByIssuer(_) => true,
        }
    }

    /// Returns how many tokens were found in the [cache](super::VerifierBuilder::cache), and how
    /// many were not. Both are zero without a cache.
    #[must_use]
    pub fn cache_stats(&self) -> CacheStats {
        match &self.0 {
            Inner::Single(verifier) => verifier.cache_stats(),
            Inner::ByIssuer(verifiers) => verifiers.cache_stats(),
        }
    }
}

impl<C: DeserializeOwned> Verifier<C> {
    /// Verifies a compact token with the present keys.
    ///
    /// It does not check revocation, which requires a store: the layer and the issuer do. It does
    /// not fetch keys: [`verify_async`](Self::verify_async) does.
    ///
    /// # Errors
    ///
    /// An [`AuthError`] if the token is rejected. Its [kind](AuthError::kind) is the reason.
    pub fn verify(&self, token: &str) -> Result<Claims<C>, AuthError> {
        self.verify_bytes(token.as_bytes())
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
            Verification::Done(result) => return result,
            Verification::FetchKeys(fetch) => fetch,
        };
        in_span!("token_key_fetch", fetch).await;
        self.verify(token)
    }

    pub(crate) fn verify_bytes(&self, token: &[u8]) -> Result<Claims<C>, AuthError> {
        Ok(self.try_verify(token)?)
    }

    pub(crate) fn verify_or_fetch(&self, token: &[u8]) -> Verification<C> {
        match self.try_verify(token) {
            Ok(claims) => Verification::Done(Ok(claims)),
            Err(VerifyError::Final(error)) => Verification::Done(Err(error)),
            Err(VerifyError::KeysNeeded { source, seen, otherwise }) => match source.fetch(&seen) {
                Some(fetch) => Verification::FetchKeys(fetch),
                None => Verification::Done(Err(otherwise)),
            },
        }
    }

    fn try_verify(&self, token: &[u8]) -> Result<Claims<C>, VerifyError> {
        match &self.0 {
            Inner::Single(verifier) => verifier.verify(token),
            Inner::ByIssuer(verifiers) => verifiers.verify(token),
        }
    }
}

impl<C> Clone for Verifier<C> {
    fn clone(&self) -> Self {
        Self(match &self.0 {
            Inner::Single(verifier) => Inner::Single(Arc::clone(verifier)),
            Inner::ByIssuer(verifiers) => Inner::ByIssuer(Arc::clone(verifiers)),
        })
    }
}

impl<C> fmt::Debug for Verifier<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Inner::Single(verifier) => verifier.fmt(f),
            Inner::ByIssuer(_) => f.debug_struct("Verifier").finish_non_exhaustive(),
        }
    }
}
