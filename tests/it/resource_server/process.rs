//! Start, configuration errors, shutdown and output.

use std::{io::Write, time::Duration};

use serde_json::json;

use super::{me, provider, start, token};
use crate::support::{
    foreign::{API, ForeignKey},
    server::run,
};

const FIVE_SECONDS: Duration = Duration::from_secs(5);

#[test]
fn a_signal_ends_it_whatever_is_open() {
    let key = ForeignKey::generate("one");
    let provider = provider(&[&key]);
    for signal in ["TERM", "INT"] {
        let mut server = start(&[&provider], &[("RUST_LOG", "trace")]);
        let mut half_open = server.connect();
        half_open.write_all(b"GET /api/me HTTP/1.1\r\nhost: x\r\nautho").unwrap();
        let token = token(&key, &provider, json!({}));
        assert_eq!(me(&server, &token).status, 200);
        server.signal(signal);
        assert_eq!(server.wait(FIVE_SECONDS).code(), Some(0), "SIG{signal}");
        let output = server.into_output();
        assert!(token.split('.').all(|part| !output.contains(part)), "{output}");
    }
}

#[test]
fn configuration_errors_name_the_setting() {
    let issuer = ("ISSUERS", "https://login.example");
    let audience = ("AUDIENCE", API);
    let which = "set either ISSUERS, or both JWKS_URL and ISSUER";
    let unsafe_url = "issuer 1: the issuer must be an https URL";
    for (variables, message) in [
        (vec![], "AUDIENCE is not set"),
        (vec![issuer], "AUDIENCE is not set"),
        (vec![audience], which),
        (vec![audience, ("JWKS_URL", "https://login.example/keys")], which),
        (vec![audience, ("ISSUER", "https://login.example")], which),
        (vec![audience, issuer, ("ISSUER", "https://login.example")], which),
        (vec![audience, ("ISSUERS", "http://login.example")], unsafe_url),
        (vec![audience, ("ISSUERS", "https://ada:hunter2@login.example")], unsafe_url),
        (vec![audience, ("ISSUERS", "")], "at least one verifier"),
        (vec![audience, ("ISSUERS", "login")], unsafe_url),
        (
            vec![audience, ("ISSUERS", "https://login.example, https://login.example")],
            "two verifiers of `by_issuer`",
        ),
        (
            vec![audience, ("ISSUER", "https://login.example"), ("JWKS_URL", "http://127.0.0.1")],
            "issuer 1: the URL of the JWK set must be an https URL",
        ),
        (vec![("AUDIENCE", ""), issuer], "audience"),
        (vec![audience, issuer, ("PORT", "http")], "PORT \"http\" is not a port number"),
        (
            vec![audience, issuer, ("PROFILE", "jwt")],
            "PROFILE must be rfc9068, plain or id_token, not \"jwt\"",
        ),
        (vec![audience, issuer, ("ALLOW_HTTP", "yes")], "ALLOW_HTTP must be 0 or 1, not \"yes\""),
        (vec![audience, issuer, ("JWKS_COOLDOWN", "-1")], "JWKS_COOLDOWN must be whole seconds"),
        (vec![audience, issuer, ("JWKS_REFRESH", "0")], "`refresh_every` must be at least"),
        (vec![audience, issuer, ("JWKS_MAX_STALE", "0")], "`max_stale` must be at least"),
        (vec![audience, issuer, ("MAX_AGE", "5m")], "MAX_AGE must be whole seconds, not \"5m\""),
        (vec![audience, issuer, ("MAX_AGE", "0")], "MAX_AGE: `max_age` must be at least"),
        (vec![audience, issuer, ("BACKCHANNEL", "yes")], "BACKCHANNEL must be 0 or 1"),
        (
            vec![audience, issuer, ("BACKCHANNEL", "1"), ("STORE_URL", "mysql://x:hunter2@db")],
            "STORE_URL must be memory:",
        ),
        (
            vec![audience, issuer, ("STORE_URL", "mysql://x:hunter2@db")],
            "STORE_URL must be memory:",
        ),
        (
            vec![audience, issuer, ("BACKCHANNEL", "1"), ("STORE_URL", "sqlite:/tmp")],
            "STORE_URL: the path is a directory",
        ),
        (
            vec![audience, issuer, ("INTROSPECTION_URL", "https://login.example/i")],
            "INTROSPECTION_URL and INTROSPECTION_CLIENT require each other",
        ),
        (
            vec![
                audience,
                issuer,
                ("INTROSPECTION_URL", "https://login.example/i"),
                ("INTROSPECTION_CLIENT", "hunter2"),
            ],
            "INTROSPECTION_CLIENT must have the form id:secret",
        ),
        (
            vec![
                audience,
                issuer,
                ("INTROSPECTION_URL", "http://login.example/i"),
                ("INTROSPECTION_CLIENT", "id:hunter2"),
            ],
            "INTROSPECTION_URL: the URL of the introspection endpoint must be an https URL",
        ),
        (vec![audience, issuer, ("JWKS_MAX_STALE", "1d")], "JWKS_MAX_STALE must be whole seconds"),
    ] {
        let (status, output) = run("resource_server", &variables, FIVE_SECONDS);
        assert_eq!(status.code(), Some(1), "{output}");
        assert!(
            output.contains("resource_server: ") && output.contains(message),
            "{message}: {output}"
        );
        assert!(!output.contains("hunter2"), "{output}");
    }
}
