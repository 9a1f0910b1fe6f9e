//! PEM files: exactly one key, of a kind whose label says so.

use zeroize::Zeroizing;

use crate::error::ConfigError;

/// The DER inside a PEM key.
pub(super) enum PemKey {
    Private(Zeroizing<Vec<u8>>),
    Public(Vec<u8>),
}

pub(super) fn read(text: &[u8]) -> Result<PemKey, ConfigError> {
    let blocks = pem::parse_many(text).map_err(|_| ConfigError::key("malformed PEM"))?;
    // `openssl ecparam -genkey` writes the curve's name in a block of its own before the key.
    let mut keys = blocks.into_iter().filter(|block| block.tag() != "EC PARAMETERS");
    let (Some(key), None) = (keys.next(), keys.next()) else {
        return Err(ConfigError::key("a PEM text must hold exactly one key"));
    };
    match key.tag() {
        "PRIVATE KEY" | "RSA PRIVATE KEY" | "EC PRIVATE KEY" => {
            Ok(PemKey::Private(Zeroizing::new(key.into_contents())))
        }
        "PUBLIC KEY" | "RSA PUBLIC KEY" => Ok(PemKey::Public(key.into_contents())),
        "CERTIFICATE" => Err(ConfigError::key(
            "a certificate is no key: extract its public key, after checking whom you trust",
        )),
        "ENCRYPTED PRIVATE KEY" => Err(ConfigError::key("encrypted PEM keys are not supported")),
        _ => Err(ConfigError::key("this kind of PEM block is not supported")),
    }
}
