//! Requests to the example servers.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::{
    login::{HEADER, SECRET, mint},
    reply::Reply,
    server::Server,
};

/// Asserts what holds for every response.
pub(crate) fn checked(reply: Reply) -> Reply {
    let status = reply.status.as_u16();
    assert!(status < 500 || status == 503, "{reply:?}");
    let challenges = reply.header("www-authenticate");
    assert!(challenges.len() <= 1 && (status != 401 || challenges.len() == 1), "{reply:?}");
    for challenge in challenges {
        assert!(challenge.starts_with("Bearer realm=\"") && !challenge.contains(", Bearer"));
    }
    if [400, 401, 403, 413, 415, 503].contains(&status) {
        assert_eq!(reply.header("content-type"), ["application/json"], "{reply:?}");
        let body = reply.json();
        assert!(body["detail"].is_string() && body["code"].is_string(), "{reply:?}");
    }
    reply
}

pub(crate) fn post(server: &Server, path: &str, body: &Value) -> Reply {
    post_bytes(server, path, body.to_string().as_bytes())
}

pub(crate) fn post_bytes(server: &Server, path: &str, body: &[u8]) -> Reply {
    let line = format!("POST {path}");
    let reply = checked(server.send(&line, "content-type: application/json\r\n", body));
    assert_eq!(reply.header("cache-control"), ["no-store"], "{path}");
    reply
}

pub(crate) fn get(server: &Server, path: &str, token: &str) -> Reply {
    let headers = format!("authorization: Bearer {token}\r\n");
    checked(server.send(&format!("GET {path}"), &headers, b""))
}

pub(crate) fn log_in(server: &Server, username: &str) -> Reply {
    let password = format!("{username}-password");
    post(server, "/api/token/", &json!({"username": username, "password": password}))
}

/// The access and refresh token of a response.
pub(crate) fn tokens(reply: &Reply) -> (String, String) {
    assert_eq!(reply.status, 200, "{reply:?}");
    let body = reply.json();
    let token = |name: &str| body[name].as_str().unwrap().to_owned();
    (token("access"), token("refresh"))
}

/// Ends the server. Asserts that it has printed neither `secrets` nor its own secrets.
pub(crate) fn assert_silent_about(server: Server, secrets: &[&str]) {
    let output = server.into_output();
    for secret in secrets.iter().copied().chain([SECRET, "demo-password", "admin-password", "eyJ"])
    {
        for part in secret.split('.') {
            assert!(!output.contains(part), "{part} in {output}");
        }
    }
}

pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// A token of demo with the header and claims of SimpleJWT. Each change is a name and the JSON of a
/// value, or an empty string to remove the claim.
pub(crate) fn signed(changes: &[(&str, &str)]) -> String {
    let defaults = [
        ("token_type", r#""access""#.to_owned()),
        ("exp", (now() + 300).to_string()),
        ("iat", now().to_string()),
        ("jti", r#""4c6a8b1f0e3d4c5b9a7f6e5d4c3b2a19""#.to_owned()),
        ("user_id", r#""1""#.to_owned()),
        ("username", r#""demo""#.to_owned()),
        ("is_admin", "false".to_owned()),
    ];
    let changed = |name: &str| changes.iter().any(|(other, _)| *other == name);
    let members: Vec<_> = defaults
        .iter()
        .filter(|(name, _)| !changed(name))
        .map(|(name, value)| (*name, &**value))
        .chain(changes.iter().copied().filter(|(_, value)| !value.is_empty()))
        .map(|(name, value)| format!(r#""{name}":{value}"#))
        .collect();
    mint(SECRET, HEADER, &format!("{{{}}}", members.join(",")))
}
