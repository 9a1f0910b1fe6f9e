//! A kit for the tests of applications: tokens of every kind, a layer without keys, and an identity
//! provider.
//!
//! | to test | use |
//! |---|---|
//! | a handler as a function | [`Claims::for_test`](crate::Claims::for_test) |
//! | routes, without keys and tokens | [`ClaimsLayer`] |
//! | routes with the layer of the application | [`TestToken`], signed with the application's key |
//! | a service that trusts an OpenID Connect provider | `FakeProvider` (with the feature `jwks`) |
//! | expiry, without waiting | [`ManualClock`](crate::ManualClock) |
//!
//! Enable the feature `test-util` in `[dev-dependencies]`, so that it is not part of the program:
//!
//! ```toml
//! [dev-dependencies]
//! tower-jwt-auth = { version = "0.1", features = ["test-util"] }
//! ```
//!
//! # Example
//!
//! The router of an application, with a valid token and with invalid ones:
//!
//! ```
//! use axum::{
//!     Router,
//!     body::Body,
//!     http::{Request, StatusCode, header::AUTHORIZATION},
//!     routing::get,
//! };
//! use serde::{Deserialize, Serialize};
//! use tower::ServiceExt;
//! use tower_jwt_auth::{Claims, Issuer, SigningKey, testing::TestToken};
//!
//! #[derive(Clone, Serialize, Deserialize)]
//! struct Profile {
//!     username: String,
//! }
//!
//! fn app(key: SigningKey) -> Result<Router, Box<dyn std::error::Error>> {
//!     let issuer = Issuer::builder(key).claims::<Profile>().build()?;
//!     let me = get(|claims: Claims<Profile>| async move { claims.username.clone() });
//!     Ok(Router::new().route("/me", me).layer(issuer.layer()))
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = SigningKey::hs256([7, 9].repeat(16))?;
//! let app = app(key.clone())?;
//! let ada = || TestToken::new(42).with_claims(Profile { username: "ada".to_owned() });
//!
//! for (token, status) in [
//!     (ada().sign(&key), StatusCode::OK),
//!     (ada().expired().sign(&key), StatusCode::UNAUTHORIZED),
//!     (ada().not_yet_valid().sign(&key), StatusCode::UNAUTHORIZED),
//!     (ada().sign_with_foreign_key(&key), StatusCode::UNAUTHORIZED),
//!     (TestToken::malformed(), StatusCode::UNAUTHORIZED),
//! ] {
//!     let request = Request::get("/me").header(AUTHORIZATION, format!("Bearer {token}"));
//!     let response = app.clone().oneshot(request.body(Body::empty())?).await?;
//!     assert_eq!(response.status(), status);
//! }
//! # Ok(())
//! # }
//! ```

mod claims_layer;
#[cfg(feature = "jwks")]
mod fake_provider;
mod test_token;

pub use claims_layer::{ClaimsLayer, InsertClaims};
#[cfg(feature = "jwks")]
pub use fake_provider::FakeProvider;
pub use test_token::TestToken;
