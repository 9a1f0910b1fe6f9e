//! Routes, statuses and challenges.

use serde_json::{Value, json};

use super::{health, me, now, provider, publish, start, token};
use crate::support::{
    api::{checked, get},
    foreign::{API, ForeignKey},
    provider::{JWKS, OPENID, Provider, Response},
    server::Server,
};

#[test]
fn accepts_tokens_of_each_issuer() {
    let (of_a, of_b) = (ForeignKey::generate("same"), ForeignKey::generate("same"));
    let (a, b) = (provider(&[&of_a]), provider(&[&of_b]));
    let server = start(&[&a, &b], &[]);
    for (key, issuer) in [(&of_a, &a), (&of_b, &b)] {
        let reply = me(&server, &token(key, issuer, json!({ "scope": "read" })));
        assert_eq!(reply.status, 200, "{reply:?}");
        let expected = json!({ "sub": "ada", "iss": issuer.issuer(), "scopes": ["read"] });
        assert_eq!(reply.json(), expected);
    }
    for (key, issuer) in [(&of_a, &b), (&of_b, &a)] {
        assert_eq!(me(&server, &token(key, issuer, json!({}))).status, 401);
    }
    let stranger = Provider::start();
    assert_eq!(me(&server, &token(&of_a, &stranger, json!({}))).status, 401);
    assert_eq!((a.count(JWKS), b.count(JWKS)), (1, 1));
}

