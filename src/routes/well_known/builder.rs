use std::{sync::Arc, time::Duration};

use http::HeaderValue;

use crate::{error::ConfigError, token::KeySet};

use super::{Shared, WellKnownRoutes, endpoint::Endpoint, metadata::IssuerUrl};

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// Sets up [`WellKnownRoutes`].
#[derive(Debug)]
#[must_use]
pub struct WellKnownRoutesBuilder {
    keys: KeySet,
    issuer: Option<Box<str>>,
    introspection: Option<Endpoint>,
    revocation: Option<Endpoint>,
    max_age: Duration,
}

impl WellKnownRoutesBuilder {
    pub(super) const fn new(keys: KeySet) -> Self {
        Self {
            keys,
            issuer: None,
            introspection: None,
            revocation: None,
            max_age: Duration::from_secs(300),
        }
    }

    /// Also publishes metadata of this issuer, by which others find the keys: the very text that
    /// stands in the tokens' `iss`. Default: the keys alone.
    ///
    /// It is the address of this server as others see it. A path in it is where all documents are,
    /// as their specifications have it: `https://example.com/tenant` has its keys at
    /// `/tenant/.well-known/jwks.json`.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    /// Names in the metadata where other services ask about tokens ([RFC 7662]), such as
    /// `https://login.example/oauth/introspect` where [`OAuthRoutes`] are, and how they authenticate
    /// there. Default: none is named.
    ///
    /// The ways to authenticate are those of [RFC 8414 section 2], such as `client_secret_basic`, but
    /// for those with signatures.
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

    /// Names in the metadata where other services revoke tokens ([RFC 7009]), such as
    /// `https://login.example/oauth/revoke`, and how they authenticate there, as with
    /// [`introspection_endpoint`](Self::introspection_endpoint). Default: none is named.
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

    /// Sets for how long others may keep the answers, in whole seconds. Default: 5 minutes.
    ///
    /// For as long a key that was taken out is still trusted by them.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Builds the routes.
    ///
    /// # Errors
    ///
    /// When there is no public key of one's own, since secrets are not published; the issuer or an
    /// endpoint is no `https` address, or `http` on loopback, or has a query, a fragment or a user, or
    /// the issuer unusual characters in its path; an endpoint is named but no issuer, or no way to
    /// authenticate there, or one with signatures; the answers may be kept for less than a second or
    /// more than a day; or keys that are [rotated](crate::key_rotation) would sign before everybody
    /// has seen them: the lead time must be twice as long as the answers may be kept.
    pub fn build(self) -> Result<WellKnownRoutes, ConfigError> {
        if self.keys.published_algorithms().is_empty() {
            return Err(ConfigError::ineffective("there is no public key to publish"));
        }
        if self.max_age.as_secs() == 0 || self.max_age > DAY {
            return Err(ConfigError::out_of_range(
                "published keys may be kept for a second to a day",
            ));
        }
        let terms = self.keys.load().terms();
        if terms.is_some_and(|terms| terms.lead_time < self.max_age.saturating_mul(2)) {
            return Err(ConfigError::conflict(
                "the lead time of the keys is shorter than twice the time others may keep them",
            ));
        }
        let issuer = self.issuer.as_deref().map(IssuerUrl::parse).transpose()?;
        let endpoints: Vec<_> = self.introspection.into_iter().chain(self.revocation).collect();
        endpoints.iter().try_for_each(Endpoint::check)?;
        if issuer.is_none() && !endpoints.is_empty() {
            return Err(ConfigError::ineffective(
                "endpoints are named in the metadata of an issuer, and there is none",
            ));
        }
        let cache_control = format!("public, max-age={}", self.max_age.as_secs());
        // It holds nothing that a header may not hold.
        let cache_control = HeaderValue::try_from(cache_control)
            .unwrap_or(HeaderValue::from_static("public, max-age=300"));
        Ok(WellKnownRoutes(Arc::new(Shared { keys: self.keys, issuer, endpoints, cache_control })))
    }
}
