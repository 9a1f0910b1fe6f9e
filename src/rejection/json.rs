use http::{HeaderValue, Response, header::CONTENT_TYPE};

use crate::error::AuthError;

use super::Rejection;

/// Responds with the JSON `{"detail": "…", "code": "…"}`. The default.
///
/// The members are [`AuthErrorKind::detail`](crate::AuthErrorKind::detail) and
/// [`AuthErrorKind::code`](crate::AuthErrorKind::code). The body type must implement
/// `From<String>`; for other bodies use [`with_body`](Self::with_body).
#[derive(Clone, Copy, Debug, Default)]
pub struct JsonRejection;

impl JsonRejection {
    /// Returns a [`Rejection`] with the same JSON in a body made by `body`.
    ///
    /// ```
    /// use axum::body::Bytes;
    /// use http_body_util::{BodyExt, Full, combinators::BoxBody};
    /// use std::convert::Infallible;
    /// use tower_jwt_auth::{Algorithm, Issuer, SigningKey, rejection::JsonRejection};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?).build()?;
    /// fn boxed(json: String) -> BoxBody<Bytes, Infallible> {
    ///     Full::from(json).boxed()
    /// }
    ///
    /// let layer = issuer.layer().with_rejection(JsonRejection::with_body(boxed));
    /// # Ok(())
    /// # }
    /// ```
    pub fn with_body<B, F>(body: F) -> impl Fn(&AuthError) -> Response<B> + Clone
    where
        F: Fn(String) -> B + Clone,
    {
        move |error| {
            let kind = error.kind();
            let mut response = Response::new(body(kind.json().to_owned()));
            *response.status_mut() = kind.status();
            response
                .headers_mut()
                .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
    }
}

#[diagnostic::do_not_recommend]
impl<B: From<String>> Rejection<B> for JsonRejection {
    fn reject(&self, error: &AuthError) -> Response<B> {
        Self::with_body(B::from)(error)
    }
}
