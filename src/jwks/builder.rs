use std::{fmt, sync::Arc, time::Duration};

use crate::{
    clock::Clock,
    error::ConfigError,
    http_client::{DynHttpClient, HttpClient, TlsClient},
    token::Algorithm,
    url::{RedactedUrl, UrlRule},
};

use super::{
    fetch::KeyFetcher, jwk_set::AcceptedAlgorithms, location::Location, policy::Policy,
    refresher::Refresher, remote_keys::RemoteKeys,
};

/// Requests wait for a fetch, so it must not take longer.
const MAX_TIMEOUT: Duration = Duration::from_secs(30);
/// Times are compared in whole seconds.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// Configures [`RemoteKeys`].
#[must_use]
pub struct RemoteKeysBuilder {
    location: UncheckedLocation,
    url_rule: UrlRule,
    client: Option<Arc<dyn DynHttpClient>>,
    accepted: AcceptedAlgorithms,
    policy: Policy,
    clock: Clock,
}

enum UncheckedLocation {
    JwksUrl(Box<str>),
    Issuer(Box<str>),
}

impl RemoteKeys {
    /// Starts a builder for the keys of the JWK set at `url`.
    ///
    /// A JWK set does not name its issuer. Set the [issuer] that tokens must have on the verifier.
    ///
    /// [issuer]: crate::token::VerifierBuilder::issuer
    pub fn from_url(url: impl Into<Box<str>>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(UncheckedLocation::JwksUrl(url.into()))
    }

    /// Starts a builder for the keys of `issuer`, whose metadata names the URL of the JWK set.
    ///
    /// The metadata is fetched from `/.well-known/openid-configuration` ([OpenID Connect
    /// Discovery]). If the server does not have that document,
    /// `/.well-known/oauth-authorization-server` is fetched instead ([RFC 8414]).
    ///
    /// The keys verify only tokens whose `iss` equals `issuer` byte for byte.
    ///
    /// [OpenID Connect Discovery]: https://openid.net/specs/openid-connect-discovery-1_0.html
    /// [RFC 8414]: https://www.rfc-editor.org/rfc/rfc8414
    pub fn from_issuer(issuer: impl Into<Box<str>>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(UncheckedLocation::Issuer(issuer.into()))
    }
}

impl RemoteKeysBuilder {
    fn new(location: UncheckedLocation) -> Self {
        Self {
            location,
            url_rule: UrlRule::Https,
            client: None,
            accepted: AcceptedAlgorithms::all(),
            policy: Policy::default(),
            clock: Clock::system(),
        }
    }

    /// Sets the algorithms of the keys to accept. Default: all asymmetric algorithms.
    ///
    /// A key without `alg` is used with the default algorithm of its type (RS256, ES256, ES384 or
    /// EdDSA) if that algorithm is accepted. Otherwise it is used with the only accepted algorithm
    /// of its type, or skipped if there are several.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.accepted = AcceptedAlgorithms::only(algorithms);
        self
    }

    /// Sets the longest time between two fetches in the background, in whole seconds.
    ///
    /// Default: the lifetime of the response according to its `Cache-Control`, but at least five
    /// minutes and at most one day; one hour if the response has no `max-age`.
    ///
    /// The actual time is random within the last tenth of the interval, so that copies of a service
    /// that start together do not send their requests together. It is shorter if the keys would
    /// reach [`max_stale`](Self::max_stale) earlier.
    pub fn refresh_every(mut self, interval: Duration) -> Self {
        self.policy.refresh_every = Some(interval);
        self
    }

    /// Sets the time after a fetch caused by a token during which no other token causes a fetch, in
    /// whole seconds. Default: 30 seconds.
    ///
    /// A key that the issuer starts to use during the cooldown is unknown until the cooldown ends.
    ///
    /// <div class="warning">
    ///
    /// With [`Duration::ZERO`], a client that sends tokens with unknown key ids causes one fetch
    /// after the other.
    ///
    /// </div>
    pub fn cooldown(mut self, cooldown: Duration) -> Self {
        self.policy.cooldown = cooldown;
        self
    }

    /// Sets how long keys are used after the last successful fetch, in whole seconds.
    /// Default: one day.
    ///
    /// With a short time, an outage of the key server soon becomes an outage of this service. With
    /// a long time, a key that is withdrawn during an outage stays trusted longer.
    pub fn max_stale(mut self, limit: Duration) -> Self {
        self.policy.max_stale = limit;
        self
    }

    /// Sets the deadline of a fetch, discovery included, at most 30 seconds. Default: 5 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.policy.timeout = timeout;
        self
    }

    /// Sets the HTTP client. Default: a client that uses rustls, trusts the system's certificate
    /// authorities (Mozilla's if the system has none), and does not use a proxy.
    pub fn client(mut self, client: impl HttpClient) -> Self {
        self.client = Some(Arc::new(client));
        self
    }

    /// Allows plain HTTP to loopback hosts: `localhost`, `127.0.0.0/8` and `[::1]`.
    /// Default: `https` only.
    ///
    /// <div class="warning">
    ///
    /// A local process that listens on the port first can sign tokens for the issuer. Use this in
    /// tests only.
    ///
    /// </div>
    pub fn insecure_loopback_http(mut self) -> Self {
        self.url_rule = UrlRule::HttpsOrLoopback;
        self
    }

    /// Sets the clock for cooldown, staleness and refreshes. Default: the system clock.
    ///
    /// The [timeout](Self::timeout) does not use this clock. The background task reads it once a
    /// second.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Builds the handle. In a Tokio runtime the first fetch starts now, otherwise with the first
    /// token.
    ///
    /// # Errors
    ///
    /// - The URL or issuer is malformed, is not `https`, or has a user or a fragment; the issuer has
    ///   a query.
    /// - The list of [algorithms](Self::algorithms) is empty or contains a symmetric algorithm.
    /// - [`max_stale`](Self::max_stale) or [`refresh_every`](Self::refresh_every) is shorter than
    ///   one second.
    /// - The [timeout](Self::timeout) is zero or longer than 30 seconds.
    pub fn build(self) -> Result<RemoteKeys, ConfigError> {
        let Self { location, url_rule, client, accepted, policy, clock } = self;
        let location = match location {
            UncheckedLocation::JwksUrl(url) => Location::jwks_url(&url, url_rule)?,
            UncheckedLocation::Issuer(issuer) => Location::issuer(issuer, url_rule)?,
        };
        accepted.check()?;
        if policy.max_stale < MIN_INTERVAL {
            return Err(ConfigError::out_of_range("`max_stale` must be at least one second"));
        }
        if policy.refresh_every.is_some_and(|interval| interval < MIN_INTERVAL) {
            return Err(ConfigError::out_of_range("`refresh_every` must be at least one second"));
        }
        if policy.timeout.is_zero() || policy.timeout > MAX_TIMEOUT {
            return Err(ConfigError::out_of_range(
                "`timeout` must be greater than zero and at most 30 seconds",
            ));
        }
        let client = match client {
            Some(client) => client,
            None => Arc::new(TlsClient::new()?),
        };
        let fetcher = KeyFetcher { location, url_rule, client, accepted };
        Ok(RemoteKeys::new(Refresher::new(fetcher, policy, clock)))
    }
}

impl fmt::Debug for RemoteKeysBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, url) = match &self.location {
            UncheckedLocation::JwksUrl(url) => ("url", url),
            UncheckedLocation::Issuer(issuer) => ("issuer", issuer),
        };
        f.debug_struct("RemoteKeysBuilder").field(name, &RedactedUrl(url)).finish_non_exhaustive()
    }
}
