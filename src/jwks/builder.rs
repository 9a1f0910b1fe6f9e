use std::{fmt, sync::Arc, time::Duration};

use crate::{
    clock::Clock,
    error::ConfigError,
    http_client::{DynHttpClient, HttpClient, TlsClient},
    token::Algorithm,
    url::{RedactedUrl, UrlRule},
};

use super::{
    fetch::KeyFetcher,
    key_rules::{AcceptedAlgorithms, KeyRules},
    location::Location,
    policy::Policy,
    refresher::Refresher,
    remote_keys::RemoteKeys,
};

/// Requests wait for a fetch, so it must not take longer.
const MAX_TIMEOUT: Duration = Duration::from_secs(30);
/// Times are compared in whole seconds.
const MIN_INTERVAL: Duration = Duration::from_secs(1);

/// Configures [`RemoteKeys`].
#[must_use]
pub struct RemoteKeysBuilder {
    location: UncheckedLocation,
    metadata_url: Option<Box<str>>,
    url_rule: UrlRule,
    client: Option<Arc<dyn DynHttpClient>>,
    rules: KeyRules,
    policy: Policy,
    clock: Clock,
}

enum UncheckedLocation {
    JwkSet(Box<str>),
    Certificates(Box<str>),
    Issuer(Box<str>),
    Tenants { template: Box<str>, metadata: Box<str> },
}

impl RemoteKeys {
    /// Starts a builder for the keys of the JWK set at `url`.
    ///
    /// A JWK set does not name its issuer. Set the [issuer] that tokens must have on the verifier.
    ///
    /// [issuer]: crate::token::VerifierBuilder::issuer
    pub fn from_url(url: impl Into<Box<str>>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(UncheckedLocation::JwkSet(url.into()))
    }

    /// Starts a builder for the keys of `issuer`, whose metadata names the URL of the JWK set.
    ///
    /// For the issuer `https://login.example/a`, the metadata is requested from these URLs, until
    /// one of them has it:
    ///
    /// 1. `https://login.example/a/.well-known/openid-configuration` ([OpenID Connect Discovery])
    /// 2. `https://login.example/.well-known/oauth-authorization-server/a` ([RFC 8414])
    /// 3. `https://login.example/.well-known/openid-configuration/a`, if the issuer has a path
    ///
    /// Set [`metadata_url`](RemoteKeysBuilder::metadata_url) if it is elsewhere. The metadata must
    /// name exactly this issuer, and the keys verify only tokens whose `iss` equals it byte for
    /// byte. A trailing slash makes a difference.
    ///
    /// [OpenID Connect Discovery]: https://openid.net/specs/openid-connect-discovery-1_0.html
    /// [RFC 8414]: https://www.rfc-editor.org/rfc/rfc8414
    pub fn from_issuer(issuer: impl Into<Box<str>>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(UncheckedLocation::Issuer(issuer.into()))
    }

    /// Starts a builder for the keys of an issuer with many tenants, such as Microsoft Entra. Each
    /// tenant is an issuer of its own, whose identifier is the template with the tenant's id instead
    /// of `{tenantid}`.
    ///
    /// The metadata at `metadata_url` must name exactly the template as its issuer. Each key must
    /// name the `issuer` that it may sign for: one tenant, or the template for all of them. Other
    /// keys are skipped. Set the accepted [tenants] on the verifier.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use tower_jwt_auth::{Verifier, jwks::RemoteKeys, token::TokenProfile};
    ///
    /// // Accounts of all organizations, and personal accounts with `common` instead.
    /// let keys = RemoteKeys::from_issuer_template(
    ///     "https://login.microsoftonline.com/{tenantid}/v2.0",
    ///     "https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration",
    /// )
    /// .build()?;
    /// let verifier: Verifier = Verifier::builder(keys)
    ///     .tenants(["8eaef023-2b34-4da1-9baa-8bc8c9d6a490"])
    ///     .audience("6731de76-14a6-49ae-97bc-6eba6914391e")
    ///     .profile(TokenProfile::Plain)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [tenants]: crate::token::VerifierBuilder::tenants
    pub fn from_issuer_template(
        template: impl Into<Box<str>>,
        metadata_url: impl Into<Box<str>>,
    ) -> RemoteKeysBuilder {
        let (template, metadata) = (template.into(), metadata_url.into());
        let mut builder = RemoteKeysBuilder::new(UncheckedLocation::Tenants { template, metadata });
        builder.rules.requires_issuer = true;
        builder
    }

    /// Starts a builder for the keys of the certificates at `url`, a JSON object that maps each key
    /// id to a certificate in PEM. Google publishes the keys of Firebase in this form.
    ///
    /// A key is used while its certificate is valid, for RS256, ES256, ES384 or EdDSA, depending on
    /// its type, unless the configured [algorithms](RemoteKeysBuilder::algorithms) exclude that
    /// algorithm. The signature of a certificate is not verified: TLS authenticates the server.
    ///
    /// The document does not name its issuer. Set the [issuer] that tokens must have on the
    /// verifier.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use tower_jwt_auth::{Verifier, jwks::RemoteKeys, token::TokenProfile};
    ///
    /// let keys = RemoteKeys::from_certificates_url(
    ///     "https://www.googleapis.com/robot/v1/metadata/x509/\
    ///      securetoken@system.gserviceaccount.com",
    /// )
    /// .build()?;
    /// let verifier: Verifier = Verifier::builder(keys)
    ///     .issuer("https://securetoken.google.com/my-project")
    ///     .audience("my-project")
    ///     .profile(TokenProfile::Plain)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [issuer]: crate::token::VerifierBuilder::issuer
    pub fn from_certificates_url(url: impl Into<Box<str>>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::new(UncheckedLocation::Certificates(url.into()))
    }
}

