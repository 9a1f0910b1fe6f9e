//! PEM with exactly one key.

use zeroize::Zeroizing;

use crate::error::ConfigError;

/// The DER inside a PEM key.
pub(super) enum PemKey {
    Private(Zeroizing<Vec<u8>>),
    Public(Vec<u8>),
}

pub(super) fn read(pem: &[u8]) -> Result<PemKey, ConfigError> {
    let blocks = pem::parse_many(pem).map_err(|_| ConfigError::key("the PEM is malformed"))?;
    // `openssl ecparam -genkey` writes a block with the name of the curve before the key.
    let mut keys = blocks.into_iter().filter(|block| block.tag() != "EC PARAMETERS");
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(ConfigError::key("a PEM must contain exactly one key"));
    };
    match key.tag() {
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
            Ok(PemKey::Private(Zeroizing::new(key.into_contents())))
        }
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Ok(PemKey::Public(key.into_contents())),
        "CERTIFICATE" => Err(ConfigError::key(
            "a certificate is not a key: verify it, then extract its public key",
        )),
        "ENCRYPTED PRIVATE KEY" => Err(ConfigError::key("encrypted PEM keys are not supported")),
        _ => Err(ConfigError::key(
            "the PEM must contain a public key, or a private key in PKCS#8, PKCS#1 or SEC1",
        )),
    }
}
