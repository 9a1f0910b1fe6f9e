//! `GET /api/fresh` requires a recent login (RFC 9470).

use serde_json::{Value, json};

use super::{me, now, provider, start, token};
use crate::support::{
    api::{checked, get},
    foreign::{API, ForeignKey},
    provider::Response,
    reply::Reply,
    server::Server,
};

fn fresh(server: &Server, token: &str) -> Reply {
    get(server, "/api/fresh", token)
}

fn assert_asks_for_a_login(reply: &Reply, max_age: &str) {
    assert_eq!(reply.status, 401, "{reply:?}");
    assert_eq!(reply.json()["code"], "insufficient_user_authentication");
    let challenge = reply.header("www-authenticate")[0];
    for parameter in
        [r#"error="insufficient_user_authentication""#, &format!(r#"max_age="{max_age}""#)]
    {
        assert!(challenge.contains(parameter), "{challenge}");
    }
}

#[test]
fn a_login_within_the_last_five_minutes_is_required() {
    let key = ForeignKey::generate("one");
    let provider = provider(&[&key]);
    let server = start(&[&provider], &[]);
    let after = |seconds: u64| json!({ "auth_time": now() - seconds });
    let reply = fresh(&server, &token(&key, &provider, after(240)));
    assert_eq!((reply.status.as_u16(), &reply.json()["sub"]), (200, &json!("ada")));
    for changes in [after(301), json!({})] {
        let token = token(&key, &provider, changes);
        assert_asks_for_a_login(&fresh(&server, &token), "300");
        assert_eq!(me(&server, &token).status, 200);
    }
    let without_token = checked(server.send("GET /api/fresh", "", b""));
    assert_eq!(without_token.header("www-authenticate"), [r#"Bearer realm="api""#]);
}

#[test]
fn the_age_is_a_setting() {
    let key = ForeignKey::generate("one");
    let provider = provider(&[&key]);
    let resource = ("RESOURCE", API);
    let server = start(&[&provider], &[("MAX_AGE", "3600"), resource]);
    let after = |seconds: u64| token(&key, &provider, json!({ "auth_time": now() - seconds }));
    assert_eq!(fresh(&server, &after(3500)).status, 200);
    let reply = fresh(&server, &after(3601));
    assert_asks_for_a_login(&reply, "3600");
    let metadata = format!(r#"resource_metadata="{API}/.well-known/oauth-protected-resource""#);
    assert!(reply.header("www-authenticate")[0].contains(&metadata), "{reply:?}");
}

#[test]
fn introspected_tokens_need_a_recent_login_too() {
    let key = ForeignKey::generate("one");
    let provider = provider(&[&key]);
    let url = provider.url("/introspect");
    let variables = [("INTROSPECTION_URL", &*url), ("INTROSPECTION_CLIENT", "id:secret")];
    let server = start(&[&provider], &variables);
    let introspected = |auth_time: Value| {
        let active = json!({ "active": true, "sub": "ada", "aud": API, "auth_time": auth_time });
        provider.respond("/introspect", Response::json(&active));
        format!("opaque-{auth_time}")
    };
    assert_eq!(fresh(&server, &introspected(json!(now() - 10))).status, 200);
    for auth_time in [json!(now() - 301), Value::Null] {
        let token = introspected(auth_time);
        assert_asks_for_a_login(&fresh(&server, &token), "300");
        assert_eq!(me(&server, &token).status, 200);
    }
}
