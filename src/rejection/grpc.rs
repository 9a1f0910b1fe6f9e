use http::{HeaderValue, Response, StatusCode, header::CONTENT_TYPE};

use crate::error::{AuthError, AuthErrorKind};

use super::Rejection;

/// Answers with a [gRPC status], for any body type that has a default: for services of tonic.
///
/// | HTTP would say | `grpc-status` |
/// |---|---|
/// | 400 | `INVALID_ARGUMENT` (3) |
/// | 401 | `UNAUTHENTICATED` (16) |
/// | 403 | `PERMISSION_DENIED` (7) |
/// | 503 | `UNAVAILABLE` (14) |
/// | 500 | `INTERNAL` (13) |
///
/// The status of HTTP itself is always 200, and the message the detail of the
/// [`AuthError`](AuthError::detail). The challenge is in the metadata.
///
/// ```
/// use tower_jwt_auth::{Algorithm, JwtAuthLayer, SigningKey, Verifier, token::KeySet};
/// use tower_jwt_auth::rejection::GrpcRejection;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let keys = KeySet::from(SigningKey::generate(Algorithm::HS256)?);
/// let verifier: Verifier = Verifier::builder(keys).build()?;
/// let layer = JwtAuthLayer::new(verifier).with_rejection(GrpcRejection);
/// # Ok(())
/// # }
/// ```
///
/// [gRPC status]: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md#responses
#[derive(Clone, Copy, Debug, Default)]
pub struct GrpcRejection;

impl<B: Default> Rejection<B> for GrpcRejection {
    fn reject(&self, error: &AuthError) -> Response<B> {
        let mut response = Response::new(B::default());
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
        headers.insert("grpc-status", HeaderValue::from_static(status(error.kind())));
        // What is encoded is visible ASCII.
        if let Ok(message) = HeaderValue::try_from(percent_encode(&error.detail())) {
            headers.insert("grpc-message", message);
        }
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

/// All but visible ASCII and blanks, and the percent sign itself.
fn percent_encode(message: &str) -> String {
    let mut encoded = String::with_capacity(message.len());
    for byte in message.bytes() {
        match byte {
            b' '..=b'~' if byte != b'%' => encoded.push(byte.into()),
            _ => encoded.push_str(&format!("%{byte:02X}")),
        }
    }
    encoded
}
