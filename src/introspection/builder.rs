use std::{fmt, sync::Arc, time::Duration};

use tokio::sync::Semaphore;

use crate::{
    clock::Clock,
    error::ConfigError,
    http_client::{DynHttpClient, HttpClient, TlsClient},
    token::{Claims, NoClaims, ResponseVerifier},
    url::{RedactedUrl, UrlRule},
};

use super::{
    cache::ResponseCache,
    client_auth::ClientAuth,
    endpoint::Endpoint,
    flights::Flights,
    handle::{Inner, Introspection},
};

const DEFAULT_TIMEOUT: Duration = Duration::from_secs(5);
/// Requests wait for a response, so it must not take longer.
const MAX_TIMEOUT: Duration = Duration::from_secs(30);
const DEFAULT_CACHE: usize = 4 * 1024 * 1024;
const MIN_CACHE: usize = 64 * 1024;
const DEFAULT_CACHE_FOR: Duration = Duration::from_secs(60);
const MAX_CACHE_FOR: Duration = Duration::from_secs(60 * 60);
const DEFAULT_CACHE_REJECTED_FOR: Duration = Duration::from_secs(5);
const MAX_CACHE_REJECTED_FOR: Duration = Duration::from_secs(60);
const DEFAULT_MAX_CONCURRENT: usize = 64;

/// Configures [`Introspection`].
#[must_use]
pub struct IntrospectionBuilder<C = NoClaims> {
    url: Box<str>,
    auth: ClientAuth,
    url_rule: UrlRule,
    client: Option<Arc<dyn DynHttpClient>>,
    timeout: Duration,
    responses: ResponseVerifier<C>,
    has_checks_before_claims: bool,
    cache: usize,
    cache_for: Duration,
    cache_rejected_for: Duration,
    max_concurrent: usize,
}

impl Introspection {
    /// Starts a builder for tokens that are introspected at `url`. The metadata of an authorization
    /// server names it as `introspection_endpoint`.
    ///
    /// The application's own claims are not read unless their type is set with
    /// [`claims`](IntrospectionBuilder::claims).
    pub fn builder(url: impl Into<Box<str>>, auth: ClientAuth) -> IntrospectionBuilder {
        IntrospectionBuilder {
            url: url.into(),
            auth,
            url_rule: UrlRule::Https,
            client: None,
            timeout: DEFAULT_TIMEOUT,
            responses: ResponseVerifier::new(),
            has_checks_before_claims: false,
            cache: DEFAULT_CACHE,
            cache_for: DEFAULT_CACHE_FOR,
            cache_rejected_for: DEFAULT_CACHE_REJECTED_FOR,
            max_concurrent: DEFAULT_MAX_CONCURRENT,
        }
    }
}

impl IntrospectionBuilder {
    /// Sets the type of the application's own claims, which are read from each response. Default:
    /// [`NoClaims`].
    ///
    /// Members such as `username` and `client_id` are fields of that type. Call it before
    /// [`check`](Self::check), whose closures receive claims of this type.
    pub fn claims<C>(self) -> IntrospectionBuilder<C> {
        let (responses, dropped_checks) = self.responses.for_claims();
        IntrospectionBuilder {
            url: self.url,
            auth: self.auth,
            url_rule: self.url_rule,
            client: self.client,
            timeout: self.timeout,
            responses,
            has_checks_before_claims: self.has_checks_before_claims || dropped_checks,
            cache: self.cache,
            cache_for: self.cache_for,
            cache_rejected_for: self.cache_rejected_for,
            max_concurrent: self.max_concurrent,
        }
    }
}

