use std::sync::Arc;

use crate::error::ConfigError;

/// The id of a key.
#[derive(Clone)]
pub(super) struct KeyId {
    pub(super) name: Arc<str>,
    /// Whether the id was chosen. Otherwise it is the key's thumbprint.
    pub(super) is_chosen: bool,
}

impl KeyId {
    pub(super) fn chosen(name: &str) -> Result<Self, ConfigError> {
        if name.is_empty() || name.len() > 256 {
            return Err(ConfigError::out_of_range("a key id must have 1 to 256 bytes"));
        }
        Ok(Self { name: name.into(), is_chosen: true })
    }

    pub(super) fn thumbprint(thumbprint: String) -> Self {
        Self { name: thumbprint.into(), is_chosen: false }
    }
}
