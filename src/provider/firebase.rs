//! Firebase Authentication: ID tokens of a project.
//!
//! ```
//! use serde::Deserialize;
//! use tower_jwt_auth::{Claims, JwtAuthLayer, guard::RequireLayer, provider::firebase};
//!
//! #[derive(Deserialize)]
//! struct User {
//!     #[serde(default)] // a custom claim, set with the Admin SDK
//!     admin: bool,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let project = firebase::Project::new("my-project");
//! let keys = project.keys().build()?;
//! let verifier = project.verifier(&keys).claims::<User>().build()?;
//!
//! let layer = JwtAuthLayer::new(verifier);
//! let admins = RequireLayer::new(|claims: &Claims<User>| claims.admin);
//! # Ok(())
//! # }
//! ```
//!
//! Firebase issues no access tokens for your own services. Clients send the ID token, which they
//! renew every hour.
//!
//! # What is checked
//!
//! - The key is one of the certificates that Google publishes for Firebase, and the certificate is
//!   valid now. All projects share these keys.
//! - `iss` is `https://securetoken.google.com/` with the id of the project, and `aud` is that id. The
//!   id is not the project number. Tokens of other projects are rejected.
//! - `iat` and `auth_time` are not in the future, and the user id is `sub`.
//! - Session cookies and custom tokens have other issuers and are rejected. Refresh tokens are opaque
//!   and rejected as malformed.
//!
//! Whether the user has been disabled, or their tokens have been revoked, is not checked: that needs a
//! request to Firebase. Unverified email addresses and anonymous users are accepted. See
//! `email_verified`, and `sign_in_provider` in the claim `firebase`.
//!
//! # Roles
//!
//! Custom claims are at the top level of the token, as in the example. With several tenants of the
//! Identity Platform, the tenant is in `firebase.tenant`:
//!
//! ```
//! # use tower_jwt_auth::provider::firebase;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct User {
//!     firebase: SignIn,
//! }
//!
//! #[derive(Deserialize)]
//! struct SignIn {
//!     tenant: Option<String>,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let project = firebase::Project::new("my-project");
//! # let keys = project.keys().build()?;
//! let verifier = project
//!     .verifier(&keys)
//!     .claims::<User>()
//!     .check(|user| user.firebase.tenant.as_deref() == Some("customers"))
//!     .build()?;
//! # Ok(())
//! # }
//! ```

use crate::{
    jwks::{RemoteKeys, RemoteKeysBuilder},
    token::{Algorithm, KeySet, TokenProfile, Verifier, VerifierBuilder},
};

/// The certificates of all projects.
const CERTIFICATES: &str =
    "https://www.googleapis.com/robot/v1/metadata/x509/securetoken@system.gserviceaccount.com";

/// A project of Firebase. See the [module docs](self).
#[derive(Clone, Debug)]
#[must_use]
pub struct Project {
    id: Box<str>,
}

impl Project {
    /// Creates the settings for the project with this id, such as `my-project`.
    pub fn new(id: impl Into<Box<str>>) -> Self {
        Self { id: id.into() }
    }

    /// Returns a builder for the keys of Firebase, which are certificates, for RS256.
    pub fn keys(&self) -> RemoteKeysBuilder {
        RemoteKeys::from_certificates_url(CERTIFICATES).algorithms([Algorithm::RS256])
    }

    /// Returns a builder for a verifier of the ID tokens of this project.
    ///
    /// It sets the [issuer](VerifierBuilder::issuer), the [audience](VerifierBuilder::audience) and
    /// the profile [`TokenProfile::IdToken`], and [requires](VerifierBuilder::require_claim)
    /// `auth_time`.
    pub fn verifier(&self, keys: impl Into<KeySet>) -> VerifierBuilder {
        Verifier::builder(keys)
            .issuer(format!("https://securetoken.google.com/{}", self.id))
            .audience(self.id.clone())
            .profile(TokenProfile::IdToken)
            .require_claim("auth_time")
    }
}
