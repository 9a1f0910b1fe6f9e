//! `Forwarded` and `X-Forwarded-For`. The first byte is the number of trusted proxies, and the lines are
//! values of the header.

#![no_main]

use std::{
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::LazyLock,
};

use axum::extract::ConnectInfo;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use libfuzzer_sys::fuzz_target;
use tower_jwt_auth::{
    MemoryStore,
    throttle::{ForwardedHeader, Throttle},
};

const PROXIES: usize = 4;
const PEER: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));

/// Throttles with 1 to [`PROXIES`] trusted proxies, for each header.
static THROTTLES: LazyLock<Vec<[Throttle; 2]>> = LazyLock::new(|| {
    let throttle = |proxies, header| {
        Throttle::builder(MemoryStore::new()).trusted_proxies(proxies, header).build().unwrap()
    };
    let both = |proxies| {
        [ForwardedHeader::XForwardedFor, ForwardedHeader::Forwarded]
            .map(|header| throttle(proxies, header))
    };
    (1..=PROXIES).map(both).collect()
});

/// The address that an entry of `X-Forwarded-For` names.
fn address(entry: &str) -> Option<IpAddr> {
    let (host, port) = match entry.strip_prefix('[') {
        Some(rest) => {
            let (host, port) = rest.split_once(']')?;
            (host.parse::<Ipv6Addr>().ok()?.into(), port)
        }
        None => match entry.split_once(':') {
            Some((host, _)) if host.parse::<Ipv4Addr>().is_ok() => {
                (host.parse().ok()?, &entry[host.len()..])
            }
            _ => return entry.parse().ok(),
        },
    };
    let is_port = |port: &str| port.bytes().all(|byte| byte.is_ascii_digit());
    match port.strip_prefix(':') {
        None => port.is_empty().then_some(host),
        Some(port) => (is_port(port) && port.parse::<u16>().is_ok()).then_some(host),
    }
}

/// The address that a pair `for=...` of an entry of `Forwarded` names.
fn forwarded_address(entry: &str) -> Option<IpAddr> {
    let pairs = entry.split(';').filter_map(|pair| pair.split_once('='));
    let named = pairs.filter(|(name, _)| name.trim().eq_ignore_ascii_case("for"));
    let [(_, value)] = named.collect::<Vec<_>>()[..] else { return None };
    let value = value.trim();
    let inner = value.strip_prefix('"').and_then(|value| value.strip_suffix('"'));
    address(inner.unwrap_or(value))
}

fuzz_target!(|input: &[u8]| {
    let [first, lines @ ..] = input else { return };
    let proxies = usize::from(*first) % PROXIES;
    let lines: Option<Vec<_>> =
        lines.split(|byte| *byte == b'\n').map(|line| HeaderValue::from_bytes(line).ok()).collect();
    let Some(lines) = lines else { return };
    let mut headers = HeaderMap::new();
    for line in &lines {
        for name in ["x-forwarded-for", "forwarded"] {
            headers.append(HeaderName::from_static(name), line.clone());
        }
    }
    let mut extensions = Extensions::new();
    extensions.insert(ConnectInfo(SocketAddr::new(PEER, 4711)));

    let joined = lines.iter().map(HeaderValue::as_bytes).collect::<Vec<_>>().join(&b',');
    let entries = joined.split(|byte| *byte == b',').collect::<Vec<_>>();
    let readers: [fn(&str) -> Option<IpAddr>; 2] = [address, forwarded_address];
    for (throttle, read) in THROTTLES[proxies].iter().zip(readers) {
        let mut expected = PEER;
        for entry in entries.iter().rev().take(proxies + 1) {
            match str::from_utf8(entry).ok().and_then(|entry| read(entry.trim())) {
                Some(address) => expected = address,
                None => break,
            }
        }
        let found = throttle.client_address(&extensions, &headers).unwrap();
        assert_eq!(found, Some(expected));
    }
});
