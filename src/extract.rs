//! Extractors: handlers take [`Claims<C>`], [`RegisteredClaims`] or an `Option` of them as arguments.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_jwt_auth::{Algorithm, Claims, Issuer, SigningKey};
//!
//! async fn greet(claims: Claims) -> String {
//!     format!("Hello, user {}", claims.user_id())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?).build()?;
//! let app: Router = Router::new().route("/", get(greet)).layer(issuer.layer());
//! # Ok(())
//! # }
//! ```
//!
//! An [`AuthError`] is also a response, so handlers may return it:
//!
//! ```
//! use tower_jwt_auth::{AuthError, Claims};
//!
//! async fn write(claims: Claims) -> Result<&'static str, AuthError> {
//!     claims.require_scope("write")?;
//!     Ok("written")
//! }
//! ```

use axum::{
    extract::{FromRequestParts, OptionalFromRequestParts},
    response::{IntoResponse, Response},
};
use http::request::Parts;

use crate::{
    error::{AuthError, AuthErrorKind},
    found::found_claims,
    rejection::{DEFAULT_REALM, JsonRejection, respond},
    token::{Claims, RegisteredClaims},
};

/// The claims that [`JwtAuthLayer`](crate::JwtAuthLayer) has found.
///
/// The response is `401` if authentication is optional and the request carries no token. It is `500`
/// if there is no layer for claims of the type `C`; the log names the missing layer.
impl<C, S> FromRequestParts<S> for Claims<C>
where
    C: Send + Sync + 'static,
    S: Send + Sync,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        found_claims(&parts.extensions).cloned()
    }
}

/// The claims that [`JwtAuthLayer`](crate::JwtAuthLayer) has found, or `None` if authentication is
/// [optional](crate::JwtAuthLayer::with_optional) and the request carries no token.
impl<C, S> OptionalFromRequestParts<S> for Claims<C>
where
    C: Send + Sync + 'static,
    S: Send + Sync,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthError> {
        optional(found_claims(&parts.extensions).cloned())
    }
}

/// The claims that the innermost [`JwtAuthLayer`](crate::JwtAuthLayer) has found, whatever their type.
/// For middleware that serves several applications:
///
/// ```
/// use axum::{extract::Request, middleware::Next, response::Response};
/// use tower_jwt_auth::RegisteredClaims;
///
/// async fn log_user(claims: Option<RegisteredClaims>, request: Request, next: Next) -> Response {
///     if let Some(claims) = claims {
///         println!("request of user {}", claims.user_id());
///     }
///     next.run(request).await
/// }
/// ```
///
/// The response is `401` if authentication is optional and the request carries no token. It is `500`
/// if there is no layer.
impl<S: Send + Sync> FromRequestParts<S> for RegisteredClaims {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, AuthError> {
        Self::from_extensions(&parts.extensions)
    }
}

/// The claims that the innermost [`JwtAuthLayer`](crate::JwtAuthLayer) has found, whatever their
/// type, or `None` if authentication is [optional](crate::JwtAuthLayer::with_optional) and the
/// request carries no token.
impl<S: Send + Sync> OptionalFromRequestParts<S> for RegisteredClaims {
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthError> {
        optional(Self::from_extensions(&parts.extensions))
    }
}

fn optional<T>(claims: Result<T, AuthError>) -> Result<Option<T>, AuthError> {
    match claims {
        Ok(claims) => Ok(Some(claims)),
        Err(error) if error.kind() == AuthErrorKind::MissingCredentials => Ok(None),
        Err(error) => Err(error),
    }
}

/// The response of [`JsonRejection`], with the realm `api` in the challenge.
impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        respond(&JsonRejection, self, DEFAULT_REALM)
    }
}
