//! Origins of the web, as browsers write them: `https://app.example:8443`.

use std::net::IpAddr;

/// An origin in the form of [RFC 6454 section 6.2], without a path and without a user.
///
/// [RFC 6454 section 6.2]: https://www.rfc-editor.org/rfc/rfc6454#section-6.2
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Origin<'a> {
    pub(super) is_https: bool,
    host: &'a str,
    port: Option<u16>,
    /// The host with the port, as they were written.
    pub(super) authority: &'a str,
}

impl<'a> Origin<'a> {
    /// Returns `None` for everything else, also for `null` and lists of origins.
    pub(super) fn parse(origin: &'a [u8]) -> Option<Self> {
        let origin = std::str::from_utf8(origin).ok()?;
        let (scheme, authority) = origin.split_once("://")?;
        let is_https = match scheme {
            "https" => true,
            "http" => false,
            _ => return None,
        };
        let (host, port) = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => (host, Some(parse_port(port)?)),
            _ => (authority, None),
        };
        is_host(host).then_some(Self { is_https, host, port, authority })
    }

    /// Whether nobody on the network can impersonate this origin.
    pub(super) fn is_secure(&self) -> bool {
        self.is_https || self.is_loopback()
    }

    fn is_loopback(&self) -> bool {
        let host = self.host.to_ascii_lowercase();
        let address = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
        let address = address.unwrap_or(&host).parse();
        host == "localhost"
            || host.ends_with(".localhost")
            || address.is_ok_and(|address: IpAddr| address.is_loopback())
    }
}

#[cfg(feature = "cookie")]
impl Origin<'_> {
    pub(super) const fn host(&self) -> &str {
        self.host
    }

    /// This origin as a browser writes it: in lower case, without the default port.
    pub(super) fn to_normal_form(self) -> Box<str> {
        let (scheme, default_port) = if self.is_https { ("https", 443) } else { ("http", 80) };
        let host = self.host.to_ascii_lowercase();
        match self.port.filter(|port| *port != default_port) {
            Some(port) => format!("{scheme}://{host}:{port}"),
            None => format!("{scheme}://{host}"),
        }
        .into()
    }
}

fn parse_port(port: &str) -> Option<u16> {
    let is_decimal = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    port.parse().ok().filter(|_| is_decimal)
}

/// Whether `host` is a host name in ASCII or an IP address. Browsers send other names in Punycode.
fn is_host(host: &str) -> bool {
    match host.strip_prefix('[') {
        Some(rest) => rest
            .strip_suffix(']')
            .is_some_and(|address| address.parse::<std::net::Ipv6Addr>().is_ok()),
        None => {
            let is_allowed =
                |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
            !host.is_empty() && host.bytes().all(is_allowed)
        }
    }
}
