use std::{fmt, sync::Arc, time::Duration};

use crate::{error::ConfigError, issue::Issuer, token::NoClaims};

use super::{
    super::{
        body::BodyLimits,
        path::{check_base, without_trailing_slash},
    },
    handlers::OAuthState,
    oauth_routes::OAuthRoutes,
};

/// Configures [`OAuthRoutes`].
#[must_use]
pub struct OAuthRoutesBuilder<L, C = NoClaims, R = NoClaims> {
    issuer: Issuer<C, R>,
    client_auth: L,
    base: String,
    claims: Vec<Box<str>>,
    body_limits: BodyLimits,
}

impl<L, C, R> OAuthRoutes<L, C, R> {
    /// Starts a builder, for the tokens of `issuer`. The layer `client_auth` authenticates the
    /// services that send requests.
    ///
    /// Requires an issuer with a store.
    pub fn builder(issuer: Issuer<C, R>, client_auth: L) -> OAuthRoutesBuilder<L, C, R> {
        OAuthRoutesBuilder {
            issuer,
            client_auth,
            base: String::new(),
            claims: Vec::new(),
            body_limits: BodyLimits::default(),
        }
    }
}

impl<L, C, R> OAuthRoutesBuilder<L, C, R> {
    /// Sets the base path of both routes, for example `/oauth`. Default: none.
    pub fn at(mut self, base: impl Into<String>) -> Self {
        self.base = without_trailing_slash(&base.into());
        self
    }

    /// Adds the application's claim `name` to the introspection response of tokens that have it.
    /// May be called repeatedly. Default: none.
    pub fn claim(mut self, name: impl Into<Box<str>>) -> Self {
        self.claims.push(name.into());
        self
    }

    /// Sets the time in which the whole request body must be received. Default: 10 seconds.
    ///
    /// A request with a slower body is rejected with `408`.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_limits.timeout = timeout;
        self
    }

    /// Builds the routes.
    ///
    /// # Errors
    ///
    /// - The issuer has no store.
    /// - The path does not start with a slash, or contains other characters than letters, digits and
    ///   `/-._~`.
    /// - The name of a [claim](Self::claim) is empty or `active`.
    /// - The [body timeout](Self::body_timeout) is zero or more than 300 seconds.
    pub fn build(self) -> Result<OAuthRoutes<L, C, R>, ConfigError> {
        let Self { issuer, client_auth, base, claims, body_limits } = self;
        if !issuer.has_store() {
            return Err(ConfigError::ineffective("`OAuthRoutes` require an issuer with a store"));
        }
        check_base(&base)?;
        if claims.iter().any(|name| matches!(&**name, "" | "active")) {
            return Err(ConfigError::conflict(
                "the name of a `claim` must not be empty or `active`",
            ));
        }
        body_limits.check()?;
        let any_type = issuer
            .verifier_builder()
            .any_token_type()
            .optional_jti()
            .optional_user_id()
            .max_token_len(body_limits.len)
            // A client sends a token once.
            .cache(0)
            .build()?;
        let state = Arc::new(OAuthState { issuer, any_type, claims, body_limits });
        Ok(OAuthRoutes { state, client_auth, base })
    }
}

impl<L, C, R> fmt::Debug for OAuthRoutesBuilder<L, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OAuthRoutesBuilder").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