impl RemoteKeysBuilder {
    fn new(location: UncheckedLocation) -> Self {
        Self {
            location,
            metadata_url: None,
            url_rule: UrlRule::Https,
            client: None,
            rules: KeyRules::new(),
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
        self.rules.algorithms = AcceptedAlgorithms::only(algorithms);
        self
    }

    /// Accepts keys with the `use` `jwt-svid`, by which a [SPIFFE bundle] marks the keys for tokens.
    /// Default: only `sig`, and keys without `use`.
    ///
    /// Keys with the `use` `x509-svid` are for certificates and are never accepted.
    ///
    /// [SPIFFE bundle]: https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE_Trust_Domain_and_Bundle.md
    pub const fn accept_jwt_svid_keys(mut self) -> Self {
        self.rules.accepts_jwt_svid = true;
        self
    }

    /// Sets the URL of the issuer's metadata. Default: the [standard
    /// locations](RemoteKeys::from_issuer), which depend on the issuer.
    ///
    /// Set it if this service cannot reach the issuer by its own URL, or if the issuer is not a URL.
    /// The metadata must still name exactly the issuer.
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use tower_jwt_auth::jwks::RemoteKeys;
    ///
    /// let keys = RemoteKeys::from_issuer("https://login.example")
    ///     .metadata_url("https://login.internal.example/.well-known/openid-configuration")
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn metadata_url(mut self, url: impl Into<Box<str>>) -> Self {
        self.metadata_url = Some(url.into());
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
        if self.url_rule == UrlRule::Https {
            self.url_rule = UrlRule::HttpsOrLoopback;
        }
        self
    }

    /// Allows plain HTTP to any host. Default: `https` only.
    ///
    /// In a network of containers, browsers often know the issuer as `http://localhost:8080`, and
    /// this service reaches it as `http://keycloak:8080`. If the metadata names a URL of the keys
    /// that this service can reach, set [`metadata_url`](Self::metadata_url). Otherwise use the URL
    /// of the keys and set the issuer on the verifier:
    ///
    /// ```
    /// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
    /// use tower_jwt_auth::{Verifier, jwks::RemoteKeys, token::TokenProfile};
    ///
    /// let keys =
    ///     RemoteKeys::from_url("http://keycloak:8080/realms/shop/protocol/openid-connect/certs")
    ///         .insecure_http()
    ///         .build()?;
    /// let verifier: Verifier = Verifier::builder(keys)
    ///     .issuer("http://localhost:8080/realms/shop")
    ///     .audience("shop-api")
    ///     .profile(TokenProfile::Plain)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// <div class="warning">
    ///
    /// Anybody who can change what is sent between this service and the key server can
    /// sign tokens for the issuer. Use this in development, or in a network that you trust as much
    /// as this process.
    ///
    /// </div>
    pub const fn insecure_http(mut self) -> Self {
        self.url_rule = UrlRule::HttpsOrHttp;
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
    /// - A [metadata URL](Self::metadata_url) is set and the builder is not that of an issuer, or
    ///   [JWT-SVID keys](Self::accept_jwt_svid_keys) are accepted from certificates.
    /// - The list of [algorithms](Self::algorithms) is empty or contains a symmetric algorithm.
    /// - [`max_stale`](Self::max_stale) or [`refresh_every`](Self::refresh_every) is shorter than
    ///   one second.
    /// - The [timeout](Self::timeout) is zero or longer than 30 seconds.
    pub fn build(self) -> Result<RemoteKeys, ConfigError> {
        let Self { location, metadata_url, url_rule, client, rules, policy, clock } = self;
        let location = match (location, metadata_url) {
            (UncheckedLocation::JwkSet(url), None) => Location::jwk_set(&url, url_rule)?,
            (UncheckedLocation::Certificates(_), None) if rules.accepts_jwt_svid => {
                return Err(ConfigError::ineffective(
                    "`accept_jwt_svid_keys` requires a JWK set, because certificates have no `use`",
                ));
            }
            (UncheckedLocation::Certificates(url), None) => Location::certificates(&url, url_rule)?,
            (UncheckedLocation::Issuer(issuer), None) => Location::issuer(issuer, url_rule)?,
            (UncheckedLocation::Issuer(issuer), Some(url)) => {
                Location::issuer_at(issuer, &url, url_rule)?
            }
            (UncheckedLocation::Tenants { template, metadata }, None) => {
                Location::tenants(&template, &metadata, url_rule)?
            }
            (_, Some(_)) => {
                return Err(ConfigError::conflict("`metadata_url` requires `from_issuer`"));
            }
        };
        rules.algorithms.check()?;
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
        let fetcher = KeyFetcher { location, url_rule, client, rules };
        Ok(RemoteKeys::new(Refresher::new(fetcher, policy, clock)))
    }
}

impl fmt::Debug for RemoteKeysBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, url) = match &self.location {
            UncheckedLocation::JwkSet(url) => ("url", url),
            UncheckedLocation::Certificates(url) => ("certificates", url),
            UncheckedLocation::Issuer(issuer) => ("issuer", issuer),
            UncheckedLocation::Tenants { metadata, .. } => ("metadata", metadata),
        };
        f.debug_struct("RemoteKeysBuilder").field(name, &RedactedUrl(url)).finish_non_exhaustive()
    }
}
