//! Endpoints that the metadata name, and how clients authenticate there.

use serde_json::{Map, Value, json};

use crate::error::ConfigError;

use super::metadata::is_address;

#[derive(Debug)]
pub(super) struct Endpoint {
    /// What RFC 8414, section 2, calls it.
    name: &'static str,
    url: Box<str>,
    auth_methods: Vec<Box<str>>,
}

impl Endpoint {
    pub(super) fn new(
        name: &'static str,
        url: impl Into<Box<str>>,
        auth_methods: impl IntoIterator<Item = impl Into<Box<str>>>,
    ) -> Self {
        let auth_methods = auth_methods.into_iter().map(Into::into).collect();
        Self { name, url: url.into(), auth_methods }
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !is_address(&self.url) {
            return Err(ConfigError::out_of_range(
                "an endpoint must be an https address without user, query and fragment, or http on \
                 loopback",
            ));
        }
        if self.auth_methods.is_empty() || self.auth_methods.iter().any(|name| name.is_empty()) {
            return Err(ConfigError::out_of_range(
                "it must be said how clients authenticate at an endpoint",
            ));
        }
        // Their algorithms would have to be named as well.
        let is_signed = |name: &str| matches!(name, "private_key_jwt" | "client_secret_jwt");
        if self.auth_methods.iter().any(|name| is_signed(name)) {
            return Err(ConfigError::out_of_range(
                "how clients authenticate with signatures cannot be told",
            ));
        }
        Ok(())
    }

    pub(super) fn describe(&self, metadata: &mut Map<String, Value>) {
        let Self { name, url, auth_methods } = self;
        metadata.insert(format!("{name}_endpoint"), json!(url));
        let methods = format!("{name}_endpoint_auth_methods_supported");
        metadata.insert(methods, json!(auth_methods));
    }
}
