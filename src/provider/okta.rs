//! Okta: access tokens of a custom authorization server.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_jwt_auth::{JwtAuthLayer, Verifier, guard::RequireLayer, provider::okta};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let server = okta::AuthorizationServer::new("shop.okta.com", "default");
//! let keys = server.keys().build()?;
//! let verifier: Verifier = server.verifier(&keys, "api://default").build()?;
//!
//! let app: Router = Router::new()
//!     .route("/orders", get(|| async { "orders" }))
//!     .layer(RequireLayer::scope("orders.read"))
//!     .layer(JwtAuthLayer::new(verifier));
//! # Ok(())
//! # }
//! ```
//!
//! # Use a custom authorization server
//!
//! Okta has two kinds of authorization servers. The tokens of the *org* server, whose issuer is the
//! bare domain, are meant for Okta's own APIs. Okta does not publish the keys of these access tokens.
//! The tokens of a *custom* server, such as `default`, are for your services. Its issuer has the path
//! `/oauth2/` and the id of the server. The audience is a setting of the server.
//!
//! # What is checked
//!
//! - `iss` is the custom authorization server, and `aud` contains the audience.
//! - `cid`, the client that requested the token, is present. ID tokens do not have it. Their `aud`
//!   is the client, so they are rejected twice. Refresh tokens are opaque and rejected as malformed.
//!
//! Which client it is, is not checked.
//!
//! # The user id
//!
//! The user id is `sub`. By default that is the login of the user, which can change, or the client
//! id if there is no user. `uid` is the permanent id. To use it, and to reject tokens without a user:
//!
//! ```
//! # use tower_jwt_auth::{Verifier, provider::okta, token::ClaimNames};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let server = okta::AuthorizationServer::new("shop.okta.com", "default");
//! # let keys = server.keys().build()?;
//! let verifier: Verifier = server
//!     .verifier(&keys, "api://default")
//!     .claim_names(ClaimNames::default().with_user_id("uid"))
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Scopes and groups
//!
//! `scp` is an array of scopes, which [`Claims::scopes`](crate::Claims::scopes) and
//! [`RequireLayer::scope`](crate::guard::RequireLayer::scope) read. Groups are only in the token if
//! you add a claim to the authorization server. If you name it `groups`:
//!
//! ```
//! use serde::Deserialize;
//! use tower_jwt_auth::{Claims, guard::RequireLayer};
//!
//! #[derive(Deserialize)]
//! struct Member {
//!     #[serde(default)]
//!     groups: Vec<String>,
//! }
//!
//! let admins = RequireLayer::new(|claims: &Claims<Member>| {
//!     claims.groups.iter().any(|group| group == "admins")
//! });
//! ```

use crate::{
    jwks::{RemoteKeys, RemoteKeysBuilder},
    token::{KeySet, TokenProfile, Verifier, VerifierBuilder},
};

/// A custom authorization server of Okta. See the [module docs](self).
#[derive(Clone, Debug)]
#[must_use]
pub struct AuthorizationServer {
    issuer: Box<str>,
}

impl AuthorizationServer {
    /// Creates the settings for the authorization server with this id, such as `default`, in the org
    /// with this domain, such as `shop.okta.com`.
    ///
    /// `https://` at the start of the domain and a slash at its end are ignored.
    pub fn new(domain: impl AsRef<str>, id: impl AsRef<str>) -> Self {
        let (domain, id) = (domain.as_ref(), id.as_ref());
        let domain = domain.strip_prefix("https://").unwrap_or(domain).trim_end_matches('/');
        Self { issuer: format!("https://{domain}/oauth2/{id}").into() }
    }

    /// Returns a builder for the keys of the authorization server, found by discovery.
    pub fn keys(&self) -> RemoteKeysBuilder {
        RemoteKeys::from_issuer(self.issuer.clone())
    }

    /// Returns a builder for a verifier of access tokens for `audience`.
    ///
    /// It sets the [issuer](VerifierBuilder::issuer), the [audience](VerifierBuilder::audience) and
    /// the profile [`TokenProfile::Plain`], and [requires](VerifierBuilder::require_claim) `cid`.
    pub fn verifier(
        &self,
        keys: impl Into<KeySet>,
        audience: impl Into<Box<str>>,
    ) -> VerifierBuilder {
        Verifier::builder(keys)
            .issuer(self.issuer.clone())
            .audience(audience)
            .profile(TokenProfile::Plain)
            .require_claim("cid")
    }
}
