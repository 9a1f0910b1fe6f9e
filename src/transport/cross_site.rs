//! Which site caused a request.

use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Uri,
    header::{HOST, ORIGIN, UPGRADE},
    request::Parts,
};

use super::{header::single_value, origin::Origin};

const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The parts of a request that the rule reads.
#[derive(Clone, Copy)]
pub(crate) struct RequestHead<'r> {
    pub(super) method: &'r Method,
    pub(super) uri: &'r Uri,
    pub(super) headers: &'r HeaderMap,
}

impl<'r, B> From<&'r Request<B>> for RequestHead<'r> {
    fn from(request: &'r Request<B>) -> Self {
        Self { method: request.method(), uri: request.uri(), headers: request.headers() }
    }
}

impl<'r> From<&'r Parts> for RequestHead<'r> {
    fn from(parts: &'r Parts) -> Self {
        Self { method: &parts.method, uri: &parts.uri, headers: &parts.headers }
    }
}

impl RequestHead<'_> {
    /// Whether a page of another site could do harm by causing this request, although it cannot read
    /// the response. A WebSocket is harmful because such a page can read its messages.
    ///
    /// The method of a WebSocket is `GET` in HTTP/1 and `CONNECT` in HTTP/2
    /// ([RFC 8441](https://www.rfc-editor.org/rfc/rfc8441#section-5)).
    fn is_unsafe(&self) -> bool {
        let is_read_only = matches!(*self.method, Method::GET | Method::HEAD | Method::OPTIONS);
        !is_read_only || self.headers.get_all(UPGRADE).iter().any(names_websocket)
    }

    /// The host and port that the client addressed. The target of the request is decisive, if it has
    /// a host: RFC 9112 section 3.2.2, RFC 9113 section 8.3.1.
    fn authority(&self) -> Option<&[u8]> {
        match self.uri.authority() {
            Some(authority) => Some(authority.as_str().as_bytes()),
            None => single_value(self.headers, &HOST).ok().flatten(),
        }
    }
}

fn names_websocket(upgrade: &HeaderValue) -> bool {
    let mut protocols = upgrade.as_bytes().split(|byte| *byte == b',');
    protocols.any(|protocol| {
        let name = protocol.split(|byte| *byte == b'/').next().unwrap_or_default();
        name.trim_ascii().eq_ignore_ascii_case(b"websocket")
    })
}

/// Who caused a request, as the browser reports it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Initiator {
    /// This origin, an allowed one, or the user. Also of a request that can do no harm.
    Trusted,
    /// The request does not show it: it is not from a browser, or from an old one.
    Unknown,
    Other,
}

/// The origins whose pages may cause requests with cookies.
#[derive(Clone, Debug, Default)]
pub(super) struct CrossSiteRule {
    /// The own origin in normal form. `None` if it is the one that the request addresses.
    pub(super) public_origin: Option<Box<str>>,
    /// Other origins, in normal form.
    pub(super) allowed: Vec<Box<str>>,
    /// Whether the own origin is known to be secure. A page at `http` with the same host may have
    /// been written by anybody on the network.
    pub(super) is_secure: bool,
}

impl CrossSiteRule {
    pub(super) fn initiator(&self, request: RequestHead<'_>) -> Initiator {
        if !request.is_unsafe() {
            return Initiator::Trusted;
        }
        let Ok(site) = single_value(request.headers, &SEC_FETCH_SITE) else {
            return Initiator::Other;
        };
        let Ok(origin) = single_value(request.headers, &ORIGIN) else { return Initiator::Other };
        let is_trusted = match site {
            Some(b"same-origin" | b"none") => true,
            Some(b"same-site" | b"cross-site") => origin.is_some_and(|origin| self.allows(origin)),
            Some(_) => false,
            None => match origin {
                Some(origin) => self.allows(origin) || self.is_own(origin, request),
                None => return Initiator::Unknown,
            },
        };
        if is_trusted { Initiator::Trusted } else { Initiator::Other }
    }

    fn allows(&self, origin: &[u8]) -> bool {
        self.allowed.iter().any(|allowed| allowed.as_bytes() == origin)
    }

    fn is_own(&self, origin: &[u8], request: RequestHead<'_>) -> bool {
        if let Some(own) = &self.public_origin {
            return own.as_bytes() == origin;
        }
        Origin::parse(origin).is_some_and(|origin| {
            let is_addressed = request.authority() == Some(origin.authority.as_bytes());
            is_addressed && (origin.is_secure() || !self.is_secure)
        })
    }
}
