//! Where keys are fetched from.

use http::Uri;

use crate::{error::ConfigError, token::IssuerTemplate, url::UrlRule};

use super::discovery::metadata_urls;

/// The configured location of the keys.
pub(super) enum Location {
    /// A JWK set.
    JwkSet(Uri),
    /// A document that maps key ids to certificates.
    Certificates(Uri),
    /// An issuer, whose metadata is at one of the URLs and names the URL of the JWK set.
    Issuer { issuer: Box<str>, metadata: Vec<Uri> },
    /// The issuers of many tenants, whose common metadata names the template.
    Tenants { template: IssuerTemplate, metadata: Vec<Uri> },
}

impl Location {
    pub(super) fn jwk_set(url: &str, rule: UrlRule) -> Result<Self, ConfigError> {
        rule.parse(url).map(Self::JwkSet).ok_or(ConfigError::out_of_range(match rule {
            UrlRule::Https => {
                "the URL of the JWK set must be an https URL without user and fragment"
            }
            UrlRule::HttpsOrLoopback => {
                "the URL of the JWK set must be an https URL, or an http URL with a loopback host, \
                 without user and fragment"
            }
            UrlRule::HttpsOrHttp => {
                "the URL of the JWK set must be an https or http URL without user and fragment"
            }
        }))
    }

    pub(super) fn certificates(url: &str, rule: UrlRule) -> Result<Self, ConfigError> {
        rule.parse(url).map(Self::Certificates).ok_or(ConfigError::out_of_range(match rule {
            UrlRule::Https => {
                "the URL of the certificates must be an https URL without user and fragment"
            }
            UrlRule::HttpsOrLoopback => {
                "the URL of the certificates must be an https URL, or an http URL with a loopback \
                 host, without user and fragment"
            }
            UrlRule::HttpsOrHttp => {
                "the URL of the certificates must be an https or http URL without user and fragment"
            }
        }))
    }

    /// An issuer with its metadata at the standard locations.
    pub(super) fn issuer(issuer: Box<str>, rule: UrlRule) -> Result<Self, ConfigError> {
        let urls = rule.parse_issuer(&issuer).and_then(|_| metadata_urls(&issuer, rule));
        let Some(metadata) = urls else {
            return Err(ConfigError::out_of_range(match rule {
                UrlRule::Https => {
                    "the issuer must be an https URL without user, query and fragment"
                }
                UrlRule::HttpsOrLoopback => {
                    "the issuer must be an https URL, or an http URL with a loopback host, without \
                     user, query and fragment"
                }
                UrlRule::HttpsOrHttp => {
                    "the issuer must be an https or http URL without user, query and fragment"
                }
            }));
        };
        Ok(Self::Issuer { issuer, metadata })
    }

    /// An issuer with its metadata at `url`. Nothing is fetched from the issuer's own URL.
    pub(super) fn issuer_at(
        issuer: Box<str>,
        url: &str,
        rule: UrlRule,
    ) -> Result<Self, ConfigError> {
        if issuer.is_empty() {
            return Err(ConfigError::out_of_range("the issuer must not be empty"));
        }
        Ok(Self::Issuer { issuer, metadata: vec![metadata_url(url, rule)?] })
    }

    /// The issuers of many tenants, with their common metadata at `url`.
    pub(super) fn tenants(template: &str, url: &str, rule: UrlRule) -> Result<Self, ConfigError> {
        let template = IssuerTemplate::parse(template).ok_or(ConfigError::out_of_range(
            "the template of an issuer must contain `{tenantid}` once",
        ))?;
        Ok(Self::Tenants { template, metadata: vec![metadata_url(url, rule)?] })
    }

    /// The authority of the first server that receives a request.
    pub(super) fn authority(&self) -> &str {
        let url = match self {
            Self::JwkSet(url) | Self::Certificates(url) => Some(url),
            Self::Issuer { metadata, .. } | Self::Tenants { metadata, .. } => metadata.first(),
        };
        url.and_then(Uri::authority).map_or("", |authority| authority.as_str())
    }
}

fn metadata_url(url: &str, rule: UrlRule) -> Result<Uri, ConfigError> {
    rule.parse(url).ok_or(ConfigError::out_of_range(match rule {
        UrlRule::Https => "the URL of the metadata must be an https URL without user and fragment",
        UrlRule::HttpsOrLoopback => {
            "the URL of the metadata must be an https URL, or an http URL with a loopback host, \
             without user and fragment"
        }
        UrlRule::HttpsOrHttp => {
            "the URL of the metadata must be an https or http URL without user and fragment"
        }
    }))
}
