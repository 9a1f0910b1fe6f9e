use std::{fmt, str, sync::Arc};

use futures::FutureExt;
use serde::de::DeserializeOwned;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind},
    metrics::{Stopwatch, observe},
    token::{
        Claims, DEFAULT_MAX_TOKEN_LEN, Introspected, Lookup, NoClaims, OpaqueTokens,
        ResponseVerifier, SharedOpaqueTokens,
    },
    transport::is_token68,
    url::RedactedUrl,
};

use super::{
    cache::{ResponseCache, TokenHash},
    endpoint::Endpoint,
    error::{IntrospectionError, IntrospectionErrorKind},
    flights::Flights,
};

/// Introspects tokens at their authorization server. A cheap handle. See the [module docs](super).
///
/// `C` is the type of the application's own claims, which are read from the response.
#[must_use]
pub struct Introspection<C = NoClaims>(Arc<Inner<C>>);

pub(super) struct Inner<C> {
    pub(super) endpoint: Endpoint,
    pub(super) responses: ResponseVerifier<C>,
    pub(super) cache: ResponseCache<C>,
    pub(super) flights: Arc<Flights<TokenHash, Outcome<C>>>,
}

pub(super) type Outcome<C> = Result<Claims<C>, AuthError>;

impl<C> Introspection<C> {
    pub(super) fn new(inner: Inner<C>) -> Self {
        Self(Arc::new(inner))
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static> Introspection<C> {
    /// Introspects `token`, or takes the response from the cache.
    ///
    /// It does not check revocation, which requires a store: the layer does. A token that is bound to
    /// a key is rejected, because only a layer can check the proof: see
    /// [`possession`](crate::possession).
    ///
    /// # Errors
    ///
    /// - [`Inactive`](AuthErrorKind::Inactive) if the server states that the token is not active.
    /// - [`Unavailable`](AuthErrorKind::Unavailable) if there is no valid response. The
    ///   [source](std::error::Error::source) is an [`IntrospectionError`].
    /// - The errors of a [`Verifier`](crate::Verifier) if the response breaks a rule.
    pub async fn introspect(&self, token: &str) -> Result<Claims<C>, AuthError> {
        let claims = match self.look_up(token.as_bytes()) {
            Lookup::Known(outcome) => outcome,
            Lookup::Pending(outcome) => outcome.await,
        }?;
        claims.require_unbound()?;
        Ok(claims)
    }

    pub(crate) fn into_dyn(self) -> SharedOpaqueTokens<C> {
        Arc::new(self)
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static> Inner<C> {
    fn look_up(self: &Arc<Self>, token: &[u8]) -> Lookup<C> {
        if token.len() > DEFAULT_MAX_TOKEN_LEN {
            return Lookup::Known(Err(AuthErrorKind::TooLong.into()));
        }
        let hash = self.cache.hash(token);
        if let Some(outcome) = self.find(hash) {
            return Lookup::Known(outcome);
        }
        let Some(token) = str::from_utf8(token).ok().filter(|token| is_token68(token.as_bytes()))
        else {
            return Lookup::Known(Err(AuthErrorKind::Malformed.into()));
        };
        let begin = || {
            let (inner, token) = (Arc::clone(self), token.to_owned());
            async move { inner.introspect(hash, &token).await }
        };
        match self.flights.join(hash, || self.find(hash), begin) {
            Ok(outcome) => Lookup::Known(outcome),
            Err(flight) => Lookup::Pending(flight.boxed()),
        }
    }

    fn find(&self, token: TokenHash) -> Option<Outcome<C>> {
        let outcome = self.cache.find(token, self.responses.clock().now())?;
        Some(outcome.and_then(|claims| self.responses.verify_again(&claims).map(|()| claims)))
    }

    async fn introspect(&self, hash: TokenHash, token: &str) -> Outcome<C> {
        let (now, stopwatch) = (self.responses.clock().now(), Stopwatch::start());
        let (outcome, label) = match self.send(token, now).await {
            Ok(Introspected::Active(claims)) => (Ok(claims), "active"),
            Ok(Introspected::Rejected(error)) => (Err(error), "rejected"),
            Ok(Introspected::Inactive) => (Err(AuthErrorKind::Inactive.into()), "inactive"),
            Err(error) => {
                let label = error.kind().label();
                (Err(AuthError::with_source(AuthErrorKind::Unavailable, error)), label)
            }
        };
        observe!("jwt_auth_introspection_seconds", "outcome" => label; stopwatch);
        self.cache.insert(hash, &outcome, now);
        outcome
    }

    async fn send(
        &self,
        token: &str,
        now: NumericDate,
    ) -> Result<Introspected<C>, IntrospectionError> {
        let response = self.endpoint.introspect(token, now).await?;
        let introspected = self.responses.verify(response);
        introspected.map_err(|_| IntrospectionErrorKind::Malformed.into())
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static> OpaqueTokens<C> for Introspection<C> {
    fn requires_issuer(&self) -> bool {
        self.0.responses.requires_issuer()
    }

    fn requires_audience(&self) -> bool {
        self.0.responses.requires_audience()
    }

    fn accepts_audience(&self, audience: &str) -> bool {
        self.0.responses.accepts_audience(audience)
    }

    fn look_up(&self, token: &[u8]) -> Lookup<C> {
        Inner::look_up(&self.0, token)
    }
}

impl<C> Clone for Introspection<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> fmt::Debug for Introspection<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let url = self.0.endpoint.url.to_string();
        f.debug_struct("Introspection").field("url", &RedactedUrl(&url)).finish_non_exhaustive()
    }
}
