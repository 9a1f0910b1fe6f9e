use std::{fmt, time::Duration};

use http::HeaderValue;

use crate::{error::ConfigError, token::KeySet, url::RedactedUrl};

use super::{
    endpoint::Endpoint,
    metadata::IssuerUrl,
    well_known_routes::{WellKnownRoutes, WellKnownState},
};

const DEFAULT_MAX_AGE: Duration = Duration::from_secs(300);
const MAX_MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);
/// The lead time of rotated keys must be this many times the `max-age`: a response may be cached for
/// its `max-age`, and the fetch after that needs time.
const MAX_AGES_PER_LEAD_TIME: u32 = 2;

/// Configures [`WellKnownRoutes`].
#[must_use]
pub struct WellKnownRoutesBuilder {
    keys: KeySet,
    issuer: Option<Box<str>>,
    introspection: Option<Endpoint>,
    revocation: Option<Endpoint>,
    max_age: Duration,
}

impl WellKnownRoutes {
    /// Starts a builder for routes that publish `keys`.
    pub fn builder(keys: impl Into<KeySet>) -> WellKnownRoutesBuilder {
        WellKnownRoutesBuilder {
            keys: keys.into(),
            issuer: None,
            introspection: None,
            revocation: None,
            max_age: DEFAULT_MAX_AGE,
        }
    }
}

impl WellKnownRoutesBuilder {
    /// Sets the issuer, and publishes its metadata so that other services can discover the keys.
    /// Default: only the keys are published.
    ///
    /// The issuer is the URL of this server as clients see it, and must equal the `iss` of tokens.
    /// If it has a path, the paths of the documents follow from it: the keys of
    /// `https://example.com/tenant` are at `/tenant/.well-known/jwks.json`.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Adds the URL of the introspection endpoint ([RFC 7662]) to the metadata, for example
    /// `https://login.example/oauth/introspect` if [`OAuthRoutes`] are there. Default: none.
    ///
    /// `auth_methods` are the ways in which clients can authenticate there, with their names in
    /// [RFC 8414 section 2], for example `client_secret_basic`. The methods that use signatures,
    /// `private_key_jwt` and `client_secret_jwt`, are not supported.
    ///
    /// [`OAuthRoutes`]: crate::routes::OAuthRoutes
    /// [RFC 7662]: https://www.rfc-editor.org/rfc/rfc7662
    /// [RFC 8414 section 2]: https://www.rfc-editor.org/rfc/rfc8414#section-2
    pub fn introspection_endpoint(
        mut self,
        url: impl Into<Box<str>>,
        auth_methods: impl IntoIterator<Item = impl Into<Box<str>>>,
    ) -> Self {
        self.introspection = Some(Endpoint::new("introspection", url, auth_methods));
        self
    }

    /// Adds the URL of the revocation endpoint ([RFC 7009]) to the metadata, for example
    /// `https://login.example/oauth/revoke`. Default: none.
    ///
    /// `auth_methods` are as for [`introspection_endpoint`](Self::introspection_endpoint).
    ///
    /// [RFC 7009]: https://www.rfc-editor.org/rfc/rfc7009
    pub fn revocation_endpoint(
        mut self,
        url: impl Into<Box<str>>,
        auth_methods: impl IntoIterator<Item = impl Into<Box<str>>>,
    ) -> Self {
        self.revocation = Some(Endpoint::new("revocation", url, auth_methods));
        self
    }

    /// Sets how long the responses may be cached, in whole seconds. Default: 5 minutes.
    ///
    /// Services that cache the keys trust a removed key for this time.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Builds the routes.
    ///
    /// # Errors
    ///
    /// - The key set has no public key of its own. Secrets and fetched keys are not published.
    /// - The [issuer](Self::issuer) or the URL of an endpoint is not an `https` URL, or an `http` URL
    ///   with a loopback host, or it has a user, a query or a fragment.
    /// - The path of the issuer contains other characters than letters, digits and `/-._~`.
    /// - An endpoint is set, but no issuer; or the endpoint has no authentication method, or one that
    ///   uses signatures.
    /// - [`max_age`](Self::max_age) is less than one second or more than one day.
    /// - The keys [rotate](crate::key_rotation), and their lead time is less than twice `max_age`, so
    ///   that a key could sign before other services have fetched it.
    pub fn build(self) -> Result<WellKnownRoutes, ConfigError> {
        let Self { keys, issuer, introspection, revocation, max_age } = self;
        if keys.published_algorithms().is_empty() {
            return Err(ConfigError::ineffective("the key set has no public key to publish"));
        }
        if max_age.as_secs() == 0 || max_age > MAX_MAX_AGE {
            return Err(ConfigError::out_of_range("`max_age` must be one second to one day"));
        }
        let shortest_lead_time = max_age.saturating_mul(MAX_AGES_PER_LEAD_TIME);
        if keys.load().terms().is_some_and(|terms| terms.lead_time < shortest_lead_time) {
            return Err(ConfigError::conflict(
                "the `lead_time` of rotated keys must be at least twice `max_age`",
            ));
        }
        let issuer = issuer.as_deref().map(IssuerUrl::parse).transpose()?;
        let endpoints: Vec<_> = introspection.into_iter().chain(revocation).collect();
        endpoints.iter().try_for_each(Endpoint::check)?;
        if issuer.is_none() && !endpoints.is_empty() {
            return Err(ConfigError::ineffective(
                "`introspection_endpoint` and `revocation_endpoint` require an `issuer`",
            ));
        }
        let cache_control = format!("public, max-age={}", max_age.as_secs());
        let cache_control =
            HeaderValue::try_from(cache_control).expect("the characters are visible ASCII");
        Ok(WellKnownRoutes::new(WellKnownState { keys, issuer, endpoints, cache_control }))
    }
}

impl fmt::Debug for WellKnownRoutesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WellKnownRoutesBuilder")
            .field("keys", &self.keys)
            .field("issuer", &self.issuer.as_deref().map(RedactedUrl))
            .field("introspection", &self.introspection.as_ref().map(Endpoint::redacted_url))
            .field("revocation", &self.revocation.as_ref().map(Endpoint::redacted_url))
            .field("max_age", &self.max_age)
            .finish_non_exhaustive()
    }
}
