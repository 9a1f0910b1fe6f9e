//! Keycloak: access tokens of a realm.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_jwt_auth::{Claims, JwtAuthLayer, guard::RequireLayer, provider::keycloak};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let realm = keycloak::Realm::new("https://login.example/realms/shop");
//! let keys = realm.keys().build()?;
//! let verifier = realm.verifier(&keys, "orders").claims::<keycloak::Roles>().build()?;
//!
//! let app: Router = Router::new()
//!     .route("/admin", get(|| async { "welcome" }))
//!     .layer(RequireLayer::new(|claims: &Claims<keycloak::Roles>| {
//!         claims.has_client_role("orders", "admin")
//!     }))
//!     .layer(JwtAuthLayer::new(verifier));
//! # Ok(())
//! # }
//! ```
//!
//! # Put your service into the audience
//!
//! By default, Keycloak does not write your service into `aud`. A new realm writes `account`, or no
//! `aud` at all. Such tokens are rejected, because they do not show for which service they are.
//! Create a client scope with a mapper of the type *Audience* that adds your service, and assign it
//! to the clients that call your service. Do not use `account` as the audience: almost every token
//! of the realm has it.
//!
//! # What is checked
//!
//! - `iss` is the URL of the realm, `aud` contains the audience, and the user id is `sub`.
//! - `typ` in the payload is `Bearer`. ID tokens have `ID`, refresh tokens have `Refresh` or
//!   `Offline`, logout tokens have `Logout`. They are rejected, although the same realm issues them.
//! - `nonce` does not make a token with that mark an ID token. Access tokens have it up to Keycloak
//!   24, and later with the mapper *Nonce backwards compatible*.
//! - Both header types are accepted: `JWT`, and `at+jwt`, which a client setting selects.
//!
//! The client that requested the token (`azp`) is not checked.
//!
//! # Roles and scopes
//!
//! [`Roles`] reads `realm_access` and `resource_access`. Flatten it into your own claims:
//!
//! ```
//! use serde::Deserialize;
//! use tower_jwt_auth::provider::keycloak::Roles;
//!
//! #[derive(Deserialize)]
//! struct Member {
//!     preferred_username: String,
//!     #[serde(flatten)]
//!     roles: Roles,
//! }
//! ```
//!
//! Scopes are in `scope`, so [`RequireLayer::scope`](crate::guard::RequireLayer::scope) works.
//! Keycloak writes a scope only if the client scope has *Include in token scope*.
//!
//! # When tokens are rejected
//!
//! - **Wrong issuer.** Keycloak writes the host name under which the client reached it, unless
//!   `KC_HOSTNAME` is set. Up to version 16, the path of a realm began with `/auth/realms/`.
//! - **No user id.** *Lightweight* access tokens have neither `sub` nor roles. They are meant for
//!   introspection. Turn the client setting off, or call
//!   [`optional_user_id`](crate::token::VerifierBuilder::optional_user_id). From Keycloak 25, `sub`
//!   comes from the client scope `basic`.
//! - **Keycloak in a container.** Browsers know the realm as `http://localhost:8080/realms/shop`,
//!   and this service reaches it at `http://keycloak:8080`. Fetch the keys from there:
//!
//! ```
//! use tower_jwt_auth::{Verifier, jwks::RemoteKeys, provider::keycloak};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let realm = keycloak::Realm::new("http://localhost:8080/realms/shop");
//! let keys =
//!     RemoteKeys::from_url("http://keycloak:8080/realms/shop/protocol/openid-connect/certs")
//!         .insecure_http() // for development only
//!         .build()?;
//! let verifier: Verifier = realm.verifier(&keys, "orders").build()?;
//! # Ok(())
//! # }
//! ```

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::{
    jwks::{RemoteKeys, RemoteKeysBuilder},
    token::{KeySet, TokenProfile, Verifier, VerifierBuilder},
};

/// A realm of Keycloak. See the [module docs](self).
#[derive(Clone, Debug)]
#[must_use]
pub struct Realm {
    url: Box<str>,
}

impl Realm {
    /// Creates the settings for the realm at `url`, such as `https://login.example/realms/shop`.
    ///
    /// A slash at the end is ignored.
    pub fn new(url: impl AsRef<str>) -> Self {
        Self { url: url.as_ref().trim_end_matches('/').into() }
    }

    /// Returns a builder for the keys of the realm, found by discovery.
    pub fn keys(&self) -> RemoteKeysBuilder {
        RemoteKeys::from_issuer(self.url.clone())
    }

    /// Returns a builder for a verifier of access tokens for `audience`.
    ///
    /// It sets the [issuer](VerifierBuilder::issuer), the [audience](VerifierBuilder::audience) and
    /// the profile [`TokenProfile::Plain`].
    pub fn verifier(
        &self,
        keys: impl Into<KeySet>,
        audience: impl Into<Box<str>>,
    ) -> VerifierBuilder {
        Verifier::builder(keys)
            .issuer(self.url.clone())
            .audience(audience)
            .profile(TokenProfile::Plain)
    }
}

/// The roles in an access token of Keycloak: `realm_access` and `resource_access`.
///
/// A token without these claims has no roles.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Roles {
    /// The roles of the realm.
    #[serde(default)]
    pub realm_access: RoleList,
    /// The roles of each client, by client id.
    #[serde(default)]
    pub resource_access: BTreeMap<String, RoleList>,
}

/// A list of roles, as Keycloak writes it.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct RoleList {
    /// The names of the roles.
    #[serde(default)]
    pub roles: Vec<String>,
}

impl Roles {
    /// Returns whether the user has this role of the realm.
    #[must_use]
    pub fn has_realm_role(&self, role: &str) -> bool {
        self.realm_access.contains(role)
    }

    /// Returns whether the user has this role of this client.
    ///
    /// A role of the same name that belongs to another client does not count.
    #[must_use]
    pub fn has_client_role(&self, client: &str, role: &str) -> bool {
        self.resource_access.get(client).is_some_and(|list| list.contains(role))
    }
}

impl RoleList {
    /// Returns whether the list contains `role`.
    #[must_use]
    pub fn contains(&self, role: &str) -> bool {
        self.roles.iter().any(|other| other == role)
    }
}

impl fmt::Debug for Roles {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Roles").finish_non_exhaustive()
    }
}

impl fmt::Debug for RoleList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RoleList").finish_non_exhaustive()
    }
}
