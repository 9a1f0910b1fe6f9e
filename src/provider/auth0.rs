//! Auth0: access tokens for an API.
//!
//! ```
//! use serde::Deserialize;
//! use tower_jwt_auth::{Claims, JwtAuthLayer, guard::RequireLayer, provider::auth0};
//!
//! #[derive(Deserialize)]
//! struct Access {
//!     #[serde(default)] // absent unless the API has RBAC and "Add Permissions" enabled
//!     permissions: Vec<String>,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tenant = auth0::Tenant::new("shop.eu.auth0.com");
//! let keys = tenant.keys().build()?;
//! let verifier = tenant.verifier(&keys, "https://api.example").claims::<Access>().build()?;
//!
//! let layer = JwtAuthLayer::new(verifier);
//! let write = RequireLayer::new(|claims: &Claims<Access>| {
//!     claims.permissions.iter().any(|permission| permission == "orders:write")
//! });
//! # Ok(())
//! # }
//! ```
//!
//! # Request tokens for your API
//!
//! Register your service as an API. Its *identifier* is the audience. A client must send it as
//! `audience` when it requests the token. Without it, Auth0 issues an opaque or encrypted token,
//! which is rejected as malformed.
//!
//! # What is checked
//!
//! - `iss` is `https://shop.eu.auth0.com/`, with the slash at the end. With a custom domain, it is
//!   the custom domain.
//! - `aud` contains the identifier of the API, and the user id is `sub`. Tokens of machines have a
//!   `sub` that ends with `@clients`.
//! - ID tokens are rejected, because their `aud` is the client. Refresh tokens are opaque and
//!   rejected as malformed.
//! - Access tokens of both profiles, *Auth0* and *RFC 9068*, are accepted.
//!
//! The client that requested the token (`azp`, or `client_id` in the profile RFC 9068) is not
//! checked.
//!
//! # Scopes and permissions
//!
//! `scope` has the scopes that the client requested and received, so
//! [`RequireLayer::scope`](crate::guard::RequireLayer::scope) works. `permissions` has the
//! permissions of the user, if the API has RBAC enabled. Without RBAC, a client receives each scope
//! that it requests. Other claims of your own need a namespace, for example
//! `#[serde(rename = "https://api.example/roles")]`.

use crate::{
    jwks::{RemoteKeys, RemoteKeysBuilder},
    token::{KeySet, TokenProfile, Verifier, VerifierBuilder},
};

/// A tenant of Auth0. See the [module docs](self).
#[derive(Clone, Debug)]
#[must_use]
pub struct Tenant {
    issuer: Box<str>,
}

impl Tenant {
    /// Creates the settings for the tenant with this domain, such as `shop.eu.auth0.com`, or with
    /// this custom domain.
    ///
    /// `https://` at the start and a slash at the end are ignored.
    pub fn new(domain: impl AsRef<str>) -> Self {
        let domain = domain.as_ref();
        let domain = domain.strip_prefix("https://").unwrap_or(domain).trim_end_matches('/');
        Self { issuer: format!("https://{domain}/").into() }
    }

    /// Returns a builder for the keys of the tenant, found by discovery.
    pub fn keys(&self) -> RemoteKeysBuilder {
        RemoteKeys::from_issuer(self.issuer.clone())
    }

    /// Returns a builder for a verifier of access tokens for the API with the identifier `audience`.
    ///
    /// It sets the [issuer](VerifierBuilder::issuer), the [audience](VerifierBuilder::audience) and
    /// the profile [`TokenProfile::Plain`].
    pub fn verifier(
        &self,
        keys: impl Into<KeySet>,
        audience: impl Into<Box<str>>,
    ) -> VerifierBuilder {
        Verifier::builder(keys)
            .issuer(self.issuer.clone())
            .audience(audience)
            .profile(TokenProfile::Plain)
    }
}
