//! JWT authentication for [tower] and [axum]: a layer that verifies Bearer tokens and passes typed
//! claims to handlers, and ready-made routes that issue, refresh, verify and revoke tokens.
//!
//! # Example
//!
//! ```
//! use axum::{Router, routing::get};
//! use serde::{Deserialize, Serialize};
//! use tower_jwt_auth::{
//!     Claims, Issuer, MemoryStore, SigningKey, TokenRoutes,
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
//! let issuer = Issuer::builder(SigningKey::hs256(secret)?)
//!     .claims::<Profile>()
//!     .rotate_refresh_tokens(true)
//!     .store(MemoryStore::new())
//!     .build()?;
//!
//! let users = MemoryUsers::new(PasswordHasher::new());
//! let profile = Profile { username: "demo".to_owned(), is_admin: false };
//! users.insert("demo", "demo-password", User::new(1, profile)).await?;
//!
//! let app: Router = Router::new()
//!     .route("/api/me", get(me))
//!     .route_layer(issuer.layer())
//!     .merge(TokenRoutes::builder(issuer, users).at("/api/token").build()?.into_router());
//! #
//! # use axum::{body::{Body, to_bytes}, http::{Request, StatusCode, header::{AUTHORIZATION, CONTENT_TYPE}}};
//! # use tower::ServiceExt;
//! # let login = Request::post("/api/token/")
//! #     .header(CONTENT_TYPE, "application/json")
//! #     .body(Body::from(r#"{"username":"demo","password":"demo-password"}"#))?;
//! # let response = app.clone().oneshot(login).await?;
//! # let body = to_bytes(response.into_body(), 4096).await?;
//! # let tokens: serde_json::Value = serde_json::from_slice(&body)?;
//! # let access = tokens["access"].as_str().ok_or("no access token")?;
//! # let request = Request::get("/api/me")
//! #     .header(AUTHORIZATION, format!("Bearer {access}"))
//! #     .body(Body::empty())?;
//! # let response = app.clone().oneshot(request).await?;
//! # assert_eq!(to_bytes(response.into_body(), 4096).await?, "user 1 is demo");
//! # let rejected = app.oneshot(Request::get("/api/me").body(Body::empty())?).await?;
//! # assert_eq!(rejected.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! A service that only verifies tokens of another issuer:
//!
//! ```
//! use serde::Deserialize;
//! use tower_jwt_auth::{Algorithm, JwtAuthLayer, Verifier, VerifyingKey, token::TokenProfile};
//!
//! #[derive(Deserialize)]
//! struct Member { name: String }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let pem = "-----BEGIN PUBLIC KEY-----\n\
//! #     MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----";
//! let verifier = Verifier::builder(VerifyingKey::from_pem(Algorithm::EdDSA, pem)?)
//!     .claims::<Member>()
//!     .issuer("https://login.example")
//!     .audience("api")
//!     .profile(TokenProfile::Rfc9068)
//!     .build()?;
//! let layer = JwtAuthLayer::new(verifier);
//! # Ok(())
//! # }
//! ```
//!
//! # How it works
//!
//! **A request.** [`JwtAuthLayer`] finds the token in the request headers. Its [`Verifier`] parses
//! the token, selects a key from its [`KeySet`], verifies the signature and checks every rule. If
//! the layer has a [store], it checks whether the token is revoked. Then [`Claims`] go into the
//! request extensions, and the inner service is called. Without a store, or with one that works
//! in memory, nothing is awaited or boxed. A request only waits for a key that has yet to be
//! [fetched](jwks).
//!
//! **A login or a refresh.** [`TokenRoutes`] call the application's
//! [`UserBackend`](user::UserBackend). The [`Issuer`] begins a session in the
//! [`TokenStore`](store::TokenStore) and signs the tokens. A refresh loads the user again, and the
//! store spends the refresh token in one atomic step, so that exactly one of many concurrent
//! refreshes wins. For a [grace period](issue::IssuerBuilder::reuse_grace), 10 seconds by default,
//! the spent token returns the same successor, for example in a second browser tab. After that,
//! reuse of the token ends the session.
//!
//! # Where to read on
//!
//! | task | documentation |
//! |---|---|
//! | find a short answer to an everyday task, or move here from another crate | [`cookbook`] |
//! | see what is verified | [`Verifier`], [`KeySet`] |
//! | accept tokens of Auth0, Cognito, Entra ID, Firebase, GitHub Actions, Google, Keycloak, Kubernetes, Okta, Supabase and others | [`provider`] |
//! | accept opaque tokens, alone or beside JWTs | [`introspection`] |
//! | trust other issuers | [`jwks`], [`Verifier::by_issuer`], [`Verifier::any_of`], [`token::TokenProfile`] |
//! | configure the layer: optional tokens, other bodies, CORS | [`middleware`] |
//! | keep users logged in on web pages, with cookies or Bearer tokens | [`browser`] |
//! | accept cookies, WebSockets and other places of the token, reject cross-site requests | [`transport`] |
//! | use claims in handlers, require scopes | [`Claims`], [`guard`] |
//! | require a recent or strong login for a route (RFC 9470) | [`StepUp`](token::StepUp) |
//! | tell clients where they get tokens (RFC 9728) | [`protected_resource`] |
//! | protect an MCP server | [`protected_resource`](protected_resource#mcp-servers) |
//! | bind tokens to a key of the client, so that stolen ones are useless (DPoP, RFC 9449; mutual TLS, RFC 8705) | [`possession`] |
//! | log in, refresh, log out, observe events | [`Issuer`], [`routes`] |
//! | connect your users, keep accounts in a SQL database | [`user`] |
//! | let users sign up, verify e-mail addresses, change and reset passwords | [`accounts`], [`mail`] |
//! | limit attempts to log in | `throttle` (feature `throttle`) |
//! | require a second factor at logins | [`routes`](routes#second-factor), [`SecondFactor`](user::SecondFactor), `totp` (feature `totp`) |
//! | rotate keys while serving | [`key_rotation`] |
//! | sign tokens so that quantum computers cannot forge them (RFC 9964) | `post_quantum` (feature `ml-dsa`) |
//! | end sessions when an identity provider reports a logout | [`BackChannelLogoutRoutes`](routes::BackChannelLogoutRoutes) |
//! | publish keys, let other services introspect and revoke tokens | [`WellKnownRoutes`](routes::WellKnownRoutes), [`OAuthRoutes`](routes::OAuthRoutes) |
//! | describe the routes in an OpenAPI document | [`openapi`] |
//! | reject gRPC calls with a gRPC status | [`GrpcRejection`](rejection::GrpcRejection) |
//! | keep sessions in a database | [`store`] |
//! | back up, restore and upgrade a store | [`backup`] |
//! | limit, list, label and end sessions | [`IssuerBuilder`](issue::IssuerBuilder::sessions_per_user), [`Issuer::sessions`], [routes](routes#session-list) |
//! | close WebSockets and event streams with their session | [`Issuer::session_ended`] |
//! | send links that work once | [`Issuer::issue_single_use`] |
//! | authenticate downloads and sockets without a header | [`Issuer::issue_ticket`] |
//! | choose what happens during an outage of the store | [`JwtAuthLayer::with_revocation_check`] |
//! | check revocations without a query per request | [`store::replica`] |
//! | see why a request was rejected, in logs and metrics | [`AuthError`], [`monitoring`] |
//! | see what a request costs | [`performance`] |
//! | choose between JWT and sessions | [`sessions`] |
//! | test your handlers | `testing` (feature `test-util`) |
//! | test expiry without waiting | [`ManualClock`] |
//!
//! # Features
//!
//! | feature | default | what it adds | standards |
//! |---|---|---|---|
//! | always | | keys, signatures and claims: [`token`] | [RFC 7515], [RFC 7517], [RFC 7518], [RFC 7519], [RFC 8037], [RFC 9864]; access tokens of other issuers: [RFC 9068]; ID tokens: OpenID Connect Core |
//! | always | | the layer: [`middleware`] | [RFC 6750] |
//! | always | | [`protected_resource`] | [RFC 9728] |
//! | always | | [`StepUp`](token::StepUp) | [RFC 9470] |
//! | always | | [`possession`] | DPoP: [RFC 9449]; client certificates: [RFC 8705] |
//! | `axum` | yes | extractors, and [`AuthError`] as a response | |
//! | `routes` | yes | [`TokenRoutes`], and logins in two steps, [`routes`] for a user's sessions and for other services: published keys, introspection, revocation | published keys and metadata: [RFC 7517], [RFC 8414], OpenID Connect Discovery; introspection: [RFC 7662]; revocation: [RFC 7009]; logouts of providers: OpenID Connect Back-Channel Logout; password grant: [RFC 6749] |
//! | `cookie` | | [`SessionCookies`](transport::SessionCookies): the tokens of browsers in cookies that scripts cannot read; with `routes`, [`SessionRoutes`](routes::SessionRoutes) | [RFC 6265] |
//! | `key-rotation` | | [`key_rotation`]: signing keys that rotate while serving | [RFC 7517] |
//! | `ml-dsa` | | the signature algorithms ML-DSA-44, ML-DSA-65 and ML-DSA-87 | [RFC 9964] |
//! | `django` | | [`simplejwt`]: a service beside Django, with SimpleJWT's settings, views, tokens and database | |
//! | `introspection` | | [`introspection`]: opaque tokens, introspected at their authorization server | [RFC 7662]; `private_key_jwt`: [RFC 7523] |
//! | `jwks` | | [`jwks`]: keys of other issuers, from a URL or by OpenID Connect discovery; [`provider`]: presets for identity providers | [RFC 7517], OpenID Connect Discovery, [RFC 8414] |
//! | `postgres` | | [`PostgresStore`](store::PostgresStore) | |
//! | `sqlite` | | [`SqliteStore`](store::SqliteStore) | |
//! | `replica` | | [`store::replica`]: revocation checks from memory while many machines share a store; enabled by `postgres` and `redis` | |
//! | `purger` | | [`Purger`](store::Purger), which deletes expired entries; enabled by `postgres` and `sqlite` | |
//! | `password` | | [`password`]: argon2id with bounded concurrency, users in memory; with `postgres` or `sqlite` also [`SqlUsers`](user::SqlUsers) | Argon2: [RFC 9106] |
//! | `password-rules` | | [`PasswordRules`](password::PasswordRules): the rules of NIST or Django for new passwords, lists of common passwords, strength by zxcvbn | NIST SP 800-63B |
//! | `accounts` | | [`accounts`]: routes for sign-up, verification and change of e-mail addresses, change and reset of passwords; [`mail`]: the port for their mails | |
//! | `throttle` | | `throttle::Throttle`: limits on attempts to log in, for each account and each address, counted in the store | `Forwarded`: [RFC 7239] |
//! | `totp` | | `totp::Totp`: one-time codes of authenticator apps as second factors, with recovery codes; secrets encrypted at rest, in memory or, with `password` and `postgres` or `sqlite`, in a SQL database | [RFC 6238] |
//! | `redis` | | [`RedisStore`](store::RedisStore): sessions in Redis or Redis Cluster | |
//! | `redis-tls` | | TLS to Redis (`rediss://`) with rustls and aws-lc | |
//! | `openapi` | | [`openapi`]: documents of the routes, for [utoipa](https://docs.rs/utoipa) 6 | OpenAPI 3.1 |
//! | `tracing` | | spans and events, which never contain tokens or claims | |
//! | `metrics` | | counters, gauges and histograms for the [`metrics`](https://docs.rs/metrics) facade: see [`monitoring`] | |
//! | `test-util` | | `testing`: tokens, claims and a provider for your tests; `store::conformance`, the test suite for your own stores | |
//!
//! The default features and most others require Rust 1.88. `key-rotation` requires 1.89, `postgres`,
//! `sqlite` and `django` require 1.94, which sqlx needs.
//!
//! # What is not supported
//!
//! - Encrypted tokens (JWE), nested tokens, and detached or unencoded payloads are rejected.
//! - Tokens that are bound to a key (`cnf`) are rejected unless the layer is
//!   [configured](possession) for DPoP or client certificates.
//! - There are no keys for ES512, ES256K, Ed448 or `none`.
//! - Secrets and passwords that this crate holds are wiped from memory when dropped. Keys inside
//!   aws-lc and buffers of request bodies are not.
//!
//! [RFC 6238]: https://www.rfc-editor.org/rfc/rfc6238
//! [RFC 6265]: https://www.rfc-editor.org/rfc/rfc6265
//! [RFC 6749]: https://www.rfc-editor.org/rfc/rfc6749
//! [RFC 6750]: https://www.rfc-editor.org/rfc/rfc6750
//! [RFC 7009]: https://www.rfc-editor.org/rfc/rfc7009
//! [RFC 7239]: https://www.rfc-editor.org/rfc/rfc7239
//! [RFC 7515]: https://www.rfc-editor.org/rfc/rfc7515
//! [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517
//! [RFC 7518]: https://www.rfc-editor.org/rfc/rfc7518
//! [RFC 7519]: https://www.rfc-editor.org/rfc/rfc7519
//! [RFC 7523]: https://www.rfc-editor.org/rfc/rfc7523
//! [RFC 7662]: https://www.rfc-editor.org/rfc/rfc7662
//! [RFC 8037]: https://www.rfc-editor.org/rfc/rfc8037
//! [RFC 8414]: https://www.rfc-editor.org/rfc/rfc8414
//! [RFC 8705]: https://www.rfc-editor.org/rfc/rfc8705
//! [RFC 9068]: https://www.rfc-editor.org/rfc/rfc9068
//! [RFC 9106]: https://www.rfc-editor.org/rfc/rfc9106
//! [RFC 9449]: https://www.rfc-editor.org/rfc/rfc9449
//! [RFC 9470]: https://www.rfc-editor.org/rfc/rfc9470
//! [RFC 9728]: https://www.rfc-editor.org/rfc/rfc9728
//! [RFC 9864]: https://www.rfc-editor.org/rfc/rfc9864
//! [RFC 9964]: https://www.rfc-editor.org/rfc/rfc9964
//! [tower]: https://docs.rs/tower
//! [axum]: https://docs.rs/axum

