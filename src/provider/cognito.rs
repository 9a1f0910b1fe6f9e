//! Amazon Cognito: access tokens of a user pool.
//!
//! ```
//! use serde::Deserialize;
//! use tower_jwt_auth::{Claims, JwtAuthLayer, guard::RequireLayer, provider::cognito};
//!
//! #[derive(Deserialize)]
//! struct Access {
//!     #[serde(rename = "cognito:groups", default)] // absent for a user without groups
//!     groups: Vec<String>,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let pool = cognito::UserPool::new("eu-central-1_AbCdEfGhI")?;
//! let keys = pool.keys().build()?;
//! let verifier = pool.verifier(&keys, ["1example23456789"]).claims::<Access>().build()?;
//!
//! let layer = JwtAuthLayer::new(verifier);
//! let admins = RequireLayer::new(|claims: &Claims<Access>| {
//!     claims.groups.iter().any(|group| group == "admins")
//! });
//! # Ok(())
//! # }
//! ```
//!
//! # Clients instead of an audience
//!
//! Access tokens of Cognito have no `aud`. They name the app client in `client_id`. List the app
//! clients whose tokens your service accepts. Without that list, every app client of the user pool
//! could call it.
//!
//! If your clients request tokens for a resource (`resource`, RFC 8707), the tokens have that resource
//! as `aud`. Then add [`audience`](crate::token::VerifierBuilder::audience).
//!
//! # What is checked
//!
//! - `iss` is the user pool, `client_id` is one of the clients, and the user id is `sub`. In a token
//!   for a machine, `sub` is the client.
//! - `token_use` is `access`. ID tokens have `id`, and their `aud` is the client. They are rejected
//!   for both reasons. Refresh tokens are encrypted, and rejected as malformed.
//!
//! # Scopes and groups
//!
//! Scopes of a resource server are in `scope`, written `https://api.example/orders.read`, so
//! [`RequireLayer::scope`](crate::guard::RequireLayer::scope) works. Tokens from the sign-in API of
//! the AWS SDK have only the scope `aws.cognito.signin.user.admin`. Groups are in `cognito:groups`, as
//! in the example. Attributes of the user, such as the email address, are only in the ID token, unless
//! a Lambda trigger adds them.

use crate::{
    error::ConfigError,
    jwks::{RemoteKeys, RemoteKeysBuilder},
    token::{KeySet, TokenProfile, Verifier, VerifierBuilder},
};

/// A user pool of Cognito. See the [module docs](self).
#[derive(Clone, Debug)]
#[must_use]
pub struct UserPool {
    issuer: Box<str>,
}

impl UserPool {
    /// Creates the settings for the user pool with this id, such as `eu-central-1_AbCdEfGhI`. The id
    /// begins with the region.
    ///
    /// # Errors
    ///
    /// When `id` does not consist of a region, `_` and a name.
    pub fn new(id: impl AsRef<str>) -> Result<Self, ConfigError> {
        let id = id.as_ref();
        let is_name = |name: &str, more: &[u8]| {
            let is_permitted = |byte: u8| byte.is_ascii_alphanumeric() || more.contains(&byte);
            !name.is_empty() && name.bytes().all(is_permitted)
        };
        let region = match id.split_once('_') {
            Some((region, name)) if is_name(region, b"-") && is_name(name, b"") => region,
            _ => {
                return Err(ConfigError::out_of_range(
                    "the id of a user pool must be a region, `_` and a name, such as \
                     `eu-central-1_AbCdEfGhI`",
                ));
            }
        };
        let domain = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
        Ok(Self { issuer: format!("https://cognito-idp.{region}.{domain}/{id}").into() })
    }

    /// Returns a builder for the keys of the user pool, found by discovery.
    pub fn keys(&self) -> RemoteKeysBuilder {
        RemoteKeys::from_issuer(self.issuer.clone())
    }

    /// Returns a builder for a verifier of access tokens that were issued to one of these app clients.
    ///
    /// It sets the [issuer](VerifierBuilder::issuer), the [clients](VerifierBuilder::clients) and the
    /// profile [`TokenProfile::Plain`], and [requires](VerifierBuilder::require_claim) `token_use`.
    pub fn verifier<I: Into<Box<str>>>(
        &self,
        keys: impl Into<KeySet>,
        clients: impl IntoIterator<Item = I>,
    ) -> VerifierBuilder {
        Verifier::builder(keys)
            .issuer(self.issuer.clone())
            .clients(clients)
            .profile(TokenProfile::Plain)
            .require_claim("token_use")
    }
}
