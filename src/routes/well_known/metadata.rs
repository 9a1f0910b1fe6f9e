//! The address of an issuer, and what is published about it.

use http::Uri;
use serde_json::json;

use crate::{error::ConfigError, token::KeySet};

use super::{super::builder::is_path, endpoint::Endpoint};

pub(super) const JWKS_PATH: &str = "/.well-known/jwks.json";

/// An issuer whose metadata can be found: an address without query and fragment.
pub(super) struct IssuerUrl {
    text: Box<str>,
    /// Empty, or a slash and more that does not end with one.
    path: Box<str>,
}

impl IssuerUrl {
    pub(super) fn parse(text: &str) -> Result<Self, ConfigError> {
        const REFUSED: ConfigError = ConfigError::out_of_range(
            "an issuer must be an https address without query and fragment, or http on loopback",
        );
        let uri = address(text).ok_or(REFUSED)?;
        let path = uri.path().trim_end_matches('/');
        if !(path.is_empty() || is_path(path)) {
            return Err(REFUSED);
        }
        Ok(Self { text: text.into(), path: path.into() })
    }

    pub(super) fn jwks_path(&self) -> String {
        format!("{}{JWKS_PATH}", self.path)
    }

    /// OpenID Connect Discovery 1.0, section 4.1: behind the issuer.
    pub(super) fn openid_path(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.path)
    }

    /// RFC 8414, section 3.1: between the host and the path of the issuer.
    pub(super) fn oauth_path(&self) -> String {
        format!("/.well-known/oauth-authorization-server{}", self.path)
    }

    /// What is true of this server among the members of RFC 8414, section 2, and of OpenID Connect
    /// Discovery 1.0, section 3.
    pub(super) fn metadata(&self, keys: &KeySet, endpoints: &[Endpoint]) -> String {
        let issuer = &self.text;
        let mut metadata = json!({
            "issuer": issuer,
            "jwks_uri": format!("{}{JWKS_PATH}", issuer.trim_end_matches('/')),
            // Required, and empty: left out, it would be missing, and its default is no better
            // than that of the next one, which stands for two grants that do not exist here.
            "response_types_supported": [],
            "grant_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": keys.published_algorithms(),
        });
        if let Some(members) = metadata.as_object_mut() {
            endpoints.iter().for_each(|endpoint| endpoint.describe(members));
        }
        metadata.to_string()
    }
}

pub(super) fn is_address(text: &str) -> bool {
    address(text).is_some()
}

/// An `https` address, or an `http` one on loopback, without user, query and fragment.
fn address(text: &str) -> Option<Uri> {
    // `Uri` drops what follows a `#`.
    if text.contains(['?', '#', '@']) {
        return None;
    }
    let uri: Uri = text.parse().ok()?;
    let host = uri.host().filter(|host| !host.is_empty())?;
    let is_fine = match uri.scheme_str() {
        Some("https") => true,
        Some("http") => matches!(host, "localhost" | "127.0.0.1" | "[::1]"),
        _ => false,
    };
    is_fine.then_some(uri)
}