#![cfg_attr(docsrs, feature(doc_cfg))]
#![forbid(unsafe_code)]

#[cfg(feature = "accounts")]
pub mod accounts;
#[cfg(doc)]
#[doc = include_str!("backup.md")]
pub mod backup {
    #[allow(unused_imports, reason = "for links in the text")]
    use crate::*;
}
#[cfg(doc)]
#[doc = include_str!("browser.md")]
#[doc = "```js"]
#[doc = include_str!("../examples/webapp/static/session.js")]
#[doc = "```"]
pub mod browser {
    #[allow(unused_imports, reason = "for links in the text")]
    use crate::*;
}
mod check;
pub mod clock;
#[cfg(doc)]
#[doc = include_str!("cookbook.md")]
pub mod cookbook {
    #[allow(unused_imports, reason = "for links in the text")]
    use crate::*;
}
pub mod error;
#[cfg(feature = "axum")]
mod extract;
mod found;
pub mod guard;
#[cfg(any(feature = "introspection", feature = "jwks"))]
pub mod http_client;
#[cfg(feature = "introspection")]
pub mod introspection;
pub mod issue;
#[cfg(feature = "jwks")]
pub mod jwks;
#[cfg(feature = "key-rotation")]
pub mod key_rotation;
#[cfg(feature = "accounts")]
pub mod mail;
mod metrics;
pub mod middleware;
#[cfg(doc)]
#[doc = include_str!("monitoring.md")]
pub mod monitoring {
    #[allow(unused_imports, reason = "for links in the text")]
    use crate::*;
}
#[cfg(feature = "openapi")]
pub mod openapi;
#[cfg(feature = "password")]
pub mod password;
#[cfg(doc)]
#[doc = include_str!("performance.md")]
pub mod performance {
    #[allow(unused_imports, reason = "for links in the text")]
    use crate::*;
}
pub mod possession;
#[cfg(all(doc, feature = "ml-dsa"))]
#[doc = include_str!("post_quantum.md")]
pub mod post_quantum {
    #[allow(unused_imports, reason = "for links in the text")]
    use crate::*;
}
pub mod protected_resource;
#[cfg(feature = "jwks")]
pub mod provider;
pub mod rejection;
#[cfg(feature = "routes")]
pub mod routes;
#[cfg(doc)]
#[doc = include_str!("sessions.md")]
#[doc = include_str!("sessions.svg")]
#[doc = include_str!("sessions_or_tokens.md")]
pub mod sessions {
    #[allow(unused_imports, reason = "for links in the text")]
    use crate::*;
}
#[cfg(feature = "django")]
pub mod simplejwt;
pub mod store;
#[cfg(feature = "test-util")]
pub mod testing;
#[cfg(feature = "throttle")]
pub mod throttle;
pub mod token;
#[cfg(feature = "totp")]
pub mod totp;
mod trace;
pub mod transport;
mod url;
pub mod user;

pub use clock::{Clock, ManualClock, NumericDate};
pub use error::{AuthError, AuthErrorKind, ConfigError, ConfigErrorKind};
pub use issue::Issuer;
pub use middleware::JwtAuthLayer;
#[cfg(feature = "routes")]
pub use routes::TokenRoutes;
pub use store::MemoryStore;
pub use token::{Algorithm, Claims, KeySet, RegisteredClaims, SigningKey, Verifier, VerifyingKey};
