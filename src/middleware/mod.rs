//! The tower middleware: [`JwtAuthLayer`] and its service.
//!
//! For each request it
//!
//! 1. finds the token in the configured [sources](crate::transport::TokenSource), borrowed from the
//!    request;
//! 2. verifies it with its [`Verifier`](crate::Verifier);
//! 3. if the token is [bound to a key](crate::possession), checks that the sender has it;
//! 4. asks its store, if it has one, whether the token was revoked;
//! 5. puts the [`Claims`](crate::Claims) into the request extensions and calls the inner service,
//!    or rejects the request.
//!
//! Without a store, or with one that responds from memory, it awaits nothing and boxes nothing. It
//! calls the inner service that was polled ready, never a fresh clone.
//!
//! It works with all request and response bodies, with and without axum:
//!
//! ```
//! use http::{Request, Response, StatusCode, header::AUTHORIZATION};
//! use tower::{ServiceBuilder, ServiceExt, service_fn};
//! use tower_jwt_auth::{
//!     Algorithm, Claims, Issuer, SigningKey, token::NoClaims, user::User,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = Issuer::builder(SigningKey::generate(Algorithm::ES256)?).build()?;
//! let service = ServiceBuilder::new()
//!     .layer(issuer.layer())
//!     .service(service_fn(|request: Request<String>| async move {
//!         let claims: Option<&Claims> = request.extensions().get();
//!         let user = claims.map(|claims| claims.user_id().to_string());
//!         Ok::<_, std::convert::Infallible>(Response::new(user.unwrap_or_default()))
//!     }));
//!
//! let rejected = service.clone().oneshot(Request::new(String::new())).await?;
//! assert_eq!(rejected.status(), StatusCode::UNAUTHORIZED);
//!
//! let tokens = issuer.login(&User::new(42, NoClaims::default())).await?;
//! let request = Request::builder()
//!     .header(AUTHORIZATION, format!("Bearer {}", tokens.access()))
//!     .body(String::new())?;
//! assert_eq!(service.oneshot(request).await?.body(), "42");
//! # Ok(())
//! # }
//! ```
//!
//! # Nested layers
//!
//! On each request, the innermost layer decides who the user is. It removes the claims that an outer
//! layer has found, also those of another type, and also if it passes the request on without claims.
//! A handler that reads [`Claims`](crate::Claims) of an outer layer's type gets the error of a
//! missing layer. Middleware between the two layers sees the outer claims; if the handler needs
//! both, for example those of a calling service and those of its user, store the outer ones there in
//! an extension of your own.
//!
//! # Preflight requests
//!
//! Before a page of another origin may send a header such as `Authorization`, the browser asks for
//! permission with an `OPTIONS` request that has no credentials (CORS). Only a CORS layer around this
//! one can respond to it, as [the page about browsers](crate::browser#another-origin) shows. If this
//! layer rejects such a request, it logs an event.
//!
//! # Logging
//!
//! With the feature `tracing`, each outcome logs an event. It names the
//! [kind](crate::AuthErrorKind) of the error and contains nothing from the request:
//!
//! | level | event |
//! |---|---|
//! | `TRACE` | a token was accepted |
//! | `DEBUG` | a request was rejected, or passed on without claims; a preflight request was rejected |
//! | `WARN` | the response was `503` |
//! | `ERROR` | the application is misconfigured, for example a layer is missing |
//!
//! The span `token_revocation_lookup` (level `TRACE`) covers the time spent waiting for a store,
//! `token_key_fetch` that spent waiting for keys.

mod config;
#[cfg(feature = "cookie")]
mod cross_site;
mod future;
mod layer;
mod service;

pub use config::InvalidToken;
#[cfg(feature = "cookie")]
pub use cross_site::{CrossSite, CrossSiteFuture, CrossSiteLayer};
pub use future::ResponseFuture;
pub use layer::JwtAuthLayer;
pub use service::JwtAuth;
