//! Where keys are found, and over which URLs they may travel.

use std::net::IpAddr;

use http::{Uri, uri::Scheme};

use crate::error::ConfigError;

/// What was configured: the document with the keys, or whose they are.
pub(super) enum Location {
    Url(Uri),
    Issuer(Box<str>),
}

/// Which URLs are safe enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Safety {
    Https,
    /// Also plain HTTP on this machine.
    HttpsOrLoopback,
}

impl Location {
    pub(super) fn url(url: &str, safety: Safety) -> Result<Self, ConfigError> {
        Ok(Self::Url(safety.check(url).ok_or_else(|| safety.refusal())?))
    }

    /// RFC 8414 section 2: "no query or fragment components".
    pub(super) fn issuer(issuer: Box<str>, safety: Safety) -> Result<Self, ConfigError> {
        match safety.check(&issuer) {
            Some(url) if url.query().is_none() => Ok(Self::Issuer(issuer)),
            _ => Err(safety.refusal()),
        }
    }

    /// The authority of the server that is asked first.
    pub(super) fn host(&self) -> &str {
        match self {
            Self::Url(url) => url.authority().map_or("", |authority| authority.as_str()),
            Self::Issuer(issuer) => {
                let (_, rest) = split_origin(issuer);
                let origin = &issuer[..issuer.len() - rest.len()];
                origin.split_once("://").map_or("", |(_, authority)| authority)
            }
        }
    }
}

impl Safety {
    /// `url`, unless it is malformed or unsafe.
    pub(super) fn check(self, url: &str) -> Option<Uri> {
        // The parser drops a fragment without a word.
        if url.contains('#') {
            return None;
        }
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority()?;
        if authority.as_str().contains('@') || authority.host().is_empty() {
            return None;
        }
        let is_safe = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => {
                self == Self::HttpsOrLoopback && is_loopback(authority.host())
            }
            _ => false,
        };
        is_safe.then_some(uri)
    }

    fn refusal(self) -> ConfigError {
        ConfigError::out_of_range(match self {
            Self::Https => {
                "issuers and places of keys must be https URLs without user, query or fragment"
            }
            Self::HttpsOrLoopback => {
                "issuers and places of keys must be https URLs, or http ones to this machine, \
                     without user, query or fragment"
            }
        })
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// `issuer` up to its path, and the path.
pub(super) fn split_origin(issuer: &str) -> (&str, &str) {
    let authority = issuer.find("://").map_or(0, |index| index + "://".len());
    let path = issuer[authority..].find('/').map_or(issuer.len(), |index| authority + index);
    issuer.split_at(path)
}
