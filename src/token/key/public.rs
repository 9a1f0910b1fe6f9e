//! Public keys: the checks that each must pass, and its components.

use aws_lc_rs::{
    digest,
    encoding::AsDer,
    rsa,
    signature::{self, ParsedPublicKey},
};

use crate::error::ConfigError;

use super::super::{
    algorithm::{Algorithm, Scheme},
    compact::encode,
};

const REJECTED: ConfigError =
    ConfigError::key("the public key is malformed or does not match the algorithm");

/// A public key that is ready to verify, with the components of its JWK.
pub(super) struct PublicKey {
    pub(super) parsed: ParsedPublicKey,
    components: Components,
}

enum Components {
    Rsa { n: Vec<u8>, e: Vec<u8> },
    Ec { curve: &'static str, x: Vec<u8>, y: Vec<u8> },
    Ed25519 { x: Vec<u8> },
}

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo`, or the form of the algorithm: a PKCS#1 `RSAPublicKey`, a
    /// curve point, or the 32 bytes of an Ed25519 key.
    pub(super) fn read(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, ConfigError> {
        match algorithm.scheme() {
            Scheme::Hmac(_) => {
                Err(ConfigError::key("an HMAC algorithm requires a secret, not a key pair"))
            }
            Scheme::Rsa { verifying, .. } => {
                let key = rsa::PublicKey::from_der(bytes).map_err(|_| REJECTED)?;
                let n = key.modulus().big_endian_without_leading_zero().to_vec();
                let e = key.exponent().big_endian_without_leading_zero().to_vec();
                check_rsa(&n, &e)?;
                let parsed = ParsedPublicKey::new(verifying, bytes).map_err(|_| REJECTED)?;
                Ok(Self { parsed, components: Components::Rsa { n, e } })
            }
            Scheme::Ecdsa { verifying, coordinate_len, .. } => {
                let parsed = ParsedPublicKey::new(verifying, bytes).map_err(|_| REJECTED)?;
                let spki = parsed.as_der().map_err(|_| REJECTED)?;
                // The point is uncompressed here, even if the input was not.
                let point = suffix(spki.as_ref(), 1 + 2 * coordinate_len)?;
                if point[0] != 4 {
                    return Err(REJECTED);
                }
                let (x, y) = point[1..].split_at(coordinate_len);
                let curve = if coordinate_len == 32 { "P-256" } else { "P-384" };
                let components = Components::Ec { curve, x: x.to_vec(), y: y.to_vec() };
                Ok(Self { parsed, components })
            }
            Scheme::Ed25519 => {
                let parsed =
                    ParsedPublicKey::new(&signature::ED25519, bytes).map_err(|_| REJECTED)?;
                let spki = parsed.as_der().map_err(|_| REJECTED)?;
                let x = suffix(spki.as_ref(), 32)?.to_vec();
                check_ed25519(&x)?;
                Ok(Self { parsed, components: Components::Ed25519 { x } })
            }
        }
    }

    /// Returns the SHA-256 thumbprint of [RFC 7638](https://www.rfc-editor.org/rfc/rfc7638) in
    /// base64url.
    pub(super) fn thumbprint(&self) -> String {
        let json = format!("{{{}}}", self.jwk_members());
        encode(digest::digest(&digest::SHA256, json.as_bytes()).as_ref())
    }

    /// Returns the required members of the JWK, in the order of [RFC 7638 section 3].
    ///
    /// [RFC 7638 section 3]: https://www.rfc-editor.org/rfc/rfc7638#section-3
    pub(super) fn jwk_members(&self) -> String {
        match &self.components {
            Components::Rsa { n, e } => {
                format!(r#""e":"{}","kty":"RSA","n":"{}""#, encode(e), encode(n))
            }
            Components::Ec { curve, x, y } => {
                let (x, y) = (encode(x), encode(y));
                format!(r#""crv":"{curve}","kty":"EC","x":"{x}","y":"{y}""#)
            }
            Components::Ed25519 { x } => {
                format!(r#""crv":"Ed25519","kty":"OKP","x":"{}""#, encode(x))
            }
        }
    }
}

fn suffix(bytes: &[u8], len: usize) -> Result<&[u8], ConfigError> {
    let start = bytes.len().checked_sub(len).ok_or(REJECTED)?;
    Ok(&bytes[start..])
}

/// `n` and `e` are big-endian without leading zeros.
fn check_rsa(n: &[u8], e: &[u8]) -> Result<(), ConfigError> {
    let bits = n.first().map_or(0, |first| n.len() * 8 - first.leading_zeros() as usize);
    if !(2048..=8192).contains(&bits) {
        return Err(ConfigError::key("an RSA key must have 2048 to 8192 bits"));
    }
    if e.last().is_none_or(|last| last % 2 == 0) || e == [1] {
        return Err(ConfigError::key("the exponent of an RSA key must be odd and at least 3"));
    }
    Ok(())
}

/// With a key of small order, one signature is valid for every message.
fn check_ed25519(x: &[u8]) -> Result<(), ConfigError> {
    /// The y coordinates of the points whose order divides 8, little-endian and without the sign
    /// bit. The last two encode a coordinate as a number that is not less than the modulus.
    const SMALL_ORDER: [[u8; 32]; 7] = [
        [0; 32],
        repeat(0x01, 0x00, 0x00),
        [
            0x26, 0xe8, 0x95, 0x8f, 0xc2, 0xb2, 0x27, 0xb0, 0x45, 0xc3, 0xf4, 0x89, 0xf2, 0xef,
            0x98, 0xf0, 0xd5, 0xdf, 0xac, 0x05, 0xd3, 0xc6, 0x33, 0x39, 0xb1, 0x38, 0x02, 0x88,
            0x6d, 0x53, 0xfc, 0x05,
        ],
        [
            0xc7, 0x17, 0x6a, 0x70, 0x3d, 0x4d, 0xd8, 0x4f, 0xba, 0x3c, 0x0b, 0x76, 0x0d, 0x10,
            0x67, 0x0f, 0x2a, 0x20, 0x53, 0xfa, 0x2c, 0x39, 0xcc, 0xc6, 0x4e, 0xc7, 0xfd, 0x77,
            0x92, 0xac, 0x03, 0x7a,
        ],
        repeat(0xec, 0xff, 0x7f),
        repeat(0xed, 0xff, 0x7f),
        repeat(0xee, 0xff, 0x7f),
    ];

    const fn repeat(first: u8, middle: u8, last: u8) -> [u8; 32] {
        let mut bytes = [middle; 32];
        bytes[0] = first;
        bytes[31] = last;
        bytes
    }

    let small = SMALL_ORDER.iter().any(|point| x[..31] == point[..31] && x[31] & 0x7f == point[31]);
    if small { Err(ConfigError::key("an Ed25519 key must not have a small order")) } else { Ok(()) }
}
