use std::fmt;

use crate::error::{AuthError, AuthErrorKind};

use super::{
    compact::{Compact, SignatureBuffer},
    header::Header,
    key::VerifyingKey,
};

/// A verified signed message that is not a token, such as a webhook or a receipt.
///
/// The form, the header and the signature are verified. The payload is not inspected and can be any
/// bytes.
///
/// ```
/// use tower_jwt_auth::{Algorithm, VerifyingKey, token::Jws};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// // RFC 8037, appendix A.4.
/// let key = VerifyingKey::from_jwk(
///     r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
///     Algorithm::EdDSA,
/// )?;
/// let message = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
///     hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
/// let jws = Jws::verify(message, &key, 64 * 1024)?;
/// assert_eq!(jws.payload(), b"Example of Ed25519 signing");
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Jws {
    header: Vec<u8>,
    payload: Vec<u8>,
}

impl Jws {
    /// Verifies `compact` with `key`. `max_len` is its maximum length in bytes.
    ///
    /// The header's `alg` must name the key's algorithm. The header must not have `crit`, `b64`,
    /// `zip` or `enc`. Its `kid` is not compared.
    ///
    /// # Errors
    ///
    /// [`TooLong`](AuthErrorKind::TooLong), [`Malformed`](AuthErrorKind::Malformed) if it is not a
    /// signed message,
    /// [`UnknownKey`](AuthErrorKind::UnknownKey) if its `alg` differs, and
    /// [`InvalidSignature`](AuthErrorKind::InvalidSignature).
    pub fn verify(compact: &str, key: &VerifyingKey, max_len: usize) -> Result<Self, AuthError> {
        let message = Compact::split(compact.as_bytes(), max_len)?;
        let header_json = message.decode_header()?;
        let header = Header::read(&header_json)?;
        if !key.algorithm().has_name(&header.algorithm) {
            return Err(AuthErrorKind::UnknownKey.into());
        }
        let mut buffer = SignatureBuffer::new();
        let signature = message.decode_signature(&mut buffer)?;
        if !key.verify_signature(message.signing_input, signature) {
            return Err(AuthErrorKind::InvalidSignature.into());
        }
        let payload = message.decode_payload()?;
        Ok(Self { header: header_json, payload })
    }

    /// Returns the JSON of the header.
    #[must_use]
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// Returns the payload.
    #[must_use]
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }
}

impl fmt::Debug for Jws {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Jws").finish_non_exhaustive()
    }
}
