//! Mints tokens with any content, without the crate's signer, so that invalid tokens have a valid
//! signature.

use aws_lc_rs::{
    hmac,
    rand::SystemRandom,
    signature::{self, EcdsaKeyPair, Ed25519KeyPair, PqdsaKeyPair, RsaEncoding, RsaKeyPair},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use tower_jwt_auth::{Algorithm, ManualClock, NumericDate};

use super::keys;

/// The time at which the tokens of [`claims`] are issued.
pub(crate) const NOW: u64 = 1_700_000_000;

/// A clock whose time is [`NOW`].
pub(crate) fn clock() -> ManualClock {
    ManualClock::new(NumericDate::from_secs(NOW))
}

/// Signs any content with a key of the fixtures.
pub(crate) struct Minter {
    algorithm: Algorithm,
    key: Key,
}

enum Key {
    Hmac(Box<hmac::Key>),
    Rsa(RsaKeyPair, &'static dyn RsaEncoding),
    Ecdsa(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    MlDsa(PqdsaKeyPair),
}

impl Minter {
    /// `key` is a secret, or a private key in PEM.
    pub(crate) fn new(algorithm: Algorithm, key: &[u8]) -> Self {
        let der = || keys::der(str::from_utf8(key).unwrap());
        let secret = |scheme| Key::Hmac(Box::new(hmac::Key::new(scheme, key)));
        let rsa = |encoding| Key::Rsa(RsaKeyPair::from_pkcs8(&der()).unwrap(), encoding);
        let ecdsa = |scheme| Key::Ecdsa(EcdsaKeyPair::from_pkcs8(scheme, &der()).unwrap());
        let key = match algorithm {
            Algorithm::HS256 => secret(hmac::HMAC_SHA256),
            Algorithm::HS384 => secret(hmac::HMAC_SHA384),
            Algorithm::HS512 => secret(hmac::HMAC_SHA512),
            Algorithm::RS256 => rsa(&signature::RSA_PKCS1_SHA256),
            Algorithm::RS384 => rsa(&signature::RSA_PKCS1_SHA384),
            Algorithm::RS512 => rsa(&signature::RSA_PKCS1_SHA512),
            Algorithm::PS256 => rsa(&signature::RSA_PSS_SHA256),
            Algorithm::PS384 => rsa(&signature::RSA_PSS_SHA384),
            Algorithm::PS512 => rsa(&signature::RSA_PSS_SHA512),
            Algorithm::ES256 => ecdsa(&signature::ECDSA_P256_SHA256_FIXED_SIGNING),
            Algorithm::ES384 => ecdsa(&signature::ECDSA_P384_SHA384_FIXED_SIGNING),
            Algorithm::EdDSA => Key::Ed25519(Ed25519KeyPair::from_pkcs8(&der()).unwrap()),
            _ => unreachable!("an algorithm without a minter"),
        };
        Self { algorithm, key }
    }

    /// Signs with ML-DSA and the key expanded from `seed`.
    pub(crate) fn ml_dsa(algorithm: Algorithm, seed: [u8; 32]) -> Self {
        let scheme = match algorithm {
            Algorithm::MlDsa44 => &signature::ML_DSA_44_SIGNING,
            Algorithm::MlDsa65 => &signature::ML_DSA_65_SIGNING,
            Algorithm::MlDsa87 => &signature::ML_DSA_87_SIGNING,
            other => panic!("{other} is no algorithm of ML-DSA"),
        };
        let key = Key::MlDsa(PqdsaKeyPair::from_seed(scheme, &seed).unwrap());
        Self { algorithm, key }
    }

    /// Signs with HS256 and [`keys::SECRET`].
    pub(crate) fn hs256() -> Self {
        Self::new(Algorithm::HS256, keys::SECRET)
    }

    /// Mints a token with a common header.
    pub(crate) fn token(&self, payload: impl AsRef<[u8]>) -> String {
        self.mint(format!(r#"{{"alg":"{}","typ":"JWT"}}"#, self.algorithm), payload)
    }

    /// Mints a token with this header and payload.
    pub(crate) fn mint(&self, header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
        self.seal(&format!("{}.{}", encode(header), encode(payload)))
    }

    /// Appends the signature of `signing_input`.
    pub(crate) fn seal(&self, signing_input: &str) -> String {
        format!("{signing_input}.{}", encode(self.sign(signing_input.as_bytes())))
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let rng = SystemRandom::new();
        match &self.key {
            Key::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
            Key::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &rng, message, &mut signature).unwrap();
                signature
            }
            Key::Ecdsa(pair) => pair.sign(&rng, message).unwrap().as_ref().to_vec(),
            Key::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Key::MlDsa(pair) => {
                let mut signature = vec![0; pair.algorithm().signature_len()];
                pair.sign(message, &mut signature).unwrap();
                signature
            }
        }
    }
}

/// The payload of a valid access token with changed members. A change is a name and the JSON of the
/// value, or an empty string to omit the member.
pub(crate) fn claims(changes: &[(&str, &str)]) -> String {
    const VALID: [(&str, &str); 5] = [
        ("token_type", r#""access""#),
        ("exp", "1700000300"),
        ("iat", "1700000000"),
        ("jti", r#""9f1c""#),
        ("user_id", r#""42""#),
    ];
    let changed = |name: &str| changes.iter().any(|(other, _)| *other == name);
    let members: Vec<_> = VALID
        .iter()
        .filter(|(name, _)| !changed(name))
        .chain(changes)
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!(r#""{name}":{value}"#))
        .collect();
    format!("{{{}}}", members.join(","))
}

/// base64url without padding.
pub(crate) fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}
