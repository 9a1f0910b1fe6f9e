//! Google: ID tokens of *Sign in with Google* and of service accounts.
//!
//! ```
//! use serde::Deserialize;
//! use tower_jwt_auth::{JwtAuthLayer, provider::google};
//!
//! #[derive(Deserialize)]
//! struct Account {
//!     email: String,
//!     email_verified: bool,
//!     hd: Option<String>,
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let keys = google::keys().build()?;
//! let verifier = google::verifier(&keys, ["1234567890-example.apps.googleusercontent.com"])
//!     .claims::<Account>()
//!     .check(|account| account.hd.as_deref() == Some("example.com")) // for one organization only
//!     .build()?;
//!
//! let layer = JwtAuthLayer::new(verifier);
//! # Ok(())
//! # }
//! ```
//!
//! # ID tokens, not access tokens
//!
//! Access tokens of Google are opaque and meant for Google's APIs. They are rejected as malformed.
//! What a service can verify is the ID token. It shows who signed in at which client, and grants no
//! scope. Exchange it for a session of your own at login, and keep the account's `sub`.
//!
//! # What is checked
//!
//! - `iss` is `https://accounts.google.com` or `accounts.google.com`. Google writes both.
//! - Every `aud` is one of your client ids. Without this check, any application that your users sign
//!   in to could sign in to yours as them.
//! - `azp`, if present, is one of your client ids too. An Android application has a client id of its
//!   own, which Google writes into `azp`. List it with the others, or only as
//!   [`clients`](crate::token::VerifierBuilder::clients).
//! - The user id is `sub`. It is permanent; an email address is not.
//!
//! The nonce is not checked, because only your client knows it: call
//! [`Claims::require_nonce`](crate::Claims::require_nonce).
//!
//! Everybody can have a Google account, and choose any email address for it that Google does not
//! manage. To admit members of an organization, compare `hd`, never the end of `email`.
//!
//! # Service accounts
//!
//! A service on Google Cloud requests an ID token for the URL of the service that it calls. Pass that
//! URL instead of client ids. `azp` is then the id of the service account, which
//! [`clients`](crate::token::VerifierBuilder::clients) must list. Any Google Cloud customer can
//! request a token for your URL, so these ids decide who may call you.
//!
//! ```
//! # use tower_jwt_auth::{Verifier, provider::google};
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let keys = google::keys().build()?;
//! let verifier: Verifier = google::verifier(&keys, ["https://orders.example"])
//!     .clients(["112233445566778899000"])
//!     .build()?;
//! # Ok(())
//! # }
//! ```

use crate::{
    jwks::{RemoteKeys, RemoteKeysBuilder},
    token::{KeySet, TokenProfile, Verifier, VerifierBuilder},
};

/// Discovery binds the keys to one spelling of the issuer, so they are fetched from their URL.
const KEYS: &str = "https://www.googleapis.com/oauth2/v3/certs";
const ISSUERS: [&str; 2] = ["https://accounts.google.com", "accounts.google.com"];

/// Returns a builder for the keys of Google. See the [module docs](self).
pub fn keys() -> RemoteKeysBuilder {
    RemoteKeys::from_url(KEYS)
}

/// Returns a builder for a verifier of ID tokens for one of these clients or services. See the
/// [module docs](self).
///
/// It sets both [issuers](VerifierBuilder::issuers), the [audiences](VerifierBuilder::audiences) and
/// the profile [`TokenProfile::IdToken`].
pub fn verifier<A: Into<Box<str>>>(
    keys: impl Into<KeySet>,
    client_ids: impl IntoIterator<Item = A>,
) -> VerifierBuilder {
    Verifier::builder(keys).issuers(ISSUERS).audiences(client_ids).profile(TokenProfile::IdToken)
}
