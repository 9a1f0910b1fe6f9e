//! The headers in which proxies name their clients.

use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, HeaderName, HeaderValue, header::FORWARDED};

/// The header in which trusted proxies append the address of their client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` ([RFC 7239](https://www.rfc-editor.org/rfc/rfc7239)).
    Forwarded,
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

impl ForwardedHeader {
    /// The address that the farthest of `proxies` named. If one of them named none, or wrote none that
    /// can be read, it is the address of the proxy nearest to it.
    pub(super) fn client(self, proxies: usize, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let name = match self {
            Self::XForwardedFor => X_FORWARDED_FOR,
            Self::Forwarded => FORWARDED,
        };
        // A trusted proxy writes no comma in quotes. A client may, so entries are counted from the right.
        let lines: Vec<&HeaderValue> = headers.get_all(name).iter().collect();
        let entries =
            lines.iter().rev().flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
        let addresses = entries.take(proxies).map_while(|entry| self.address(entry));
        addresses.last().unwrap_or(peer)
    }

    fn address(self, entry: &[u8]) -> Option<IpAddr> {
        let entry = std::str::from_utf8(entry).ok()?.trim();
        match self {
            Self::XForwardedFor => parse(entry),
            Self::Forwarded => {
                let mut found = entry.split(';').filter_map(|pair| {
                    let (name, value) = pair.split_once('=')?;
                    name.trim().eq_ignore_ascii_case("for").then(|| value.trim())
                });
                let value = found.next().filter(|_| found.next().is_none())?;
                let quoted = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
                parse(quoted.unwrap_or(value))
            }
        }
    }
}

/// An address, with or without brackets and port.
fn parse(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Ok(address) = text.parse::<SocketAddr>() {
        return Some(address.ip());
    }
    text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6)
}
