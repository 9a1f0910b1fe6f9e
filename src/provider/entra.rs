//! Microsoft Entra ID (Azure AD): access tokens for an API.
//!
//! ```
//! use serde::Deserialize;
//! use tower_jwt_auth::{Claims, JwtAuthLayer, guard::RequireLayer, provider::entra};
//!
//! #[derive(Deserialize)]
//! struct Access {
//!     #[serde(default)] // absent without an app role
//!     roles: Vec<String>,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tenant = entra::Tenant::new("aaaabbbb-0000-cccc-1111-dddd2222eeee")?;
//! let keys = tenant.keys().build()?;
//! let verifier = tenant
//!     .verifier(&keys, "00001111-aaaa-2222-bbbb-3333cccc4444")
//!     .claims::<Access>()
//!     .build()?;
//!
//! let layer = JwtAuthLayer::new(verifier);
//! let for_users = RequireLayer::scope("Orders.Read");
//! let for_services = RequireLayer::new(|claims: &Claims<Access>| {
//!     claims.roles.iter().any(|role| role == "Orders.Read.All")
//! });
//! # Ok(())
//! # }
//! ```
//!
//! # Version 1 or version 2
//!
//! Entra issues access tokens in two versions. The *manifest* of your API selects one, with
//! `requestedAccessTokenVersion` (`accessTokenAcceptedVersion` in the older form). It is not the
//! endpoint that the client used. The version is in the claim `ver`.
//!
//! | | version 1 (`null` or `1`) | version 2 (`2`) |
//! |---|---|---|
//! | `iss` | `https://sts.windows.net/{tenant}/` | `https://login.microsoftonline.com/{tenant}/v2.0` |
//! | `aud` | the application id URI, such as `api://…`, or the client id of the API | the client id of the API |
//! | client | `appid` | `azp` |
//! | preset | [`Tenant::with_v1_tokens`] | [`Tenant::new`] |
//!
//! # What is checked
//!
//! - `iss` is the tenant, in the selected version, and `aud` contains the audience.
//! - `azp` or `appid`, the client that requested the token, is present. ID tokens do not have it. This
//!   matters because a single registration is often used for the web application and its API, and
//!   then the ID token has the same `aud`.
//! - Tokens for Microsoft Graph and for other APIs have another `aud`. Their signature could not be
//!   verified anyway, because Microsoft signs a changed header for its own APIs. Do not forward such
//!   tokens to your service. Request one with a scope of your API, such as `api://…/Orders.Read`.
//! - Refresh tokens are encrypted, and rejected as malformed.
//!
//! # What you must check: a scope or a role
//!
//! Any application of the tenant can get a token for your API, without a user and without consent,
//! unless *assignment required* is on. Such a token has neither `scp` nor `roles`. Protect every route
//! with a guard, or reject all such tokens:
//!
//! ```
//! # use serde::Deserialize;
//! # use tower_jwt_auth::provider::entra;
//! # #[derive(Deserialize)]
//! # struct Access { #[serde(default)] roles: Vec<String> }
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let tenant = entra::Tenant::new("aaaabbbb-0000-cccc-1111-dddd2222eeee")?;
//! # let keys = tenant.keys().build()?;
//! let verifier = tenant
//!     .verifier(&keys, "00001111-aaaa-2222-bbbb-3333cccc4444")
//!     .claims::<Access>()
//!     .check(|claims| claims.scopes().next().is_some() || !claims.roles.is_empty())
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! `scp` has the scopes that a user consented to; [`Claims::scopes`](crate::Claims::scopes) reads it.
//! `roles` has the app roles of the user, or in a token without a user the app roles of the client.
//! Scopes have no prefix in the token: `Orders.Read`, not `api://…/Orders.Read`.
//!
//! `groups` has the ids of groups, not their names, and is absent if there are more than 200: the
//! token then has `_claim_names`. Prefer app roles. A token with many groups can exceed the limit of
//! 8192 bytes: see [`max_token_len`](crate::token::VerifierBuilder::max_token_len).
//!
//! # The user id
//!
//! The user id is `sub`, which differs from API to API. `oid` is the same in all applications of the
//! tenant: use [`claim_names`](crate::token::VerifierBuilder::claim_names) to select it. Do not use
//! `preferred_username`, `upn` or `email`. They can change, and another user can get them later.
//!
//! # Several tenants
//!
//! A multi-tenant API accepts tokens of other organizations. Each tenant is an issuer of its own, so
//! [`MultiTenant`] makes the expected `iss` from `tid`. List the tenants of your customers:
//!
//! ```
//! # use tower_jwt_auth::{Verifier, provider::entra};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tenants = entra::MultiTenant::organizations();
//! let keys = tenants.keys().build()?;
//! let verifier: Verifier = tenants
//!     .verifier(&keys, "00001111-aaaa-2222-bbbb-3333cccc4444")
//!     .tenants(["aaaabbbb-0000-cccc-1111-dddd2222eeee", "bbbbcccc-1111-dddd-2222-eeee3333ffff"])
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! [`tenants_matching`](crate::token::VerifierBuilder::tenants_matching) accepts a closure instead.
//! Anybody can create a tenant, and be its administrator. So do not grant anything by a role, a group
//! or an email address of a tenant that you do not know. Some keys sign for one tenant only, such as
//! the one of personal accounts. A token of another tenant is rejected with such a key.
//!
//! # Keys of one application
//!
//! An application with claims mapping has signing keys of its own, which the metadata names only on
//! request. Set
//! [`metadata_url`](crate::jwks::RemoteKeysBuilder::metadata_url) to
//! `https://login.microsoftonline.com/{tenant}/v2.0/.well-known/openid-configuration?appid={client id}`.

