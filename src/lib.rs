//! JWT authentication for [tower] and [axum]: a layer that verifies Bearer tokens and hands typed
//! claims to handlers, and ready-made routes that issue, refresh, verify and revoke tokens.
//!
//! # Example
//!
//! ```
//! use axum::{Router, routing::get};
//! use serde::{Deserialize, Serialize};
//! use tower_jwt_auth::{
//!     Claims, Issuer, JwtAuthLayer, MemoryStore, SigningKey, TokenRoutes,
//!     password::{MemoryUsers, PasswordHasher},
//!     user::User,
//! };
//!
//! #[derive(Clone, Serialize, Deserialize)]
//! struct Profile {
//!     username: String,
//!     is_admin: bool,
//! }
//!
//! async fn me(claims: Claims<Profile>) -> String {
//!     format!("user {} is {}", claims.user_id(), claims.username)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret = [7, 9].repeat(16);
//! let store = MemoryStore::new();
//! let issuer = Issuer::builder(SigningKey::hs256(secret)?).claims::<Profile>()
//!     .rotate_refresh_tokens(true)
//!     .store(store.clone())
//!     .build()?;
//!
//! let users = MemoryUsers::new(PasswordHasher::new());
//! let profile = Profile { username: "demo".to_owned(), is_admin: false };
//! users.insert("demo", "demo-password", User::new(1, profile)).await?;
//!
//! let auth = JwtAuthLayer::new(issuer.verifier()).with_revocation_check(store);
//! let tokens = TokenRoutes::builder(issuer, users).at("/api/token").build()?;
//! let app: Router =
//!     Router::new().route("/api/me", get(me)).route_layer(auth).merge(tokens.into_router());
//! #
//! # use axum::{body::{Body, to_bytes}, http::{Request, StatusCode, header::{AUTHORIZATION, CONTENT_TYPE}}};
//! # use tower::ServiceExt;
//! # let login = Request::post("/api/token/")
//! #     .header(CONTENT_TYPE, "application/json")
//! #     .body(Body::from(r#"{"username":"demo","password":"demo-password"}"#))?;
//! # let answer = app.clone().oneshot(login).await?;
//! # let answer: serde_json::Value = serde_json::from_slice(&to_bytes(answer.into_body(), 4096).await?)?;
//! # let access = answer["access"].as_str().ok_or("no access token")?;
//! # let request = Request::get("/api/me")
//! #     .header(AUTHORIZATION, format!("Bearer {access}"))
//! #     .body(Body::empty())?;
//! # let answer = app.clone().oneshot(request).await?;
//! # assert_eq!(to_bytes(answer.into_body(), 4096).await?, "user 1 is demo");
//! # let refused = app.oneshot(Request::get("/api/me").body(Body::empty())?).await?;
//! # assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! A service that only verifies tokens of another issuer:
//!
//! ```
//! use serde::Deserialize;
//! use tower_jwt_auth::{Algorithm, JwtAuthLayer, Verifier, VerifyingKey, token};
//!
//! #[derive(Deserialize)]
//! struct Member { name: String }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let pem = "-----BEGIN PUBLIC KEY-----\n\
//! #     MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----";
//! let verifier = Verifier::builder(VerifyingKey::from_pem(Algorithm::EdDSA, pem)?).claims::<Member>()
//!     .issuer("https://login.example")
//!     .audience("api")
//!     .profile(token::TokenProfile::Rfc9068)
//!     .build()?;
//! let layer = JwtAuthLayer::new(verifier);
//! # Ok(())
//! # }
//! ```
//!
//! # The two paths
//!
//! **A request with a token.** [`JwtAuthLayer`] finds the token in the headers, borrowed; its
//! [`Verifier`] takes it apart, chooses a key from its [`KeySet`], verifies the signature and
//! checks every rule; a [store], if the layer was given one, is asked whether it was
//! revoked; then [`Claims`] go into the request extensions and the inner service is called.
//! Without a store, or with one that answers from memory, nothing is awaited and nothing boxed.
//! Only a token whose key has yet to be [fetched](jwks) waits for it.
//!
//! **A login and a refresh.** [`TokenRoutes`] asks the application's
//! [`UserBackend`](user::UserBackend); the [`Issuer`] begins a session in the
//! [`TokenStore`](store::TokenStore) and signs. A refresh is the same with the rules for refresh
//! tokens: the user is looked up again, and the store spends the token in one atomic step, so that
//! of any number of concurrent refreshes exactly one wins.
//!
//! # Where to read on
//!
//! | to | read |
//! |---|---|
//! | know what is checked of a token | [`Verifier`], [`KeySet`] |
//! | trust other issuers | [`jwks`], [`Verifier::by_issuer`], [`token::TokenProfile`] |
//! | set up the layer: optional tokens, cookies, other bodies | [`middleware`] |
//! | take claims in handlers, demand scopes | [`Claims`], [`guard`] |
//! | log in, refresh, log out; events | [`Issuer`], [`routes`] |
//! | connect your users | [`user`] |
//! | change keys while serving | [`key_rotation`] |
//! | publish keys, answer other services | [`WellKnownRoutes`](routes::WellKnownRoutes), [`OAuthRoutes`](routes::OAuthRoutes) |
//! | refuse gRPC calls as gRPC does | [`GrpcRejection`](rejection::GrpcRejection) |
//! | remember sessions elsewhere | [`store`] |
//! | limit, list, label and end sessions | [`IssuerBuilder`](issue::IssuerBuilder::sessions_per_user), [`Issuer::sessions`] |
//! | choose what happens while the store is away | [`JwtAuthLayer::with_revocation_check`] |
//! | check revocations without asking a server each time | [`store::replica`] |
//! | know what a request costs | [`performance`] |
//! | test expiry without waiting | [`ManualClock`] |
//!
//! # Features
//!
//! | feature | default | what it adds |
//! |---|---|---|
//! | `axum` | yes | extractors, and [`AuthError`] as a response |
//! | `routes` | yes | [`TokenRoutes`]; [`routes`] for other services: published keys, introspection, revocation |
//! | `key-rotation` | | [`key_rotation`]: signing keys that follow each other while serving |
//! | `django` | | [`simplejwt`]: beside Django, with SimpleJWT's settings, views, tokens and database |
//! | `jwks` | | [`jwks`]: keys of other issuers, from a URL or by OpenID Connect discovery |
//! | `postgres` | | [`PostgresStore`](store::PostgresStore) |
//! | `sqlite` | | [`SqliteStore`](store::SqliteStore) |
//! | `replica` | | [`store::replica`]: revocation checks from memory, with many machines on one store; comes with `postgres` and `redis` |
//! | `purger` | | [`Purger`](store::Purger), which has a store forget; comes with `postgres` and `sqlite` |
//! | `password` | | [`password`]: argon2id on a bounded pool, users in memory |
//! | `redis` | | [`RedisStore`](store::RedisStore): sessions in Redis or Redis Cluster |
//! | `redis-tls` | | TLS to Redis (`rediss://`) with rustls and aws-lc |
//! | `tracing` | | spans and events, never with a token or claim in them |
//! | `test-util` | | `store::conformance`, the suite for stores of one's own |
//!
//! # What is not covered
//!
//! - Encrypted tokens (JWE), nested tokens, detached or unencoded payloads: refused.
//! - Tokens bound to a proof of possession (DPoP, mutual TLS; `cnf`): refused.
//! - ES512, ES256K, Ed448, `none`: no such keys can be made.
//! - Writing cookies, and protection against request forgery where tokens are read from cookies.
//! - Memory that other libraries hold: keys inside aws-lc, and the text of request bodies, are not
//!   wiped when dropped. What this crate itself holds of secrets and passwords is.
//!
//! [tower]: https://docs.rs/tower
//! [axum]: https://docs.rs/axum

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

