//! Tokens that are bound to a key of the client, so that a stolen one is useless: DPoP ([RFC 9449])
//! and client certificates ([RFC 8705]).
//!
//! # DPoP
//!
//! The client has a key pair. It signs a short-lived *proof* for each request and sends it in the
//! header `DPoP`, with its public key.
//!
//! 1. At a login with a proof, the [token routes](crate::routes::TokenRoutesBuilder::dpop) bind the
//!    access and the refresh token to the key: the claim `cnf` has its thumbprint.
//! 2. The client sends the access token with the scheme `DPoP` instead of `Bearer`, and a proof. The
//!    [layer](crate::JwtAuthLayer::with_dpop) checks the token as always, and that the proof
//!    - is a JWT of the type `dpop+jwt`, shorter than 12 KiB, signed with an accepted algorithm by the
//!      key in its header, which is public and the one to which the token is bound;
//!    - names the method (`htm`) and the URL (`htu`) of the request. URLs are normalized first, and
//!      queries and fragments are ignored;
//!    - is at most 60 seconds old (`iat`), and names the token (`ath`);
//!    - has a nonce of this service, if [nonces](DpopBuilder::nonces) are configured;
//!    - was not used before: its `jti` is remembered in the [store](DpopBuilder::store).
//! 3. A refresh needs a proof of the same key, and so does the [second
//!    step](crate::routes#second-factor) of a login whose first step had a proof.
//!
//! ## The thief of a token
//!
//! A stolen token is useless without the key. This is also the cure for the thief of a refresh token:
//! rotation alone reveals the theft only when both have used the token, and not at all if the thief
//! uses each token within the [grace](crate::issue::IssuerBuilder::reuse_grace). The request of a thief
//! without the key is rejected at any time. It spends nothing and ends no session, and the session of
//! the owner goes on.
//!
//! ## Accepting bound tokens
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_jwt_auth::{
//!     Claims, JwtAuthLayer, MemoryStore, Verifier, VerifyingKey, possession::Dpop,
//! };
//! # use axum::{body::Body, http::{Request, StatusCode}};
//! # use tower::ServiceExt;
#![doc = include_str!("example_client.md")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (client, secret) = (Client::new(), [7, 9].repeat(16));
//! # let key = VerifyingKey::from_secret(tower_jwt_auth::Algorithm::HS256, &secret)?;
//! # let token = token(&secret, serde_json::json!({ "jkt": client.thumbprint() }));
//!
//! let verifier: Verifier = Verifier::builder(key).build()?;
//! let dpop = Dpop::builder("https://api.example").store(MemoryStore::new()).build()?;
//! let app: Router = Router::new()
//!     .route("/notes", get(|claims: Claims| async move { claims.user_id().to_string() }))
//!     .route_layer(JwtAuthLayer::new(verifier).with_dpop(dpop));
//!
//! let proof = client.proof("GET", "/notes", Some(&token));
//! let request = |credentials: &str| {
//!     let request = Request::get("/notes").header("authorization", credentials);
//!     request.header("dpop", &proof).body(Body::empty())
//! };
//! let notes = request(&format!("DPoP {token}"))?;
//! assert_eq!(app.clone().oneshot(notes).await?.status(), StatusCode::OK);
//!
//! let replayed = request(&format!("DPoP {token}"))?;
//! assert_eq!(app.clone().oneshot(replayed).await?.status(), StatusCode::UNAUTHORIZED);
//! let stolen = request(&format!("Bearer {token}"))?;
//! assert_eq!(app.oneshot(stolen).await?.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! The layer needs only the `cnf` of a token, whoever has issued it. Opaque tokens whose
//! [introspection](crate::introspection) returns `cnf` work in the same way.
//!
//! ## Issuing bound tokens
//!
//! ```
//! use axum::Router;
//! use tower_jwt_auth::{Issuer, MemoryStore, SigningKey, TokenRoutes, possession::Dpop};
//! # use axum::{body::{Body, to_bytes}, http::{Request, StatusCode}};
//! # use serde_json::{Value, json};
//! # use tower::ServiceExt;
//! # use tower_jwt_auth::{password::{MemoryUsers, PasswordHasher}, token::NoClaims, user::User};
#![doc = include_str!("example_client.md")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let (client, secret) = (Client::new(), [7, 9].repeat(16));
//! # let users = MemoryUsers::new(PasswordHasher::new());
//! # users.insert("ada", "correct horse", User::new(42, NoClaims::default())).await?;
//!
//! let store = MemoryStore::new();
//! let issuer = Issuer::builder(SigningKey::hs256(secret)?)
//!     .rotate_refresh_tokens(true)
//!     .store(store.clone())
//!     .build()?;
//! let dpop = Dpop::builder("https://api.example").store(store).build()?;
//! let tokens = TokenRoutes::builder(issuer.clone(), users).at("/token").dpop(dpop.clone()).build()?;
//! let app: Router = tokens.into_router();
//! let layer = issuer.layer().with_dpop(dpop);
//!
//! let login = Request::post("/token")
//!     .header("content-type", "application/json")
//!     .header("dpop", client.proof("POST", "/token", None))
//!     .body(Body::from(r#"{"username":"ada","password":"correct horse"}"#))?;
//! let response = app.clone().oneshot(login).await?;
//! # let body = to_bytes(response.into_body(), 8192).await?;
//! # let response: Value = serde_json::from_slice(&body)?;
//! assert_eq!(response["token_type"], "DPoP");
//!
//! # let refresh = json!({ "refresh": response["refresh"] }).to_string();
//! let thief = Request::post("/token/refresh")
//!     .header("content-type", "application/json")
//!     .body(Body::from(refresh.clone()))?;
//! assert_eq!(app.clone().oneshot(thief).await?.status(), StatusCode::UNAUTHORIZED);
//!
//! let owner = Request::post("/token/refresh")
//!     .header("content-type", "application/json")
//!     .header("dpop", client.proof("POST", "/token/refresh", None))
//!     .body(Body::from(refresh))?;
//! assert_eq!(app.oneshot(owner).await?.status(), StatusCode::OK);
//! # let _: tower_jwt_auth::JwtAuthLayer = layer;
//! # Ok(())
//! # }
//! ```
//!
//! ## What a client sees
//!
//! | request | response |
//! |---|---|
//! | no token | `401`, with the challenges of `Bearer` and `DPoP` |
//! | a proof that is missing, invalid or used before | `401`, `invalid_dpop_proof` |
//! | a proof without a nonce of this service, or with an old one | `401`, `use_dpop_nonce`, and the header `DPoP-Nonce` |
//! | a bound token as Bearer, or an unbound one with the scheme `DPoP` | `401`, `token_invalid` |
//! | the store does not respond | `503` |
//!
//! The proof of a Bearer request with an unbound token is ignored. With
//! [`require`](DpopBuilder::require), only bound tokens are accepted, and only `DPoP` has a
//! challenge. A page of another origin can read `DPoP-Nonce` only if the CORS layer exposes it.
//!
//! Cookies and the protocols of WebSockets have no proof, so a bound token there is rejected. The
//! [session routes](crate::routes::SessionRoutes) issue unbound tokens.
//!
//! [`Issuer::verify`](crate::Issuer::verify), [`Verifier::verify`](crate::Verifier::verify) and the
//! route `verify` reject bound tokens, because they see no proof. The route `blacklist` accepts bound
//! refresh tokens. [Introspection](crate::routes::OAuthRoutes) returns `cnf` and the type `DPoP`.
//!
//! # Client certificates
//!
//! A layer with
//! [`with_certificate_bound_tokens`](crate::JwtAuthLayer::with_certificate_bound_tokens) accepts
//! Bearer tokens whose `cnf` has the thumbprint of a client certificate (`x5t#S256`), if the request
//! has the same [`ClientCertificateThumbprint`] in its extensions. The TLS layer of the application
//! puts it there.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_jwt_auth::{
//!     Claims, JwtAuthLayer, Verifier, VerifyingKey, possession::ClientCertificateThumbprint,
//! };
//! # use axum::{body::Body, http::{Request, StatusCode}};
//! # use tower::ServiceExt;
#![doc = include_str!("example_client.md")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret = [7, 9].repeat(16);
//! # let key = VerifyingKey::from_secret(tower_jwt_auth::Algorithm::HS256, &secret)?;
//! # let certificate = b"in DER";
//! # let token = token(&secret, serde_json::json!({ "x5t#S256": hash(certificate) }));
//!
//! let verifier: Verifier = Verifier::builder(key).build()?;
//! let app: Router = Router::new()
//!     .route("/notes", get(|claims: Claims| async move { claims.user_id().to_string() }))
//!     .route_layer(JwtAuthLayer::new(verifier).with_certificate_bound_tokens());
//!
//! let mut request = Request::get("/notes")
//!     .header("authorization", format!("Bearer {token}"))
//!     .body(Body::empty())?;
//! // What the TLS layer does.
//! request.extensions_mut().insert(ClientCertificateThumbprint::of_der(certificate));
//! assert_eq!(app.clone().oneshot(request).await?.status(), StatusCode::OK);
//!
//! let stolen = Request::get("/notes")
//!     .header("authorization", format!("Bearer {token}"))
//!     .body(Body::empty())?;
//! assert_eq!(app.oneshot(stolen).await?.status(), StatusCode::UNAUTHORIZED);
//! # Ok(())
//! # }
//! ```
//!
//! # What is not supported
//!
//! Keys in `cnf` themselves (`jwk`, `jku`, `kid` of [RFC 7800]), tokens of
//! [`Issuer::login`](crate::Issuer::login) that are bound to a key, nonces in responses to accepted
//! requests, and layers [below a capture](Dpop::builder) in the path of a nested router.
//!
//! [RFC 7800]: https://www.rfc-editor.org/rfc/rfc7800
//! [RFC 8705]: https://www.rfc-editor.org/rfc/rfc8705#section-3
//! [RFC 9449]: https://www.rfc-editor.org/rfc/rfc9449

mod builder;
mod certificate;
mod dpop;
#[cfg(feature = "axum")]
mod nesting;
mod nonces;
mod policy;
mod request;

pub use builder::DpopBuilder;
pub use certificate::ClientCertificateThumbprint;
pub use dpop::Dpop;
pub(crate) use dpop::UnusedProof;
pub(crate) use policy::{PossessionPolicy, Presentation};
pub(crate) use request::Evidence;

pub(crate) use crate::token::dpop::invalid_proof as dpop_error;
