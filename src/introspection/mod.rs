//! Opaque tokens: [`Introspection`] asks the authorization server what a token stands for
//! ([RFC 7662]).
//!
//! ```
//! use axum::{Router, routing::get};
//! use serde::Deserialize;
//! use tower_jwt_auth::{
//!     Claims, JwtAuthLayer,
//!     introspection::{ClientAuth, Introspection},
//! };
//! # use std::{error::Error, future::Future};
//! # use http::{Request, Response};
//! # struct Server;
//! # impl tower_jwt_auth::http_client::HttpClient for Server {
//! #     type Body = String;
//! #     async fn send(
//! #         &self,
//! #         request: Request<Vec<u8>>,
//! #     ) -> Result<Response<String>, Box<dyn Error + Send + Sync>> {
//! #         assert_eq!(request.headers()["authorization"], "Basic YXBpOnNlY3JldA==");
//! #         assert_eq!(request.body(), b"token=opaque-token&token_type_hint=access_token");
//! #         let json = r#"{"active":true,"sub":"42","username":"ada","aud":"https://api.example"}"#;
//! #         Ok(Response::builder().header("content-type", "application/json").body(json.into())?)
//! #     }
//! # }
//!
//! #[derive(Deserialize)]
//! struct Member {
//!     username: String,
//! }
//!
//! async fn me(claims: Claims<Member>) -> String {
//!     format!("user {} is {}", claims.user_id(), claims.username)
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn Error>> {
//! let introspection = Introspection::builder(
//!     "https://login.example/introspect",
//!     ClientAuth::basic("api", "secret"),
//! )
//! .audience("https://api.example")
//! .claims::<Member>()
//! # .client(Server)
//! .build()?;
//! let app: Router = Router::new()
//!     .route("/me", get(me))
//!     .layer(JwtAuthLayer::from_introspection(introspection));
//! # use axum::body::{Body, to_bytes};
//! # use tower::ServiceExt;
//! # let request = Request::get("/me").header("authorization", "Bearer opaque-token");
//! # let response = app.oneshot(request.body(Body::empty())?).await?;
//! # assert_eq!(to_bytes(response.into_body(), 4096).await?, "user 42 is ada");
//! # Ok(())
//! # }
//! ```
//!
//! # JWTs and opaque tokens
//!
//! | which tokens are introspected | use |
//! |---|---|
//! | all, JWTs too | [`JwtAuthLayer::from_introspection`] |
//! | those that are not JWTs; the others are verified with keys | [`JwtAuthLayer::with_introspection`] |
//!
//! A token counts as a JWT if it has three parts and the first one encodes a JSON object. Encrypted
//! tokens (JWE) have five parts, so they are introspected.
//!
//! # What is checked
//!
//! 1. The response has the status `200`, the media type `application/json`, at most 256 KiB, no
//!    content encoding and no duplicate members. `active` must be a JSON boolean, and the other
//!    members must have the types that [RFC 7662 section 2.2] defines. Redirects are not followed.
//! 2. `active` is `true`.
//! 3. `exp`, if there is one, then `nbf`, `iat` and `auth_time`, `iss` and `aud` if they are
//!    [configured](IntrospectionBuilder::audience), and the user id. A token whose
//!    `token_type` names another use than an access token is rejected.
//! 4. The application's claims: the response must deserialize to `C`, and every
//!    [check](IntrospectionBuilder::check) must pass.
//! 5. Possession, if the response has `cnf` or the `token_type` is `DPoP`. Such a token is rejected
//!    unless the layer [checks](crate::possession) the proof or the certificate of the sender.
//! 6. Revocation, if the layer has a [store](crate::JwtAuthLayer::with_revocation_check). The store knows
//!    users by `iss` and the user id or `sub`, sessions by `sid`, tokens by `jti`. A response without
//!    `iat` counts as older than every revocation of its user: with
//!    [`require_member("iat")`](IntrospectionBuilder::require_member), such tokens are always rejected,
//!    instead of only after a revocation.
//!
//! [`Claims::json`](crate::Claims::json) is the response. A token without `exp` has the latest
//! possible [`expires_at`](crate::Claims::expires_at).
//!
//! # What happens to requests
//!
//! | the server | request |
//! |---|---|
//! | describes the token as active, and the rules permit it | passed on |
//! | describes it as inactive, or a rule is broken | `401` |
//! | does not respond in time, or responds with another status or a malformed response | `503` |
//!
//! A `503` has an [`IntrospectionError`] as its cause, which the log shows. It includes `401` and
//! `403` from the server: it does not accept the credentials of this service.
//!
//! Responses are cached: those for active tokens for [60
//! seconds](IntrospectionBuilder::cache_for), and never beyond `exp`; those for others for [5
//! seconds](IntrospectionBuilder::cache_rejected_for). Times and checks are repeated at each use. An
//! outage is never bridged with older responses. The cache holds a keyed hash of each token, not the
//! token. Any number of requests with the same token share one introspection.
//!
//! # What is not supported
//!
//! Signed responses ([RFC 9701]).
//!
//! [RFC 7662]: https://www.rfc-editor.org/rfc/rfc7662
//! [RFC 7662 section 2.2]: https://www.rfc-editor.org/rfc/rfc7662#section-2.2
//! [RFC 9701]: https://www.rfc-editor.org/rfc/rfc9701
//! [`JwtAuthLayer::from_introspection`]: crate::JwtAuthLayer::from_introspection
//! [`JwtAuthLayer::with_introspection`]: crate::JwtAuthLayer::with_introspection

mod builder;
mod cache;
mod client_auth;
mod endpoint;
mod error;
mod flights;
mod handle;

pub use builder::IntrospectionBuilder;
pub use client_auth::ClientAuth;
pub use error::{IntrospectionError, IntrospectionErrorKind};
pub use handle::Introspection;
