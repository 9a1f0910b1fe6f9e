//! The values of JWK members, and the errors about them.

use zeroize::Zeroizing;

use crate::error::ConfigError;

use super::super::compact;

pub(super) const MISMATCH: ConfigError = ConfigError::key("the JWK does not match the algorithm");
pub(super) const MALFORMED: ConfigError = ConfigError::key("the JWK is malformed");
pub(super) const NOT_PRIVATE: ConfigError = ConfigError::key("the JWK has no private key");

/// Decodes base64url, which may be secret.
pub(super) fn decode(value: &str) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    compact::decode(value.as_bytes()).map(Zeroizing::new).map_err(|_| MALFORMED)
}
