//! URLs of this and other services: which are secure, and how they are shown.

use std::{fmt, net::IpAddr};

use http::{Uri, uri::Scheme};

/// Which URLs are secure enough to fetch keys from, or to publish.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum UrlRule {
    /// `https` only.
    #[cfg_attr(
        not(any(feature = "introspection", feature = "jwks")),
        expect(dead_code, reason = "only these features are this strict")
    )]
    Https,
    /// `https`, or `http` to a loopback address.
    HttpsOrLoopback,
    /// `https`, or `http` to any host.
    HttpsOrHttp,
}

impl UrlRule {
    /// Parses `url`; `None` if it is malformed, breaks the rule, or has a user or a fragment.
    pub(crate) fn parse(self, url: &str) -> Option<Uri> {
        // `Uri` drops a fragment silently.
        if url.contains('#') {
            return None;
        }
        let uri: Uri = url.parse().ok()?;
        let authority = uri.authority()?;
        let host = authority.host();
        let has_user = authority.as_str().contains('@');
        // `Uri` accepts any digits as a port.
        let has_valid_port = authority.as_str() == host || authority.port_u16().is_some();
        if host.is_empty() || has_user || !has_valid_port {
            return None;
        }
        let is_secure = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            Some(scheme) if *scheme == Scheme::HTTP => match self {
                Self::Https => false,
                Self::HttpsOrLoopback => is_loopback(host),
                Self::HttpsOrHttp => true,
            },
            _ => false,
        };
        is_secure.then_some(uri)
    }

    /// Parses an issuer identifier, which has no query (RFC 8414 section 2).
    pub(crate) fn parse_issuer(self, url: &str) -> Option<Uri> {
        self.parse(url).filter(|uri| uri.query().is_none())
    }
}

fn is_loopback(host: &str) -> bool {
    let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
    host.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Shows a configured URL without its user, password and query.
pub(crate) struct RedactedUrl<'a>(pub(crate) &'a str);

impl fmt::Debug for RedactedUrl<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let uri: Option<Uri> = self.0.parse().ok();
        match uri.as_ref().and_then(|uri| Some((uri.scheme_str()?, uri.authority()?, uri.path()))) {
            Some((scheme, authority, path)) => {
                let (_, host) =
                    authority.as_str().rsplit_once('@').unwrap_or(("", authority.as_str()));
                write!(f, "\"{scheme}://{host}{path}\"")
            }
            // Without its parts it is unknown where a password is.
            None => f.write_str("[malformed URL]"),
        }
    }
}