#[test]
fn writing_requires_the_scope() {
    let key = ForeignKey::generate("one");
    let provider = provider(&[&key]);
    let server = start(&[&provider], &[]);
    for (changes, status) in [
        (json!({ "scope": "read write" }), 200),
        (json!({ "scope": ["write"] }), 200),
        (json!({ "scp": "write read" }), 200),
        (json!({ "scp": ["write"] }), 200),
        (json!({ "scope": "writer read" }), 403),
        (json!({ "scp": ["Write"] }), 403),
        (json!({}), 403),
    ] {
        let reply = get(&server, "/api/write", &token(&key, &provider, changes.clone()));
        assert_eq!(reply.status, status, "{changes}");
        if status == 403 {
            let challenge = reply.header("www-authenticate")[0];
            assert!(challenge.contains(r#"error="insufficient_scope""#), "{challenge}");
            assert!(challenge.contains(r#"scope="write""#), "{challenge}");
            assert_eq!(reply.json()["code"], "insufficient_scope");
        }
    }
}

#[test]
fn rejects_other_tokens() {
    let key = ForeignKey::generate("one");
    let provider = provider(&[&key]);
    let server = start(&[&provider], &[]);
    let now = crate::support::api::now();
    for changes in [
        json!({ "aud": "other" }),
        json!({ "aud": null }),
        json!({ "exp": now - 1 }),
        json!({ "sub": null }),
        json!({ "client_id": null }),
        json!({ "jti": null }),
        json!({ "iat": null }),
        json!({ "iss": null }),
    ] {
        let reply = me(&server, &token(&key, &provider, changes.clone()));
        assert_eq!(reply.status, 401, "{changes}");
        assert!(reply.header("www-authenticate")[0].contains(r#"error="invalid_token""#));
    }
    let id_token = key.mint(&json!({ "kid": "one", "typ": "JWT" }), &provider.issuer(), &json!({}));
    for token in ["x", "a.b.c", &id_token] {
        assert_eq!(me(&server, token).status, 401);
    }
    let none = checked(server.send("GET /api/me", "", b""));
    assert_eq!(
        (none.status.as_u16(), none.header("www-authenticate")),
        (401, vec![r#"Bearer realm="api""#])
    );
    assert_eq!(checked(server.send("GET /nowhere", "", b"")).status, 404);
}

#[test]
fn fetches_keys_from_a_url() {
    let key = ForeignKey::generate("one");
    let provider = Provider::start();
    publish(&provider, &[&key]);
    let variables = [
        ("PORT", "0"),
        ("ALLOW_HTTP", "1"),
        ("AUDIENCE", API),
        ("JWKS_URL", &provider.url(JWKS)),
        ("ISSUER", &provider.issuer()),
        ("PROFILE", "plain"),
    ];
    let server = Server::start("resource_server", &variables);
    let plain = json!({ "jti": null, "client_id": null, "iat": null });
    assert_eq!(me(&server, &token(&key, &provider, plain)).status, 200);
    assert_eq!(me(&server, &token(&key, &provider, json!({ "nonce": "n" }))).status, 401);
    assert_eq!(provider.count(OPENID), 0);
}

#[test]
fn challenges_lead_to_the_authorization_servers() {
    const RESOURCE: &str = "https://api.example/notes";
    const METADATA: &str = "/.well-known/oauth-protected-resource/notes";
    let key = ForeignKey::generate("one");
    let providers = [provider(&[&key]), provider(&[&key])];
    let issuers = providers.each_ref().map(|provider| provider.issuer());
    let variables = [
        ("PORT", "0"),
        ("ALLOW_HTTP", "1"),
        ("ISSUERS", &*issuers.join(",")),
        ("RESOURCE", RESOURCE),
    ];
    let server = Server::start("resource_server", &variables);

    let document = checked(server.send(&format!("GET {METADATA}"), "", b""));
    assert_eq!(document.status, 200);
    assert_eq!(document.json()["resource"], RESOURCE);
    assert_eq!(document.json()["authorization_servers"], json!(issuers));
    let bare = server.send("GET /.well-known/oauth-protected-resource", "", b"");
    assert_eq!(bare.status, 404);

    let url = format!("resource_metadata=\"https://api.example{METADATA}\"");
    let valid = token(&key, &providers[0], json!({ "aud": RESOURCE }));
    assert_eq!(me(&server, &valid).status, 200);
    for (path, token, status, scope) in [
        ("/api/me", "", 401, false),
        ("/api/me", "malformed", 401, false),
        ("/api/me", &*token(&key, &providers[0], json!({ "aud": API })), 401, false),
        (
            "/api/me",
            &*token(&key, &providers[0], json!({ "aud": format!("{RESOURCE}/") })),
            401,
            false,
        ),
        ("/api/write", "", 401, true),
        ("/api/write", &*valid, 403, true),
    ] {
        let header = format!("Authorization: Bearer {token}\r\n");
        let header = if token.is_empty() { "" } else { &*header };
        let reply = checked(server.send(&format!("GET {path}"), header, b""));
        let challenge = reply.header("www-authenticate");
        assert_eq!((reply.status.as_u16(), challenge.len()), (status, 1), "{path} {reply:?}");
        assert!(
            challenge[0].starts_with("Bearer realm=") && challenge[0].contains(&url),
            "{challenge:?}"
        );
        assert_eq!(challenge[0].contains("scope=\"write\""), scope, "{challenge:?}");
    }
    let scoped = token(&key, &providers[1], json!({ "aud": RESOURCE, "scope": "write" }));
    assert_eq!(get(&server, "/api/write", &scoped).status, 200);
}

#[test]
fn health_reports_the_age_of_the_keys() {
    let key = ForeignKey::generate("one");
    let provider = provider(&[&key]);
    provider.publish(&[key.jwk(), json!({ "kty": "oct", "k": "AAAA" })]);
    let server = start(&[&provider], &[]);
    assert_eq!(me(&server, &token(&key, &provider, json!({}))).status, 200);
    let reply = health(&server);
    assert_eq!(reply.status, 200);
    let state = &reply.json()["issuers"][0];
    assert_eq!(state["issuer"], provider.issuer());
    assert_eq!(
        (&state["usable"], &state["keys"], &state["skipped"]),
        (&json!(true), &json!(1), &json!(1))
    );
    assert!(state["age"].is_u64(), "{state}");
    assert_eq!(state["error"], Value::Null);
}

#[test]
fn fetches_unknown_keys_once_per_cooldown() {
    let keys: Vec<_> = (0..3).map(|n| ForeignKey::generate(&format!("k{n}"))).collect();
    let provider = provider(&[&keys[0]]);
    let server = start(&[&provider], &[]);
    let status = |n: usize| me(&server, &token(&keys[n], &provider, json!({}))).status.as_u16();
    assert_eq!(status(0), 200);
    publish(&provider, &[&keys[0], &keys[1]]);
    assert_eq!(status(1), 200);
    publish(&provider, &[&keys[0], &keys[1], &keys[2]]);
    assert_eq!((status(2), status(1), status(0)), (401, 200, 200));
    assert_eq!(provider.count(JWKS), 2);
    provider.respond(JWKS, Response::HangUp);
    assert_eq!((status(2), status(0)), (401, 200));

    // A short cooldown finds the key soon.
    publish(&provider, &[&keys[0]]);
    let quick = start(&[&provider], &[("JWKS_COOLDOWN", "1")]);
    let status = |n: usize| me(&quick, &token(&keys[n], &provider, json!({}))).status.as_u16();
    assert_eq!((status(0), status(1)), (200, 401));
    publish(&provider, &[&keys[0], &keys[1]]);
    super::outage::eventually(200, || status(1));
    let _: Value = health(&quick).json();
}

/// `GET /metrics` in the text form of Prometheus.
#[test]
fn shows_metrics() {
    let key = ForeignKey::generate("one");
    let provider = provider(&[&key]);
    let server = start(&[&provider], &[]);
    let audience = json!({ "aud": "https://another.example" });
    assert_eq!(me(&server, &token(&key, &provider, json!({}))).status, 200);
    assert_eq!(me(&server, &token(&key, &provider, audience)).status, 401);
    let host = provider.issuer().trim_start_matches("http://").to_owned();
    let age = format!(r#"jwt_auth_keys_age_seconds{{server="{host}"}} "#);
    let text = loop {
        let reply = server.send("GET /metrics", "", b"");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), ["text/plain; version=0.0.4"]);
        // The age is reported once a second.
        if reply.body.contains(&age) {
            break reply.body;
        }
    };
    for line in [
        "jwt_auth_accepted_tokens_total 1",
        r#"jwt_auth_rejections_total{kind="wrong_audience"} 1"#,
        &format!(r#"jwt_auth_key_fetches_total{{server="{host}",outcome="ok"}} 1"#),
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
}

#[test]
fn accepts_id_tokens_if_configured() {
    let key = ForeignKey::generate("one");
    let provider = provider(&[&key]);
    let server = start(&[&provider], &[("PROFILE", "id_token")]);
    let of_client = |mut changes: Value| {
        changes["exp"] = json!(now() + 300);
        key.mint(&json!({ "kid": "one", "typ": "JWT" }), &provider.issuer(), &changes)
    };
    assert_eq!(me(&server, &of_client(json!({ "nonce": "n", "at_hash": "h" }))).status, 200);
    assert_eq!(me(&server, &of_client(json!({ "azp": "another" }))).status, 401);
    assert_eq!(me(&server, &of_client(json!({ "typ": "Bearer" }))).status, 401);
    assert_eq!(me(&server, &token(&key, &provider, json!({}))).status, 401, "an access token");
}
