use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};

use crate::error::{AuthError, AuthErrorKind};

use super::Rejection;

/// Responds with a [gRPC status], for services made with tonic. The body type must implement
/// `Default`.
///
/// | HTTP status of the error | `grpc-status` |
/// |---|---|
/// | 400 | `INVALID_ARGUMENT` (3) |
/// | 401 | `UNAUTHENTICATED` (16) |
/// | 403 | `PERMISSION_DENIED` (7) |
/// | 503 | `UNAVAILABLE` (14) |
/// | 500 | `INTERNAL` (13) |
///
/// The HTTP status of the response is always 200. `grpc-message` is the
/// [detail](AuthErrorKind::detail) of the error. The challenge is in the metadata.
///
/// ```
/// use tower_jwt_auth::{Algorithm, Issuer, SigningKey, rejection::GrpcRejection};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?).build()?;
/// let layer = issuer.layer().with_rejection(GrpcRejection);
/// # Ok(())
/// # }
/// ```
///
/// [gRPC status]: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses
#[derive(Clone, Copy, Debug, Default)]
pub struct GrpcRejection;

#[diagnostic::do_not_recommend]
impl<B: Default> Rejection<B> for GrpcRejection {
    fn reject(&self, error: &AuthError) -> Response<B> {
        let kind = error.kind();
        let mut response = Response::new(B::default());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", HeaderValue::from_static(status(kind)));
        // No `detail` has a character that would have to be percent-encoded.
        headers.insert("grpc-message", HeaderValue::from_static(kind.detail()));
        response
    }
}

fn status(kind: AuthErrorKind) -> &'static str {
    match kind.status() {
        StatusCode::BAD_REQUEST => "3",
        StatusCode::FORBIDDEN => "7",
        StatusCode::SERVICE_UNAVAILABLE => "14",
        StatusCode::UNAUTHORIZED => "16",
        _ => "13",
    }
}
