//! Logouts that an issuer reports, to one of two processes.

use serde_json::{Value, json};

use super::{me, provider, start, token};
use crate::support::{
    api::now,
    foreign::{API, ForeignKey},
    provider::{Provider, Response},
    redis,
    reply::Reply,
    server::Server,
    session::new_id,
};

fn log_out(server: &Server, token: &str) -> Reply {
    let headers = "content-type: application/x-www-form-urlencoded\r\n";
    let form = format!("logout_token={token}");
    let reply = server.send("POST /backchannel-logout", headers, form.as_bytes());
    assert_eq!(reply.header("cache-control"), ["no-store"]);
    reply
}

fn logout_token(key: &ForeignKey, issuer: &Provider, changes: &Value) -> String {
    let mut claims = json!({
        "aud": API, "iat": now(), "exp": now() + 120, "jti": new_id(), "client_id": null,
        "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
    });
    for (name, value) in changes.as_object().unwrap() {
        claims[name] = value.clone();
    }
    key.mint(&json!({ "kid": "one", "typ": "logout+jwt" }), &issuer.issuer(), &claims)
}

fn assert_logs_out(reported_to: &Server, other: &Server, key: &ForeignKey, issuer: &Provider) {
    let session = |sid: &str| token(key, issuer, json!({ "sid": sid, "jti": sid }));
    let (first, second) = (session("s1"), session("s2"));
    for server in [reported_to, other] {
        assert_eq!(me(server, &first).status, 200);
    }
    let logout = logout_token(key, issuer, &json!({ "sid": "s1", "sub": null }));
    assert_eq!(log_out(reported_to, &logout).status, 200);
    for server in [reported_to, other] {
        let reply = me(server, &first);
        assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (401, &json!("token_revoked")));
        assert_eq!(me(server, &second).status, 200);
        assert_eq!(log_out(server, &logout).status, 400);
    }
    let nonce = logout_token(key, issuer, &json!({ "sid": "s2", "nonce": "n" }));
    assert_eq!(log_out(reported_to, &nonce).status, 400);
    let user = logout_token(key, issuer, &json!({}));
    assert_eq!(log_out(other, &user).status, 200);
    for server in [reported_to, other] {
        assert_eq!(me(server, &second).status, 401);
    }
}

#[test]
fn a_logout_ends_a_session_in_one_process() {
    let key = ForeignKey::generate("one");
    let issuer = provider(&[&key]);
    let server = start(&[&issuer], &[("BACKCHANNEL", "1")]);
    assert_logs_out(&server, &server, &key, &issuer);
}

#[test]
fn a_logout_ends_a_session_in_two_processes() {
    let Some(redis) = redis::shared() else { return };
    let key = ForeignKey::generate("one");
    let issuer = provider(&[&key]);
    let variables = [("BACKCHANNEL", "1"), ("STORE_URL", &redis.url())];
    let servers = [start(&[&issuer], &variables), start(&[&issuer], &variables)];
    assert_logs_out(&servers[0], &servers[1], &key, &issuer);
}

/// Introspection responses need not name the issuer.
#[test]
fn a_logout_ends_sessions_of_opaque_tokens() {
    let key = ForeignKey::generate("one");
    let issuer = provider(&[&key]);
    let url = issuer.url("/introspect");
    let variables =
        [("BACKCHANNEL", "1"), ("INTROSPECTION_URL", &*url), ("INTROSPECTION_CLIENT", "id:secret")];
    let server = start(&[&issuer], &variables);
    let active = json!({ "active": true, "sub": "ada", "sid": "s1", "aud": API, "iat": now() });
    issuer.respond("/introspect", Response::json(&active));
    assert_eq!(me(&server, "opaque").status, 200);
    let logout = logout_token(&key, &issuer, &json!({ "sid": "s1", "sub": null }));
    assert_eq!(log_out(&server, &logout).status, 200);
    assert_eq!(me(&server, "opaque").status, 401);
}

#[test]
fn without_the_setting_there_is_no_route() {
    let key = ForeignKey::generate("one");
    let issuer = provider(&[&key]);
    let server = start(&[&issuer], &[]);
    assert_eq!(server.send("POST /backchannel-logout", "", b"").status, 404);
}

/// A logout is remembered for about a day. A token that lives longer would be valid again.
#[test]
fn tokens_live_no_longer_than_a_logout_is_remembered() {
    let key = ForeignKey::generate("one");
    let issuer = provider(&[&key]);
    let day = 24 * 60 * 60;
    let issued_at = now();
    let lasting = |lifetime: u64| {
        let exp = issued_at + lifetime;
        token(&key, &issuer, json!({ "iat": issued_at, "exp": exp, "jti": new_id() }))
    };
    let server = start(&[&issuer], &[("BACKCHANNEL", "1")]);
    assert_eq!(me(&server, &lasting(day)).status, 200);
    assert_eq!(me(&server, &lasting(day + 1)).status, 401);
    let server = start(&[&issuer], &[]);
    assert_eq!(me(&server, &lasting(day + 1)).status, 200);
}
