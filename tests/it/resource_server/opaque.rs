//! Opaque tokens, beside JWTs.

use serde_json::json;

use super::{me, provider, start, token};
use crate::support::{
    api::now,
    foreign::{API, ForeignKey},
    provider::{Provider, Response},
    server::Server,
};

const PATH: &str = "/introspect";

/// The example, with `issuer` as the trusted one, which introspects tokens too.
fn start_with(issuer: &Provider) -> Server {
    let url = issuer.url(PATH);
    let variables = [("INTROSPECTION_URL", &*url), ("INTROSPECTION_CLIENT", "a:b:c")];
    start(&[issuer], &variables)
}

#[test]
fn jwts_are_verified_and_other_tokens_introspected() {
    let key = ForeignKey::generate("one");
    let issuer = provider(&[&key]);
    let server = start_with(&issuer);
    let active = json!({ "active": true, "sub": "ada", "aud": API, "exp": now() + 300 });
    issuer.respond(PATH, Response::json(&active));
    assert_eq!(me(&server, &token(&key, &issuer, json!({}))).status, 200);
    assert_eq!(issuer.count(PATH), 0);
    let reply = me(&server, "opaque");
    assert_eq!((reply.status.as_u16(), &reply.json()["sub"]), (200, &json!("ada")));
    assert_eq!(me(&server, "opaque").status, 200);
    assert_eq!(issuer.count(PATH), 1);
    let head = issuer.request_heads().pop().unwrap();
    // The secret is what follows the first colon, form-encoded: a:b%3Ac.
    assert!(head.contains("authorization: Basic YTpiJTNBYw==\r\n"), "{head}");

    for (response, status) in [
        (json!({ "active": false }), 401),
        (json!({ "active": true, "sub": "ada", "exp": now() + 300 }), 401),
        (json!({ "active": true, "sub": "ada", "aud": API, "iss": "https://other.example" }), 401),
        (json!({ "active": true, "sub": "ada", "aud": API, "iss": issuer.issuer() }), 200),
        (json!({ "active": "true", "sub": "ada", "aud": API }), 503),
    ] {
        issuer.respond(PATH, Response::json(&response));
        let token = format!("opaque{}", issuer.count(PATH));
        assert_eq!(me(&server, &token).status, status, "{response}");
    }
    for status in [401, 403, 500] {
        issuer.respond(PATH, Response::status(status));
        assert_eq!(me(&server, &format!("status{status}")).status, 503);
        let cause = format!("the introspection endpoint responded with status {status}");
        server.await_line(|line| line.contains(&cause));
    }
}