use std::iter;

use crate::{
    error::ConfigError,
    jwks::{RemoteKeys, RemoteKeysBuilder},
    token::{KeySet, TokenProfile, Verifier, VerifierBuilder},
};

const ISSUER_TEMPLATE: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";
const ORGANIZATIONS: &str =
    "https://login.microsoftonline.com/organizations/v2.0/.well-known/openid-configuration";
const COMMON: &str =
    "https://login.microsoftonline.com/common/v2.0/.well-known/openid-configuration";

/// A tenant of Entra ID. See the [module docs](self).
#[derive(Clone, Debug)]
#[must_use]
pub struct Tenant {
    id: Box<str>,
    version: Version,
}

#[derive(Clone, Copy, Debug)]
enum Version {
    V1,
    V2,
}

impl Tenant {
    /// Creates the settings for access tokens of version 2 of the tenant with this id, a GUID.
    ///
    /// # Errors
    ///
    /// When `id` is not a GUID. The name of a domain, such as `contoso.onmicrosoft.com`, is not in any
    /// token. `common` and `organizations` are not tenants: see
    /// [several tenants](self#several-tenants).
    pub fn new(id: impl AsRef<str>) -> Result<Self, ConfigError> {
        let id = id.as_ref().to_ascii_lowercase();
        if !is_guid(&id) {
            return Err(ConfigError::out_of_range(
                "the tenant must be the id of the tenant, a GUID, not the name of a domain",
            ));
        }
        Ok(Self { id: id.into(), version: Version::V2 })
    }

    /// Expects access tokens of version 1. Default: version 2.
    pub fn with_v1_tokens(mut self) -> Self {
        self.version = Version::V1;
        self
    }

    /// Returns a builder for the keys of the tenant, found by discovery.
    pub fn keys(&self) -> RemoteKeysBuilder {
        RemoteKeys::from_issuer(self.issuer())
    }

    /// Returns a builder for a verifier of access tokens for `audience`: the client id of the API, or
    /// in version 1 often its application id URI.
    ///
    /// It sets the [issuer](VerifierBuilder::issuer), the [audience](VerifierBuilder::audience) and
    /// the profile [`TokenProfile::Plain`], and [requires](VerifierBuilder::require_claim) `azp`, or
    /// `appid` in version 1.
    pub fn verifier(
        &self,
        keys: impl Into<KeySet>,
        audience: impl Into<Box<str>>,
    ) -> VerifierBuilder {
        Verifier::builder(keys)
            .issuer(self.issuer())
            .audience(audience)
            .profile(TokenProfile::Plain)
            .require_claim(match self.version {
                Version::V1 => "appid",
                Version::V2 => "azp",
            })
    }

    fn issuer(&self) -> String {
        let id = &self.id;
        match self.version {
            Version::V1 => format!("https://sts.windows.net/{id}/"),
            Version::V2 => format!("https://login.microsoftonline.com/{id}/v2.0"),
        }
    }
}

/// All tenants of Entra ID, for an API that other organizations use. See
/// [several tenants](self#several-tenants).
///
/// It is for access tokens of version 2.
#[derive(Clone, Debug)]
#[must_use]
pub struct MultiTenant {
    metadata: &'static str,
}

impl MultiTenant {
    /// Creates the settings for work and school accounts.
    pub const fn organizations() -> Self {
        Self { metadata: ORGANIZATIONS }
    }

    /// Creates the settings for work and school accounts, and for personal accounts, whose tenant is
    /// `9188040d-6c67-4c5b-b112-36a304b66dad`.
    pub const fn common() -> Self {
        Self { metadata: COMMON }
    }

    /// Returns a builder for the keys of all tenants. Each key is bound to its issuer.
    pub fn keys(&self) -> RemoteKeysBuilder {
        RemoteKeys::from_issuer_template(ISSUER_TEMPLATE, self.metadata)
    }

    /// Returns a builder for a verifier of access tokens for `audience`, the client id of the API.
    ///
    /// Set the accepted [tenants](VerifierBuilder::tenants). Without them, or with keys that are not
    /// bound to the issuers of tenants, [`build`](VerifierBuilder::build) returns an error.
    ///
    /// It sets the [audience](VerifierBuilder::audience) and the profile [`TokenProfile::Plain`], and
    /// [requires](VerifierBuilder::require_claim) `azp`.
    pub fn verifier(
        &self,
        keys: impl Into<KeySet>,
        audience: impl Into<Box<str>>,
    ) -> VerifierBuilder {
        // Because the list is empty, keys without issuers are an error too.
        Verifier::builder(keys)
            .tenants(iter::empty::<Box<str>>())
            .audience(audience)
            .profile(TokenProfile::Plain)
            .require_claim("azp")
    }
}

/// Returns whether `id` has the form of a GUID, in lower case.
fn is_guid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(index, byte)| match index {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
        })
}
