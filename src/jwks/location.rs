//! Where keys are fetched from.

use http::Uri;

use crate::{error::ConfigError, url::UrlRule};

/// The configured location: the URL of the keys, or the issuer whose metadata names it.
pub(super) enum Location {
    JwksUrl(Uri),
    Issuer(Box<str>),
}

impl Location {
    pub(super) fn jwks_url(url: &str, rule: UrlRule) -> Result<Self, ConfigError> {
        rule.parse(url).map(Self::JwksUrl).ok_or(ConfigError::out_of_range(match rule {
            UrlRule::Https => {
                "the URL of the JWK set must be an https URL without user and fragment"
            }
            UrlRule::HttpsOrLoopback => {
                "the URL of the JWK set must be an https URL, or an http URL with a loopback host, \
                 without user and fragment"
            }
        }))
    }

    pub(super) fn issuer(issuer: Box<str>, rule: UrlRule) -> Result<Self, ConfigError> {
        if rule.parse_issuer(&issuer).is_some() {
            return Ok(Self::Issuer(issuer));
        }
        Err(ConfigError::out_of_range(match rule {
            UrlRule::Https => "the issuer must be an https URL without user, query and fragment",
            UrlRule::HttpsOrLoopback => {
                "the issuer must be an https URL, or an http URL with a loopback host, without \
                 user, query and fragment"
            }
        }))
    }

    /// The authority of the first server that receives a request.
    pub(super) fn authority(&self) -> &str {
        match self {
            Self::JwksUrl(url) => url.authority().map_or("", |authority| authority.as_str()),
            Self::Issuer(issuer) => {
                let (origin, _) = split_origin(issuer);
                origin.split_once("://").map_or("", |(_, authority)| authority)
            }
        }
    }
}

/// Splits `url` into its origin and its path.
pub(super) fn split_origin(url: &str) -> (&str, &str) {
    let authority = url.find("://").map_or(0, |index| index + "://".len());
    let path = url[authority..].find('/').map_or(url.len(), |index| authority + index);
    url.split_at(path)
}
