//! The endpoints that the metadata names, and how clients authenticate there.

use serde_json::{Map, Value, json};

use crate::{
    error::ConfigError,
    url::{RedactedUrl, UrlRule},
};

pub(super) struct Endpoint {
    /// The name in RFC 8414 section 2, without `_endpoint`.
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
        // Stricter than RFC 8414, which allows a query.
        if UrlRule::HttpsOrLoopback.parse_issuer(&self.url).is_none() {
            return Err(ConfigError::out_of_range(
                "the URL of an endpoint must be an https URL, or an http URL with a loopback host, \
                 without user, query and fragment",
            ));
        }
        if self.auth_methods.is_empty() || self.auth_methods.iter().any(|name| name.is_empty()) {
            return Err(ConfigError::out_of_range(
                "an endpoint needs at least one authentication method, and none may be empty",
            ));
        }
        // RFC 8414 section 2: these also require the list of signature algorithms.
        let is_signed = |name: &str| matches!(name, "private_key_jwt" | "client_secret_jwt");
        if self.auth_methods.iter().any(|name| is_signed(name)) {
            return Err(ConfigError::out_of_range(
                "an authentication method of an endpoint must not be `private_key_jwt` or \
                 `client_secret_jwt`",
            ));
        }
        Ok(())
    }

    /// Adds the members of this endpoint to the metadata.
    pub(super) fn add_to(&self, metadata: &mut Map<String, Value>) {
        let Self { name, url, auth_methods } = self;
        metadata.insert(format!("{name}_endpoint"), json!(url));
        let methods = format!("{name}_endpoint_auth_methods_supported");
        metadata.insert(methods, json!(auth_methods));
    }

    pub(super) fn redacted_url(&self) -> RedactedUrl<'_> {
        RedactedUrl(&self.url)
    }
}
