//! Extractors: a handler's arguments of the types [`Claims<C>`] and `Option<Claims<C>>`.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_jwt_auth::{Algorithm, Claims, Issuer, JwtAuthLayer, SigningKey, token::NoClaims};
//!
//! async fn greet(claims: Claims) -> String {
//!     format!("Hello, user {}", claims.user_id())
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?).build()?;
//! let app: Router =
//!     Router::new().route("/", get(greet)).layer(JwtAuthLayer::new(issuer.verifier()));
//! # Ok(())
//! # }
//! ```
//!
//! An [`AuthError`] is a response as well, so handlers may return it:
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
    check::{DEFAULT_REALM, found_claims},
    error::{AuthError, AuthErrorKind},
    rejection::{JsonRejection, respond},
    token::Claims,
};

/// The claims that [`JwtAuthLayer`](crate::JwtAuthLayer) found.
///
/// Without a token, behind an optional layer, the answer is `401`. Without a layer for this type
/// of claims it is `500`, and the body names the layer that is missing.
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

/// The claims that [`JwtAuthLayer`](crate::JwtAuthLayer) found, or `None` where it is
/// [optional](crate::JwtAuthLayer::with_optional) and the request came without a token.
impl<C, S> OptionalFromRequestParts<S> for Claims<C>
where
    C: Send + Sync + 'static,
    S: Send + Sync,
{
    type Rejection = AuthError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, AuthError> {
        match found_claims::<C>(&parts.extensions) {
            Ok(claims) => Ok(Some(claims.clone())),
            Err(error) if error.kind() == AuthErrorKind::MissingCredentials => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// The response of [`JsonRejection`], in the realm `api`.
impl IntoResponse for AuthError {
    fn into_response(self) -> Response {
        respond(&JsonRejection, self, DEFAULT_REALM)
    }
}
