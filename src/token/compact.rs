//! The JWS compact form: `header.payload.signature`, each base64url without padding.
//!
//! See [RFC 7515 section 7.1](https://www.rfc-editor.org/rfc/rfc7515#section-7.1).

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use crate::error::AuthErrorKind;

/// The longest signature there is: RSA with 8192 bits.
pub(super) const MAX_SIGNATURE: usize = 1024;

/// A token split at its two dots; nothing is decoded yet.
#[derive(Clone, Copy)]
pub(super) struct Compact<'a> {
    pub(super) header: &'a str,
    payload: &'a str,
    signature: &'a str,
    pub(super) signing_input: &'a str,
}

impl<'a> Compact<'a> {
    /// Splits `token`, which may be `max_len` bytes long.
    ///
    /// A third dot ends up in the signature, whose decoding refuses it.
    pub(super) fn split(token: &'a str, max_len: usize) -> Result<Self, AuthErrorKind> {
        if token.len() > max_len {
            return Err(AuthErrorKind::Malformed);
        }
        let (header, rest) = token.split_once('.').ok_or(AuthErrorKind::Malformed)?;
        let (payload, signature) = rest.split_once('.').ok_or(AuthErrorKind::Malformed)?;
        let signing_input = &token[..header.len() + 1 + payload.len()];
        Ok(Self { header, payload, signature, signing_input })
    }

    pub(super) fn decode_header(&self) -> Result<Vec<u8>, AuthErrorKind> {
        decode(self.header)
    }

    pub(super) fn decode_payload(&self) -> Result<Vec<u8>, AuthErrorKind> {
        decode(self.payload)
    }

    /// Decodes the signature into `buffer`, which the caller keeps, so that nothing is copied.
    pub(super) fn decode_signature<'b>(
        &self,
        buffer: &'b mut [u8; MAX_SIGNATURE],
    ) -> Result<&'b [u8], AuthErrorKind> {
        let len = BASE64_URL_SAFE_NO_PAD
            .decode_slice(self.signature, buffer)
            .map_err(|_| AuthErrorKind::Malformed)?;
        Ok(&buffer[..len])
    }
}

fn decode(part: &str) -> Result<Vec<u8>, AuthErrorKind> {
    BASE64_URL_SAFE_NO_PAD.decode(part).map_err(|_| AuthErrorKind::Malformed)
}

pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

pub(super) fn append(token: &mut String, bytes: &[u8]) {
    token.push('.');
    BASE64_URL_SAFE_NO_PAD.encode_string(bytes, token);
}
