//! The keys of the fixtures. They are public, for tests only.

use tower_jwt_auth::Algorithm;

/// A secret for HS256 and HS384.
pub(crate) const SECRET: &[u8] = b"test secret: fifty-six bytes of no value to anyone at al";
/// A secret for HS512.
pub(crate) const LONG_SECRET: &[u8] =
    b"test secret: seventy-two bytes of no value to anyone, and long for that";

/// A file of `tests/fixtures/keys`, made by `tests/fixtures/keys.sh`.
macro_rules! pem {
    ($name:literal) => {
        include_str!(concat!("../../fixtures/keys/", $name, ".pem"))
    };
}

pub(crate) const RSA: &str = pem!("rsa2048.pkcs8");
pub(crate) const RSA_PKCS1: &str = pem!("rsa2048.pkcs1");
pub(crate) const RSA_PUBLIC: &str = pem!("rsa2048.spki");
pub(crate) const RSA_PUBLIC_PKCS1: &str = pem!("rsa2048.pkcs1-public");
pub(crate) const RSA_ENCRYPTED: &str = pem!("rsa2048.pkcs8-encrypted");
pub(crate) const RSA_ENCRYPTED_PKCS1: &str = pem!("rsa2048.pkcs1-encrypted");
pub(crate) const RSA_CERTIFICATE: &str = pem!("rsa2048.certificate");
pub(crate) const RSA_1024: &str = pem!("rsa1024.pkcs8");
pub(crate) const RSA_1024_PUBLIC: &str = pem!("rsa1024.spki");
pub(crate) const RSA_8192: &str = pem!("rsa8192.pkcs8");
pub(crate) const RSA_8192_PUBLIC: &str = pem!("rsa8192.spki");

pub(crate) const P256: &str = pem!("p256.pkcs8");
pub(crate) const P256_SEC1: &str = pem!("p256.sec1");
pub(crate) const P256_ECPARAM: &str = pem!("p256.ecparam");
pub(crate) const P256_PUBLIC: &str = pem!("p256.spki");
pub(crate) const P256_COMPRESSED: &str = pem!("p256.compressed");
pub(crate) const P384: &str = pem!("p384.pkcs8");
pub(crate) const P384_SEC1: &str = pem!("p384.sec1");
pub(crate) const P384_ECPARAM: &str = pem!("p384.ecparam");
pub(crate) const P384_PUBLIC: &str = pem!("p384.spki");
pub(crate) const P521: &str = pem!("p521.pkcs8");
pub(crate) const P521_PUBLIC: &str = pem!("p521.spki");
pub(crate) const K256: &str = pem!("k256.pkcs8");
pub(crate) const K256_PUBLIC: &str = pem!("k256.spki");

pub(crate) const ED25519: &str = pem!("ed25519.pkcs8");
pub(crate) const ED25519_PUBLIC: &str = pem!("ed25519.spki");
pub(crate) const ED448: &str = pem!("ed448.pkcs8");
pub(crate) const ED448_PUBLIC: &str = pem!("ed448.spki");
pub(crate) const X25519: &str = pem!("x25519.pkcs8");
pub(crate) const X25519_PUBLIC: &str = pem!("x25519.spki");

/// A private key for each algorithm that has a public one.
pub(crate) const PAIRS: [(Algorithm, &str); 9] = [
    (Algorithm::RS256, RSA),
    (Algorithm::RS384, RSA),
    (Algorithm::RS512, RSA),
    (Algorithm::PS256, RSA),
    (Algorithm::PS384, RSA),
    (Algorithm::PS512, RSA_8192),
    (Algorithm::ES256, P256),
    (Algorithm::ES384, P384),
    (Algorithm::EdDSA, ED25519),
];

/// The HMAC key of RFC 7515, appendix A.1.
pub(crate) const RFC_OCT: &str = include_str!("../../fixtures/rfc/rfc7515-a1.jwk.json");
/// The private RSA key of RFC 7515, appendix A.2.
pub(crate) const RFC_RSA: &str = include_str!("../../fixtures/rfc/rfc7515-a2.jwk.json");
/// The private P-256 key of RFC 7515, appendix A.3.
pub(crate) const RFC_EC: &str = include_str!("../../fixtures/rfc/rfc7515-a3.jwk.json");
/// The private Ed25519 key of RFC 8037, appendix A.1.
pub(crate) const RFC_OKP: &str = include_str!("../../fixtures/rfc/rfc8037-a1.jwk.json");
/// The public RSA key of RFC 7638, section 3.1.
pub(crate) const RFC_THUMBPRINT: &str = include_str!("../../fixtures/rfc/rfc7638-3.1.jwk.json");

/// The DER in a PEM.
pub(crate) fn der(pem: &str) -> Vec<u8> {
    pem::parse(pem).unwrap().into_contents()
}
