//! The same keys for this crate and for jsonwebtoken.

use std::error::Error;

use aws_lc_rs::{
    encoding::AsDer,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaKeyPair,
    },
};
use jsonwebtoken::{DecodingKey, EncodingKey};
use pem::Pem;
use tower_jwt_auth::{Algorithm, SigningKey};

const SECRET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

pub(crate) struct Keys {
    pub(crate) ours: SigningKey,
    pub(crate) encoding: EncodingKey,
    pub(crate) decoding: DecodingKey,
}

impl Keys {
    pub(crate) fn new(algorithm: Algorithm) -> Result<Self, Box<dyn Error>> {
        let (private, encoding, decoding) = match algorithm {
            Algorithm::HS256 => {
                return Ok(Self {
                    ours: SigningKey::hs256(SECRET)?,
                    encoding: EncodingKey::from_secret(SECRET)?,
                    decoding: DecodingKey::from_secret(SECRET)?,
                });
            }
            Algorithm::RS256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048)?;
                let der = pair.as_der()?.as_ref().to_vec();
                let decoding = DecodingKey::from_rsa_der(pair.public_key().as_ref());
                let pem = pem::encode(&Pem::new("PRIVATE KEY", der.clone()));
                (der, EncodingKey::from_rsa_pem(pem.as_bytes())?, decoding)
            }
            Algorithm::ES256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
                let der = pair.to_pkcs8v1()?.as_ref().to_vec();
                let decoding = DecodingKey::from_ec_der(pair.public_key().as_ref());
                (der.clone(), EncodingKey::from_ec_der(&der), decoding)
            }
            Algorithm::EdDSA => {
                let pair = Ed25519KeyPair::generate()?;
                let der = pair.to_pkcs8()?.as_ref().to_vec();
                let decoding = DecodingKey::from_ed_der(pair.public_key().as_ref());
                (der.clone(), EncodingKey::from_ed_der(&der), decoding)
            }
            _ => return Err("no key is generated for this algorithm".into()),
        };
        Ok(Self { ours: SigningKey::from_der(algorithm, private)?, encoding, decoding })
    }
}

/// The algorithm in terms of jsonwebtoken.
pub(crate) fn jsonwebtoken_algorithm(algorithm: Algorithm) -> jsonwebtoken::Algorithm {
    algorithm.as_str().parse().expect("jsonwebtoken supports it")
}
