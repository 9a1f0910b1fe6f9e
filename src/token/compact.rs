//! The JWS compact serialization: `header.payload.signature`, each in base64url without padding.
//!
//! See [RFC 7515 section 7.1](https://www.rfc-editor.org/rfc/rfc7515#section-7.1).

use std::mem::MaybeUninit;

use base64_simd::{AsOut, URL_SAFE_NO_PAD as BASE64URL};
use memchr::memchr;

use crate::error::AuthErrorKind;

/// The length of the longest signature: of ML-DSA-87, or of an RSA key of 8192 bits.
const MAX_SIGNATURE: usize = if cfg!(feature = "ml-dsa") { 4627 } else { 1024 };

/// Space for a signature. It is not initialized, because that takes longer than most decoding.
pub(super) struct SignatureBuffer([MaybeUninit<u8>; MAX_SIGNATURE]);

impl SignatureBuffer {
    pub(super) const fn new() -> Self {
        Self([MaybeUninit::uninit(); MAX_SIGNATURE])
    }
}

/// A token split at its two dots. Nothing is decoded yet.
#[derive(Clone, Copy)]
pub(super) struct Compact<'a> {
    pub(super) text: &'a [u8],
    pub(super) header: &'a [u8],
    payload: &'a [u8],
    signature: &'a [u8],
    pub(super) signing_input: &'a [u8],
}

impl<'a> Compact<'a> {
    /// Splits `token`, whose maximum length is `max_len`.
    ///
    /// A third dot becomes part of the signature, whose decoding then fails.
    #[inline]
    pub(super) fn split(token: &'a [u8], max_len: usize) -> Result<Self, AuthErrorKind> {
        if token.len() > max_len {
            return Err(AuthErrorKind::TooLong);
        }
        let (header, rest) = split_at_dot(token)?;
        let (payload, signature) = split_at_dot(rest)?;
        let signing_input = &token[..header.len() + 1 + payload.len()];
        Ok(Self { text: token, header, payload, signature, signing_input })
    }

    pub(super) fn decode_header(&self) -> Result<Vec<u8>, AuthErrorKind> {
        decode(self.header)
    }

    #[inline]
    pub(super) fn decode_payload(&self) -> Result<Vec<u8>, AuthErrorKind> {
        decode(self.payload)
    }

    /// Decodes the signature into `buffer`.
    pub(super) fn decode_signature<'b>(
        &self,
        buffer: &'b mut SignatureBuffer,
    ) -> Result<&'b [u8], AuthErrorKind> {
        // The decoder panics if the buffer is too short.
        if self.signature.len() > (MAX_SIGNATURE * 4).div_ceil(3) {
            return Err(AuthErrorKind::Malformed);
        }
        let decoded = BASE64URL.decode(self.signature, buffer.0[..].as_out());
        decoded.map(|bytes| &*bytes).map_err(|_| AuthErrorKind::Malformed)
    }
}

#[inline]
fn split_at_dot(text: &[u8]) -> Result<(&[u8], &[u8]), AuthErrorKind> {
    let dot = memchr(b'.', text).ok_or(AuthErrorKind::Malformed)?;
    Ok((&text[..dot], &text[dot + 1..]))
}

#[inline]
pub(super) fn decode(part: &[u8]) -> Result<Vec<u8>, AuthErrorKind> {
    BASE64URL.decode_to_vec(part).map_err(|_| AuthErrorKind::Malformed)
}

pub(super) fn encode(bytes: &[u8]) -> String {
    BASE64URL.encode_to_string(bytes)
}

pub(super) fn append(token: &mut String, bytes: &[u8]) {
    token.push('.');
    BASE64URL.encode_append(bytes, token);
}

#[cfg(test)]
mod tests {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

    use super::{Compact, MAX_SIGNATURE, SignatureBuffer, append, encode};

    const NONE: Compact<'static> =
        Compact { text: b"", header: b"", payload: b"", signature: b"", signing_input: b"" };

    fn decode(part: &str) -> Option<Vec<u8>> {
        let part = part.as_bytes();
        let payload = super::decode(part).ok();
        let token = Compact { signature: part, ..NONE };
        let mut buffer = SignatureBuffer::new();
        let signature = token.decode_signature(&mut buffer).ok();
        assert_eq!(signature, payload.as_deref(), "{part:?}");
        payload
    }

    /// Padding, the standard alphabet, white space and trailing bits are rejected: no two strings
    /// decode to the same bytes.
    #[test]
    fn decodes_as_strictly_as_the_base64_crate() {
        let bytes = || (0..=127).map(char::from);
        for filling in ["", "AbC-", "AbC_".repeat(8).as_str(), "0".repeat(64).as_str()] {
            assert!(decode(&format!("{filling}A")).is_none());
            for (first, second) in bytes().flat_map(|one| bytes().map(move |other| (one, other))) {
                for tail in ["", "A", "B", "=", "==", "A=", "AA"] {
                    let text = format!("{filling}{first}{second}{tail}");
                    let expected = BASE64_URL_SAFE_NO_PAD.decode(&text).ok();
                    assert_eq!(decode(&text), expected, "{text:?}");
                }
            }
        }
    }

    #[test]
    fn encodes_like_the_base64_crate() {
        let bytes: Vec<u8> = (0..=255).collect();
        for end in 0..bytes.len() {
            let expected = BASE64_URL_SAFE_NO_PAD.encode(&bytes[..end]);
            assert_eq!(encode(&bytes[..end]), expected);
            let mut token = "header".to_owned();
            append(&mut token, &bytes[..end]);
            assert_eq!(token, format!("header.{expected}"));
        }
    }

    #[test]
    fn rejects_signatures_that_are_too_long() {
        let mut buffer = SignatureBuffer::new();
        for len in MAX_SIGNATURE - 8..MAX_SIGNATURE + 8 {
            let signature = encode(&vec![7; len]);
            let token = Compact { signature: signature.as_bytes(), ..NONE };
            let decoded = token.decode_signature(&mut buffer);
            assert_eq!(decoded.is_ok(), len <= MAX_SIGNATURE, "{len}");
        }
    }
}
