//! Public keys: the checks that each must pass, and its components.

use std::iter;

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
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    Ec {
        curve: &'static str,
        x: Vec<u8>,
        y: Vec<u8>,
    },
    Ed25519 {
        x: Vec<u8>,
    },
    #[cfg(feature = "ml-dsa")]
    MlDsa {
        alg: &'static str,
        public: Vec<u8>,
    },
}

impl PublicKey {
    /// Reads a `SubjectPublicKeyInfo`, or the form of the algorithm: a PKCS#1 `RSAPublicKey`, a
    /// curve point, or the bytes of an Ed25519 or ML-DSA key.
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
            #[cfg(feature = "ml-dsa")]
            Scheme::MlDsa { verifying, signing } => {
                let parsed = ParsedPublicKey::new(verifying, bytes).map_err(|_| REJECTED)?;
                let spki = parsed.as_der().map_err(|_| REJECTED)?;
                let public = suffix(spki.as_ref(), signing.public_key_len())?;
                if bytes != public && bytes != spki.as_ref() {
                    return Err(REJECTED);
                }
                let components =
                    Components::MlDsa { alg: algorithm.as_str(), public: public.to_vec() };
                Ok(Self { parsed, components })
            }
        }
    }

    /// Returns the SHA-256 thumbprint of [RFC 7638](https://www.rfc-editor.org/rfc/rfc7638) in
    /// base64url.
    pub(super) fn thumbprint(&self) -> String {
        let members = self.jwk_members();
        // RFC 9964 section 6: the algorithm is a part of the key.
        #[cfg(feature = "ml-dsa")]
        let members = match &self.components {
            Components::MlDsa { alg, .. } => format!(r#""alg":"{alg}",{members}"#),
            _ => members,
        };
        let json = format!("{{{members}}}");
        encode(digest::digest(&digest::SHA256, json.as_bytes()).as_ref())
    }

    /// Returns the required members of the JWK except `alg`, in the order of [RFC 7638 section 3].
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
            #[cfg(feature = "ml-dsa")]
            Components::MlDsa { public, .. } => {
                format!(r#""kty":"AKP","pub":"{}""#, encode(public))
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
    if has_roca_fingerprint(n) {
        return Err(ConfigError::key(
            "the RSA key is weak (CVE-2017-15361): its factors can be computed",
        ));
    }
    Ok(())
}

/// Returns whether `n` has the fingerprint of the weak keys of [CVE-2017-15361], called ROCA: modulo
/// each small prime, it is a power of 65537. One in 2^27 other keys has it by chance.
///
/// [CVE-2017-15361]: https://crocs.fi.muni.cz/public/papers/rsa_ccs17
fn has_roca_fingerprint(n: &[u8]) -> bool {
    const PRIMES: [u32; 38] = [
        3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89,
        97, 101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    ];
    PRIMES.iter().all(|prime| {
        let remainder = n.iter().fold(0, |rest, byte| (rest * 256 + u32::from(*byte)) % prime);
        let powers = iter::successors(Some(1), |power| {
            Some(power * 65537 % prime).filter(|power| *power != 1)
        });
        powers.into_iter().any(|power| power == remainder)
    })
}

/// Rejects keys of small order, with which one signature is valid for every message, and keys whose
/// encoding is not canonical ([RFC 8032 section 5.1.3]).
///
/// The cryptography library does not expose a check that the key is a point of the curve. It checks
/// this for each signature, so no signature is valid under another key.
///
/// [RFC 8032 section 5.1.3]: https://www.rfc-editor.org/rfc/rfc8032#section-5.1.3
fn check_ed25519(x: &[u8]) -> Result<(), ConfigError> {
    /// The y coordinates of the points whose order divides 8, little-endian and without the sign
    /// bit.
    const SMALL_ORDER: [[u8; 32]; 5] = [
        [0; 32],
        repeat(0x01, 0x00),
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
        repeat(0xec, 0xff),
    ];

    const fn repeat(first: u8, others: u8) -> [u8; 32] {
        let mut bytes = [others; 32];
        bytes[0] = first;
        bytes[31] &= 0x7f;
        bytes
    }

    let (without_sign, last) = (&x[..31], x[31] & 0x7f);
    let has_small_order =
        SMALL_ORDER.iter().any(|point| *without_sign == point[..31] && last == point[31]);
    if has_small_order {
        return Err(ConfigError::key("an Ed25519 key must not have a small order"));
    }
    // The modulus is 2^255 - 19.
    let is_canonical = x[0] < 0xed || x[1..31].iter().any(|byte| *byte != 0xff) || last != 0x7f;
    if !is_canonical {
        return Err(ConfigError::key("the encoding of an Ed25519 key must be canonical"));
    }
    Ok(())
}