mod check;
pub mod clock;
pub mod error;
#[cfg(feature = "axum")]
mod extract;
mod found;
pub mod guard;
#[cfg(feature = "jwks")]
pub mod http_client;
pub mod issue;
#[cfg(feature = "jwks")]
pub mod jwks;
#[cfg(feature = "key-rotation")]
pub mod key_rotation;
pub mod middleware;
#[cfg(feature = "password")]
pub mod password;
#[cfg(doc)]
#[doc = include_str!("performance.md")]
pub mod performance {
    #[allow(unused_imports, reason = "for the links of the text")]
    use crate::*;
}
pub mod rejection;
#[cfg(feature = "routes")]
pub mod routes;
#[cfg(feature = "django")]
pub mod simplejwt;
pub mod store;
pub mod token;
mod trace;
pub mod transport;
#[cfg(any(feature = "jwks", feature = "routes"))]
mod url;
pub mod user;

pub use clock::{Clock, ManualClock, NumericDate};
pub use error::{AuthError, AuthErrorKind, ConfigError, ConfigErrorKind};
pub use issue::Issuer;
pub use middleware::JwtAuthLayer;
#[cfg(feature = "routes")]
pub use routes::TokenRoutes;
pub use store::MemoryStore;
pub use token::{Algorithm, Claims, KeySet, SigningKey, Verifier, VerifyingKey};
