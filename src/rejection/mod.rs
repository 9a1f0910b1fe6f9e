//! Responses to rejected requests.

mod challenge;
mod empty;
mod grpc;
mod json;
mod record;
mod respond;

use http::Response;

use crate::error::AuthError;

pub(crate) use challenge::{Challenges, DEFAULT_REALM, DpopChallenge};
pub use empty::EmptyRejection;
pub use grpc::GrpcRejection;
pub use json::JsonRejection;
#[cfg(feature = "django")]
pub(crate) use record::record;
pub(crate) use record::record_anonymous;
pub(crate) use respond::{respond, respond_with};

/// Turns an [`AuthError`] into a response with the body type `B` of the inner service.
///
/// Implemented by [`JsonRejection`], [`EmptyRejection`] and [`GrpcRejection`], and by closures:
///
/// ```
/// use http::Response;
/// use tower_jwt_auth::{Algorithm, AuthError, Issuer, SigningKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?).build()?;
/// let layer = issuer.layer().with_rejection(|error: &AuthError| {
///     let mut response = Response::new(format!("rejected: {error}"));
///     *response.status_mut() = error.kind().status();
///     response
/// });
/// # Ok(())
/// # }
/// ```
///
/// The caller completes the response. It adds the `WWW-Authenticate` challenge of [RFC 6750] and
/// `Retry-After` where they are required and missing, and puts the error into the extensions.
///
/// [RFC 6750]: https://www.rfc-editor.org/rfc/rfc6750#section-3
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot make a response with the body `{B}`",
    label = "the inner service responds with the body `{B}`",
    note = "`JsonRejection` requires a body that implements `From<String>`; for other bodies, call \
            `with_rejection(JsonRejection::with_body(..))` on the layer",
    note = "`EmptyRejection` and `GrpcRejection` require a body that implements `Default`",
    note = "a closure `|error: &AuthError| -> Response<{B}>` can make any body"
)]
pub trait Rejection<B> {
    /// Makes the response to a request that was rejected because of `error`.
    fn reject(&self, error: &AuthError) -> Response<B>;
}

#[diagnostic::do_not_recommend]
impl<F, B> Rejection<B> for F
where
    F: Fn(&AuthError) -> Response<B>,
{
    fn reject(&self, error: &AuthError) -> Response<B> {
        self(error)
    }
}
