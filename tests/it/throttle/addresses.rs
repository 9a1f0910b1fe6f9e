//! The address of a client.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use http::{Extensions, HeaderMap, HeaderName, HeaderValue};
use tower_jwt_auth::{
    AuthErrorKind, MemoryStore,
    throttle::{ForwardedHeader, Throttle},
};

use crate::support::login::error_kind;

const PEER: &str = "192.0.2.1";

/// The address of a client with `count` trusted proxies, whose request has these header lines.
fn client(count: usize, header: ForwardedHeader, lines: &[&[u8]]) -> String {
    let builder = Throttle::builder(MemoryStore::new());
    let throttle = match count {
        0 => builder,
        count => builder.trusted_proxies(count, header),
    };
    let name = match header {
        ForwardedHeader::Forwarded => HeaderName::from_static("forwarded"),
        _ => HeaderName::from_static("x-forwarded-for"),
    };
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(&name, HeaderValue::from_bytes(line).unwrap());
    }
    let mut extensions = Extensions::new();
    let peer: IpAddr = PEER.parse().unwrap();
    extensions.insert(ConnectInfo(SocketAddr::new(peer, 4711)));
    let address = throttle.build().unwrap().client_address(&extensions, &headers);
    address.unwrap().unwrap().to_string()
}

fn x_forwarded_for(count: usize, lines: &[&str]) -> String {
    let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    client(count, ForwardedHeader::XForwardedFor, &lines)
}

fn forwarded(count: usize, lines: &[&str]) -> String {
    let lines: Vec<&[u8]> = lines.iter().map(|line| line.as_bytes()).collect();
    client(count, ForwardedHeader::Forwarded, &lines)
}

#[test]
fn headers_are_ignored_without_trusted_proxies() {
    assert_eq!(x_forwarded_for(0, &["203.0.113.7"]), PEER);
    assert_eq!(forwarded(0, &["for=203.0.113.7"]), PEER);
}

#[test]
fn entries_of_x_forwarded_for_are_counted_from_the_right() {
    let lines = ["10.0.0.9, 203.0.113.7", "198.51.100.2"];
    assert_eq!(x_forwarded_for(1, &lines), "198.51.100.2");
    assert_eq!(x_forwarded_for(2, &lines), "203.0.113.7");
    assert_eq!(x_forwarded_for(3, &lines), "10.0.0.9");
}

#[test]
fn entries_of_forwarded_are_counted_from_the_right() {
    let lines = ["for=10.0.0.9, For=\"[2001:db8::7]:4711\";proto=https", "by=x ; for=198.51.100.2"];
    assert_eq!(forwarded(1, &lines), "198.51.100.2");
    assert_eq!(forwarded(2, &lines), "2001:db8::7");
    assert_eq!(forwarded(3, &lines), "10.0.0.9");
}

#[test]
fn the_other_header_is_ignored() {
    assert_eq!(client(1, ForwardedHeader::Forwarded, &[b"203.0.113.7"]), PEER);
}

#[test]
fn addresses_may_have_brackets_and_ports() {
    let pairs = [
        ("203.0.113.7:80", "203.0.113.7"),
        ("[2001:db8::7]:80", "2001:db8::7"),
        ("[2001:db8::7]", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
    ];
    for (entry, address) in pairs {
        assert_eq!(x_forwarded_for(1, &[entry]), address);
        assert_eq!(forwarded(1, &[&format!("for=\"{entry}\"")]), address);
    }
}

#[test]
fn missing_entries_fall_back_to_the_nearest_proxy() {
    assert_eq!(x_forwarded_for(2, &[]), PEER);
    assert_eq!(x_forwarded_for(2, &["198.51.100.2"]), "198.51.100.2");
    assert_eq!(forwarded(2, &["for=198.51.100.2"]), "198.51.100.2");
}

#[test]
fn malformed_entries_fall_back_to_the_nearest_proxy() {
    for entry in ["", "unknown", "_hidden", "203.0.113", "203.0.113.7.8", "[203.0.113.7]", "a b"] {
        let lines = [&*format!("203.0.113.9, {entry}, 198.51.100.2")];
        assert_eq!(x_forwarded_for(3, &lines), "198.51.100.2", "{entry}");
        assert_eq!(x_forwarded_for(1, &[entry]), PEER, "{entry}");
        let lines = [&*format!("for=203.0.113.9, for={entry}, for=198.51.100.2")];
        assert_eq!(forwarded(3, &lines), "198.51.100.2", "{entry}");
    }
    assert_eq!(client(1, ForwardedHeader::XForwardedFor, &[b"\xff"]), PEER);
    assert_eq!(forwarded(1, &["for=203.0.113.7;for=203.0.113.8"]), PEER);
    assert_eq!(forwarded(1, &["proto=https"]), PEER);
}

/// The left part of a header is from the client.
#[test]
fn quotes_of_a_client_do_not_hide_the_entries_of_proxies() {
    assert_eq!(forwarded(1, &["for=\"x, for=198.51.100.2"]), "198.51.100.2");
}

#[test]
fn an_unknown_connection_is_a_misconfiguration() {
    let throttle = Throttle::builder(MemoryStore::new()).build().unwrap();
    let address = throttle.client_address(&Extensions::new(), &HeaderMap::new());
    assert_eq!(error_kind(address), AuthErrorKind::Misconfigured);
    let throttle = Throttle::builder(MemoryStore::new()).without_addresses().build().unwrap();
    assert_eq!(throttle.client_address(&Extensions::new(), &HeaderMap::new()).unwrap(), None);
}