impl<C> IntrospectionBuilder<C> {
    /// Requires `iss` to equal `issuer`, byte for byte. Default: not checked.
    ///
    /// Set it if a layer [checks revocation](crate::JwtAuthLayer::with_revocation_check): it
    /// determines whose users the store is asked about.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.responses.set_issuer(issuer.into());
        self
    }

    /// Sets the issuer of tokens whose response has no `iss`, which RFC 7662 does not require.
    /// Default: such tokens have no issuer.
    ///
    /// Set it to the issuer of the server that introspects if a layer
    /// [checks revocation](crate::JwtAuthLayer::with_revocation_check) and `iss` is not
    /// [required](Self::issuer). Otherwise a [back-channel logout](crate::routes::BackChannelLogoutRoutes)
    /// does not affect such tokens, because it ends sessions of an issuer.
    pub fn default_issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.responses.set_default_issuer(issuer.into());
        self
    }

    /// Requires `aud` to equal `audience`, or to be an array that contains it. Default: not
    /// checked.
    ///
    /// <div class="warning">
    ///
    /// Without an audience, this service accepts tokens that were issued for other services, unless
    /// the authorization server describes them as inactive to this one.
    ///
    /// </div>
    pub fn audience(self, audience: impl Into<Box<str>>) -> Self {
        self.audiences([audience])
    }

    /// Requires `aud` to equal one of `audiences`, or to be an array that contains one. See
    /// [`audience`](Self::audience).
    pub fn audiences<A: Into<Box<str>>>(mut self, audiences: impl IntoIterator<Item = A>) -> Self {
        self.responses.set_audiences(audiences.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the member that is the id of the user, a string, for example `username`. Default: `sub`.
    pub fn user_id_member(mut self, name: impl Into<String>) -> Self {
        self.responses.set_user_id_member(name.into());
        self
    }

    /// Accepts tokens without a user id, such as those of machine clients. Default: they are
    /// rejected.
    pub fn optional_user_id(mut self) -> Self {
        self.responses.make_user_id_optional();
        self
    }

    /// Requires a member of this name in the response. Its value is not checked. Call it repeatedly
    /// to require several. Default: none but `active` and the user id.
    pub fn require_member(mut self, name: impl Into<Box<str>>) -> Self {
        self.responses.require(name.into());
        self
    }

    /// Adds a check that runs after all others, each time a token is used. Call it repeatedly to add
    /// several. If it returns `false`, the token is rejected. Default: none.
    pub fn check(mut self, check: impl Fn(&Claims<C>) -> bool + Send + Sync + 'static) -> Self {
        self.responses.add_check(check);
        self
    }

    /// Sets how long a token is accepted after `exp`. In whole seconds, at most 300. Default: zero.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.responses.set_leeway(leeway);
        self
    }

    /// Sets how far `nbf`, `iat` and `auth_time` may be in the future. In whole seconds, at most
    /// 300. Default: 60 seconds.
    pub fn clock_skew(mut self, clock_skew: Duration) -> Self {
        self.responses.set_clock_skew(clock_skew);
        self
    }

    /// Sets how long the response for an active token is used, in whole seconds, at most one hour.
    /// Default: 60 seconds.
    ///
    /// A token that the server revokes stays valid here for as long. A token is never valid after
    /// its `exp`. With zero, each request causes an introspection.
    pub fn cache_for(mut self, lifetime: Duration) -> Self {
        self.cache_for = lifetime;
        self
    }

    /// Sets how long a rejected token is rejected without another introspection, in whole seconds,
    /// at most 60. Default: 5 seconds.
    ///
    /// With zero, a client that repeats an invalid token causes one introspection after the other.
    pub fn cache_rejected_for(mut self, lifetime: Duration) -> Self {
        self.cache_rejected_for = lifetime;
        self
    }

    /// Sets how much memory the responses for active tokens may use, in bytes, at least 65 536 (64
    /// KiB). Default: 4 194 304 (4 MiB), enough for about 3000 tokens.
    ///
    /// Those used least are forgotten first. Besides, up to 8192 rejected tokens are remembered.
    pub fn cache(mut self, bytes: usize) -> Self {
        self.cache = bytes;
        self
    }

    /// Sets the deadline of a request to the server, at most 30 seconds. Default: 5 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how many requests to the server are under way at most. Default: 64.
    ///
    /// Further requests wait, at most as long as [`timeout`](Self::timeout), and are then rejected with
    /// `503`. So a flood of invalid tokens does not reach the server, and tokens that are in the cache
    /// are accepted during it.
    pub fn max_concurrent(mut self, count: usize) -> Self {
        self.max_concurrent = count;
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
    /// A local process that listens on the port first receives the credentials and all tokens, and
    /// decides which are valid. Use this in tests only.
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
    /// <div class="warning">
    ///
    /// Anybody who can read what is sent between this service and the server can use the credentials
    /// and all tokens. Use this in development, or in a network that you trust as much as this
    /// process.
    ///
    /// </div>
    pub const fn insecure_http(mut self) -> Self {
        self.url_rule = UrlRule::HttpsOrHttp;
        self
    }

    /// Sets the clock. Default: the system clock.
    ///
    /// The [timeout](Self::timeout) does not use this clock.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.responses.set_clock(clock.into());
        self
    }

    /// Builds the handle. No request is sent before the first token.
    ///
    /// # Errors
    ///
    /// - The URL is malformed, is not `https`, or has a user or a fragment.
    /// - The [credentials](ClientAuth) lack an id or a secret, or cannot be sent in a header, or the
    ///   key is symmetric.
    /// - A setting is outside the range that its method documents.
    /// - An issuer or an audience is empty, or the list of audiences is.
    /// - The [user id](Self::user_id_member) is a member with another meaning.
    /// - There is an [`issuer`](Self::issuer), so that a [`default_issuer`](Self::default_issuer) has
    ///   no effect.
    /// - [`check`](Self::check) was called before [`claims`](Self::claims).
    /// - There are no random numbers.
    pub fn build(self) -> Result<Introspection<C>, ConfigError>
    where
        C: serde::de::DeserializeOwned + Send + Sync + 'static,
    {
        if self.has_checks_before_claims {
            return Err(ConfigError::ineffective("`check` must be called after `claims`"));
        }
        self.auth.check()?;
        self.responses.check_config()?;
        if self.responses.requires_issuer() && self.responses.has_default_issuer() {
            return Err(ConfigError::ineffective(
                "`default_issuer` has no effect, because `issuer` requires `iss`",
            ));
        }
        if self.timeout.is_zero() || self.timeout > MAX_TIMEOUT {
            return Err(ConfigError::out_of_range(
                "`timeout` must be greater than zero and at most 30 seconds",
            ));
        }
        if self.max_concurrent == 0 || self.max_concurrent > Semaphore::MAX_PERMITS {
            return Err(ConfigError::out_of_range("`max_concurrent` must be greater than zero"));
        }
        if self.cache < MIN_CACHE {
            return Err(ConfigError::out_of_range("`cache` must be at least 64 KiB"));
        }
        if self.cache_for > MAX_CACHE_FOR {
            return Err(ConfigError::out_of_range("`cache_for` must be at most one hour"));
        }
        if self.cache_rejected_for > MAX_CACHE_REJECTED_FOR {
            return Err(ConfigError::out_of_range(
                "`cache_rejected_for` must be at most 60 seconds",
            ));
        }
        let url = self.url_rule.parse(&self.url).ok_or(invalid_url(self.url_rule))?;
        let client = match self.client {
            Some(client) => client,
            None => Arc::new(TlsClient::keeping_connections()?),
        };
        let cache = ResponseCache::new(self.cache, self.cache_for, self.cache_rejected_for)
            .map_err(|_| ConfigError::key("the system has no random numbers for `cache`"))?;
        Ok(Introspection::new(Inner {
            endpoint: Endpoint {
                url,
                auth: self.auth,
                client,
                timeout: self.timeout,
                permits: Semaphore::new(self.max_concurrent),
            },
            responses: self.responses,
            cache,
            flights: Flights::new(),
        }))
    }
}

const fn invalid_url(rule: UrlRule) -> ConfigError {
    ConfigError::out_of_range(match rule {
        UrlRule::Https => {
            "the URL of the introspection endpoint must be an https URL without user and fragment"
        }
        UrlRule::HttpsOrLoopback => {
            "the URL of the introspection endpoint must be an https URL, or an http URL with a \
             loopback host, without user and fragment"
        }
        UrlRule::HttpsOrHttp => {
            "the URL of the introspection endpoint must be an https or http URL without user and \
             fragment"
        }
    })
}

impl<C> fmt::Debug for IntrospectionBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntrospectionBuilder")
            .field("url", &RedactedUrl(&self.url))
            .field("auth", &self.auth)
            .finish_non_exhaustive()
    }
}
