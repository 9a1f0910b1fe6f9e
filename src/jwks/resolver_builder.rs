use std::{error::Error, fmt, sync::Arc, time::Duration};

use futures::FutureExt;
use serde::de::DeserializeOwned;

use crate::{
    clock::Clock,
    error::ConfigError,
    token::{ByResolver, DEFAULT_MAX_TOKEN_LEN, Verifier},
};

use super::resolver::{Allows, Limits, Resolve, Resolver};

/// Requests wait for the resolver, so it must not take longer.
const MAX_TIMEOUT: Duration = Duration::from_secs(30);

/// Configures a verifier of issuers that are known only at run time. See [`Verifier::by_resolver`].
#[must_use]
pub struct ResolverBuilder<C> {
    allows: Allows,
    resolve: Resolve<C>,
    limits: Limits,
    clock: Clock,
}

impl<C: DeserializeOwned + Send + Sync + 'static> Verifier<C> {
    /// Starts a builder for a verifier of issuers that are known only at run time, for example those
    /// of tenants in a database.
    ///
    /// For each token, `allows` is called with its `iss`, which is not verified yet. It must be
    /// quick, and narrow: only the issuers that it allows can cause lookups and requests. It is
    /// called for tokens of known issuers too, so an issuer that it does not allow any more is
    /// rejected at once. Issuers of more than 1024 bytes are rejected without a call.
    ///
    /// <div class="warning">
    ///
    /// Anybody can write any `iss` into a token. If `allows` accepts hosts that you do not control,
    /// or hosts of your own network, clients choose where this service sends requests.
    ///
    /// </div>
    ///
    /// The first token of an issuer waits for `resolve`, which returns the verifier of the issuer,
    /// or `None` if there is none. Concurrent tokens of an issuer wait for the same call. The
    /// verifier must [require](crate::token::VerifierBuilder::issuer) that issuer. It is kept for
    /// later tokens, with its keys and its cache.
    ///
    /// ```
    /// use std::{collections::HashMap, sync::Arc};
    /// use tower_jwt_auth::{Verifier, jwks::RemoteKeys, token::TokenProfile};
    ///
    /// # fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// /// The audiences of the tenants; usually a table of the database.
    /// let tenants = Arc::new(HashMap::from([("https://acme.login.example".to_owned(), "acme")]));
    ///
    /// let verifier: Verifier = Verifier::by_resolver(
    ///     |issuer| issuer.starts_with("https://") && issuer.ends_with(".login.example"),
    ///     move |issuer| {
    ///         let tenants = Arc::clone(&tenants);
    ///         async move {
    ///             let Some(audience) = tenants.get(&issuer) else { return Ok(None) };
    ///             let verifier = Verifier::builder(RemoteKeys::from_issuer(issuer).build()?)
    ///                 .audience(*audience)
    ///                 .profile(TokenProfile::Rfc9068)
    ///                 .build()?;
    ///             Ok(Some(verifier))
    ///         }
    ///     },
    /// )
    /// .build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Which issuers are kept
    ///
    /// A verifier is confirmed by the first token that it accepts. At most
    /// [`max_issuers`](ResolverBuilder::max_issuers) confirmed ones are kept, and those in use
    /// displace the others. At most [`max_unconfirmed`](ResolverBuilder::max_unconfirmed) issuers
    /// are resolved, fetch their first keys or wait for their first valid token, which they do for
    /// up to 30 seconds. A further issuer displaces the one that has waited longest. If all of them
    /// are being resolved or fetch keys, it is [`Unavailable`]. So clients that name many issuers
    /// displace no confirmed one, and cause a limited number of requests at once.
    ///
    /// A token causes no resolution if it is malformed, has an unknown algorithm or expired more
    /// than five minutes ago, the longest leeway.
    ///
    /// An issuer without a verifier is rejected without another call until
    /// [`retry_after`](ResolverBuilder::retry_after) has passed. If `resolve` fails, the issuer is
    /// [`Unavailable`] for at most five seconds.
    ///
    /// [`Unavailable`]: crate::AuthErrorKind::Unavailable
    pub fn by_resolver<F>(
        allows: impl Fn(&str) -> bool + Send + Sync + 'static,
        resolve: impl Fn(String) -> F + Send + Sync + 'static,
    ) -> ResolverBuilder<C>
    where
        F: Future<Output = Result<Option<Self>, Box<dyn Error + Send + Sync>>> + Send + 'static,
    {
        let resolve = Box::new(move |issuer| resolve(issuer).boxed());
        ResolverBuilder {
            allows: Box::new(allows),
            resolve,
            limits: Limits {
                issuers: 1000,
                unconfirmed: 64,
                timeout: Duration::from_secs(10),
                retry_after: Duration::from_secs(30),
                token_len: DEFAULT_MAX_TOKEN_LEN,
                requires_audience: false,
            },
            clock: Clock::system(),
        }
    }
}

