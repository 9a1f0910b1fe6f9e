//! Keys: one algorithm bound to each, everything checked and prepared when the key is made.

mod jwk;
mod pem;
mod private;
mod public;
mod secret;
mod signing;
mod verifying;

#[cfg(feature = "key-rotation")]
pub(crate) use private::generate as generate_private;
pub use signing::SigningKey;
pub use verifying::VerifyingKey;

use std::sync::Arc;

use crate::error::ConfigError;

/// The name of a key, and whether somebody chose it or it was derived from the key itself.
#[derive(Clone)]
struct KeyId {
    text: Arc<str>,
    chosen: bool,
}

impl KeyId {
    fn chosen(text: &str) -> Result<Self, ConfigError> {
        if text.is_empty() || text.len() > 256 {
            return Err(ConfigError::out_of_range("a key id must have 1 to 256 bytes"));
        }
        Ok(Self { text: text.into(), chosen: true })
    }
}
