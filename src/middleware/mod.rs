//! The tower middleware: [`JwtAuthLayer`] and what it makes.
//!
//! For each request it
//!
//! 1. finds the token in the configured [sources](crate::transport::TokenSource), borrowed from
//!    the request;
//! 2. verifies it with its [`Verifier`](crate::Verifier);
//! 3. asks the store, if it was given one, whether the token was revoked;
//! 4. puts [`Claims`](crate::Claims) into the request extensions and calls the inner service, or
//!    answers by itself.
//!
//! Without a store, or with one that answers from memory, nothing is awaited and nothing boxed on
//! the way. The inner service is the one that was polled ready, never a fresh clone.
//!
//! It works with any request and response body, with and without axum:
//!
//! ```
//! use http::{Request, Response, StatusCode, header::AUTHORIZATION};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_jwt_auth::{
//!     Algorithm, Claims, Issuer, JwtAuthLayer, SigningKey, token::NoClaims, user::User,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = Issuer::builder(SigningKey::generate(Algorithm::ES256)?).build()?;
//! let service = ServiceBuilder::new()
//!     .layer(JwtAuthLayer::new(issuer.verifier()))
//!     .service(service_fn(|request: Request<String>| async move {
//!         let claims: Option<&Claims> = request.extensions().get();
//!         let user = claims.map(|claims| claims.user_id().to_string());
//!         Ok::<_, std::convert::Infallible>(Response::new(user.unwrap_or_default()))
//!     }));
//!
//! let refused = service.clone().oneshot(Request::new(String::new())).await?;
//! assert_eq!(refused.status(), StatusCode::UNAUTHORIZED);
//!
//! let tokens = issuer.login(&User::new(42, Default::default())).await?;
//! let request = Request::builder()
//!     .header(AUTHORIZATION, format!("Bearer {}", tokens.access()))
//!     .body(String::new())?;
//! assert_eq!(service.oneshot(request).await?.body(), "42");
//! # Ok(())
//! # }
//! ```
//!
//! # Logging
//!
//! With the feature `tracing` there is an event for each outcome, which names the
//! [kind](crate::AuthErrorKind) of the error and nothing of the request: `TRACE` when a token was
//! accepted, `DEBUG` when a request was refused or goes on without claims, `WARN` when it was
//! answered `503`, `ERROR` when the application is put together wrongly. A store that has to be
//! waited for is asked within the span `token_revocation_lookup`, of the level `TRACE`.

mod future;
mod layer;
mod service;

pub use future::ResponseFuture;
pub use layer::{InvalidToken, JwtAuthLayer};
pub use service::JwtAuth;