impl<C: DeserializeOwned + Send + Sync + 'static> ResolverBuilder<C> {
    /// Sets how many verifiers are kept, at least one. Default: 1000.
    ///
    /// Each keeps its keys and a [cache](crate::token::VerifierBuilder::cache) of its own.
    pub fn max_issuers(mut self, max: usize) -> Self {
        self.limits.issuers = max;
        self
    }

    /// Sets how many issuers may be waiting for their verifier or for their first valid token, at
    /// least one. Default: 64.
    ///
    /// It limits the calls of the resolver at once, and the issuers that fetch their first keys at
    /// once. Beyond the limit, the issuer that has waited longest for a valid token is forgotten.
    pub fn max_unconfirmed(mut self, max: usize) -> Self {
        self.limits.unconfirmed = max;
        self
    }

    /// Sets how long an issuer without a verifier is rejected without another call of the resolver,
    /// in whole seconds. Default: 30 seconds.
    ///
    /// <div class="warning">
    ///
    /// With [`Duration::ZERO`], each token of an unknown issuer calls the resolver.
    ///
    /// </div>
    pub fn retry_after(mut self, pause: Duration) -> Self {
        self.limits.retry_after = pause;
        self
    }

    /// Sets the deadline of the resolver, at most 30 seconds. Default: 10 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.limits.timeout = timeout;
        self
    }

    /// Sets the maximum length of a token in bytes, from 64 to 1 048 576 (1 MiB). Default: 8192. The
    /// limit of the resolved verifier applies too.
    pub fn max_token_len(mut self, bytes: usize) -> Self {
        self.limits.token_len = bytes;
        self
    }

    /// Requires that each verifier has an [audience](crate::token::VerifierBuilder::audience).
    /// Default: it may have none.
    ///
    /// A verifier without one is an error of the resolver: the issuer is
    /// [`Unavailable`](crate::AuthErrorKind::Unavailable). A layer with a
    /// [protected resource](crate::JwtAuthLayer::with_protected_resource) needs this setting.
    pub fn require_audience(mut self) -> Self {
        self.limits.requires_audience = true;
        self
    }

    /// Sets the clock for [`retry_after`](Self::retry_after), and for rejecting expired tokens
    /// before their issuer is resolved. Default: the system clock.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Builds the verifier.
    ///
    /// # Errors
    ///
    /// An error if a setting is outside the range that its method documents.
    pub fn build(self) -> Result<Verifier<C>, ConfigError> {
        let limits = &self.limits;
        if limits.issuers == 0 || limits.unconfirmed == 0 {
            return Err(ConfigError::out_of_range(
                "`max_issuers` and `max_unconfirmed` must be at least one",
            ));
        }
        if limits.timeout.is_zero() || limits.timeout > MAX_TIMEOUT {
            return Err(ConfigError::out_of_range(
                "`timeout` must be greater than zero and at most 30 seconds",
            ));
        }
        if !(64..=1024 * 1024).contains(&limits.token_len) {
            return Err(ConfigError::out_of_range(
                "`max_token_len` must be from 64 bytes to 1 MiB",
            ));
        }
        let Self { allows, resolve, limits, clock } = self;
        let resolver = Resolver::new(allows, resolve, limits, clock);
        Ok(Verifier::combined(ByResolver::new(Arc::new(resolver))))
    }
}

impl<C> fmt::Debug for ResolverBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResolverBuilder").finish_non_exhaustive()
    }
}
