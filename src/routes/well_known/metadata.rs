//! The issuer, and the metadata that is published about it.

use serde_json::json;

use crate::{error::ConfigError, token::KeySet, url::UrlRule};

use super::{super::path::is_path, endpoint::Endpoint};

pub(super) const JWKS_PATH: &str = "/.well-known/jwks.json";

/// An issuer at whose URL metadata can be published.
pub(super) struct IssuerUrl {
    /// As configured, because the `iss` of tokens must be equal to it.
    url: Box<str>,
    /// The path without a slash at its end; empty at the root.
    path: Box<str>,
}

impl IssuerUrl {
    pub(super) fn parse(url: &str) -> Result<Self, ConfigError> {
        const ERROR: ConfigError = ConfigError::out_of_range(
            "`issuer` must be an https URL, or an http URL with a loopback host, without user, \
             query and fragment, whose path contains only letters, digits and `/-._~`",
        );
        let uri = UrlRule::HttpsOrLoopback.parse_issuer(url).ok_or(ERROR)?;
        let path = uri.path().trim_end_matches('/');
        if !(path.is_empty() || is_path(path)) {
            return Err(ERROR);
        }
        Ok(Self { url: url.into(), path: path.into() })
    }

    pub(super) fn jwks_path(&self) -> String {
        format!("{}{JWKS_PATH}", self.path)
    }

    /// OpenID Connect Discovery 1.0 section 4.1: the well-known path follows the issuer's path.
    pub(super) fn openid_path(&self) -> String {
        format!("{}/.well-known/openid-configuration", self.path)
    }

    /// RFC 8414 section 3.1: the well-known path precedes the issuer's path.
    pub(super) fn oauth_path(&self) -> String {
        format!("/.well-known/oauth-authorization-server{}", self.path)
    }

    /// The members of RFC 8414 section 2 and of OpenID Connect Discovery 1.0 section 3 that apply to
    /// this server.
    pub(super) fn metadata(&self, keys: &KeySet, endpoints: &[Endpoint]) -> String {
        let issuer = &self.url;
        let mut metadata = json!({
            "issuer": issuer,
            "jwks_uri": format!("{}{JWKS_PATH}", issuer.trim_end_matches('/')),
            // Required by both specifications.
            "response_types_supported": [],
            // Without it, two grants are implied that this server does not have.
            "grant_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": keys.published_algorithms(),
        });
        if let Some(members) = metadata.as_object_mut() {
            endpoints.iter().for_each(|endpoint| endpoint.add_to(members));
        }
        metadata.to_string()
    }
}
