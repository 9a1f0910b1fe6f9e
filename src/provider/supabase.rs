//! Supabase: access tokens of signed-in users.
//!
//! ```
//! use serde::Deserialize;
//! use tower_jwt_auth::{Claims, JwtAuthLayer, guard::RequireLayer, provider::supabase};
//!
//! #[derive(Deserialize)]
//! struct Access {
//!     aal: String,
//!     #[serde(default)]
//!     app_metadata: Metadata,
//! }
//!
//! #[derive(Default, Deserialize)]
//! struct Metadata {
//!     #[serde(default)]
//!     roles: Vec<String>,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let project = supabase::Project::new("https://abcdefghijklmnopqrst.supabase.co");
//! let keys = project.keys().build()?;
//! let verifier = project.verifier(&keys).claims::<Access>().build()?;
//!
//! let layer = JwtAuthLayer::new(verifier);
//! let admins = RequireLayer::new(|claims: &Claims<Access>| {
//!     claims.aal == "aal2" && claims.app_metadata.roles.iter().any(|role| role == "admin")
//! });
//! # Ok(())
//! # }
//! ```
//!
//! # What is checked
//!
//! - The key is one of the project's asymmetric *JWT signing keys*.
//! - `iss` is the URL of the project with `/auth/v1`, `aud` contains `authenticated`, and the user
//!   id is `sub`.
//! - The legacy API keys `anon` and `service_role` are JWTs too. They are rejected: their `iss` is
//!   `supabase`, and they are signed with the legacy secret. Refresh tokens are opaque and rejected
//!   as malformed. Supabase issues no ID tokens for its own users.
//!
//! Users who signed in anonymously are accepted. They have `"is_anonymous": true`. To reject them:
//!
//! ```
//! # use tower_jwt_auth::provider::supabase;
//! use serde::Deserialize;
//!
//! #[derive(Deserialize)]
//! struct Access {
//!     #[serde(default)]
//!     is_anonymous: bool,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let project = supabase::Project::new("https://abcdefghijklmnopqrst.supabase.co");
//! # let keys = project.keys().build()?;
//! let verifier = project
//!     .verifier(&keys)
//!     .claims::<Access>()
//!     .check(|claims| !claims.is_anonymous)
//!     .build()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Roles
//!
//! `role` is the role in PostgreSQL, usually `authenticated`. Roles of your application belong into
//! `app_metadata`, or into claims of a *custom access token hook*. Never use `user_metadata` to grant
//! anything: each user can change their own.
//!
//! # From the legacy secret to signing keys
//!
//! While a project moves from HS256 to signing keys, tokens of both kinds are valid. Accept both, and
//! remove the second verifier when the last legacy token has expired:
//!
//! ```
//! # use tower_jwt_auth::{Algorithm, Verifier, VerifyingKey, provider::supabase};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let project = supabase::Project::new("https://abcdefghijklmnopqrst.supabase.co");
//! # let keys = project.keys().build()?;
//! # let secret = [7, 9].repeat(16);
//! let legacy = VerifyingKey::from_secret(Algorithm::HS256, secret)?;
//! let verifier: Verifier =
//!     Verifier::any_of([project.verifier(&keys).build()?, project.verifier(legacy).build()?])?;
//! # Ok(())
//! # }
//! ```

use crate::{
    jwks::{RemoteKeys, RemoteKeysBuilder},
    token::{KeySet, TokenProfile, Verifier, VerifierBuilder},
};

/// The audience of the tokens of signed-in users.
const AUDIENCE: &str = "authenticated";

/// A project of Supabase. See the [module docs](self).
#[derive(Clone, Debug)]
#[must_use]
pub struct Project {
    issuer: Box<str>,
}

impl Project {
    /// Creates the settings for the project at `url`, such as
    /// `https://abcdefghijklmnopqrst.supabase.co`.
    ///
    /// A slash at the end is ignored.
    pub fn new(url: impl AsRef<str>) -> Self {
        Self { issuer: format!("{}/auth/v1", url.as_ref().trim_end_matches('/')).into() }
    }

    /// Returns a builder for the signing keys of the project, from `/.well-known/jwks.json` below
    /// `/auth/v1`.
    pub fn keys(&self) -> RemoteKeysBuilder {
        RemoteKeys::from_url(format!("{}/.well-known/jwks.json", self.issuer))
    }

    /// Returns a builder for a verifier of the access tokens of signed-in users.
    ///
    /// It sets the [issuer](VerifierBuilder::issuer), the [audience](VerifierBuilder::audience)
    /// `authenticated` and the profile [`TokenProfile::Plain`].
    pub fn verifier(&self, keys: impl Into<KeySet>) -> VerifierBuilder {
        Verifier::builder(keys)
            .issuer(self.issuer.clone())
            .audience(AUDIENCE)
            .profile(TokenProfile::Plain)
    }
}
