//! New private keys, in a form that can be stored.

#[cfg(feature = "ml-dsa")]
use aws_lc_rs::signature::PqdsaKeyPair;
use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    rand::{self, SystemRandom},
    rsa::KeySize,
    signature::{EcdsaKeyPair, Ed25519KeyPair, RsaKeyPair},
};
use zeroize::Zeroizing;

use crate::error::ConfigError;

use super::super::algorithm::{Algorithm, Scheme};

const FAILED: ConfigError = ConfigError::key("the key could not be generated");

/// Generates a key: random bytes for a secret, PKCS#8 in DER for a key pair.
pub(crate) fn generate(algorithm: Algorithm) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    let random = SystemRandom::new();
    let bytes = match algorithm.scheme() {
        Scheme::Hmac(scheme) => {
            let mut secret = Zeroizing::new(vec![0; scheme.tag_len()]);
            rand::fill(&mut secret).map_err(|_| FAILED)?;
            return Ok(secret);
        }
        Scheme::Rsa { .. } => {
            let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(|_| FAILED)?;
            let der: Pkcs8V1Der<'_> = pair.as_der().map_err(|_| FAILED)?;
            der.as_ref().to_vec()
        }
        Scheme::Ecdsa { signing, .. } => {
            let der = EcdsaKeyPair::generate_pkcs8(signing, &random).map_err(|_| FAILED)?;
            der.as_ref().to_vec()
        }
        Scheme::Ed25519 => {
            let der = Ed25519KeyPair::generate_pkcs8(&random).map_err(|_| FAILED)?;
            der.as_ref().to_vec()
        }
        #[cfg(feature = "ml-dsa")]
        Scheme::MlDsa { signing, .. } => {
            let pair = PqdsaKeyPair::generate(signing).map_err(|_| FAILED)?;
            // It contains the seed only.
            let der = pair.to_pkcs8v1().map_err(|_| FAILED)?;
            der.as_ref().to_vec()
        }
    };
    Ok(Zeroizing::new(bytes))
}
