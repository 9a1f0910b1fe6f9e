//! Malformed and forged requests get a clear 4xx response.

use std::io::Write;

use serde_json::json;

use crate::support::{
    login::{HEADER, SECRET, mint, part},
    server::{Server, read_reply},
};

use super::{
    assert_silent_about, checked, get, log_in, now, post, post_bytes, signed, start, tokens,
};

/// Sends `token` to every route that accepts one.
fn assert_rejected_everywhere(server: &Server, token: &str) {
    let me = get(server, "/api/me", token);
    assert_eq!(me.status, 401, "{token}: {me:?}");
    for (path, field) in [("refresh", "refresh"), ("verify", "token"), ("blacklist", "refresh")] {
        let reply = post(server, &format!("/api/token/{path}/"), &json!({field: token}));
        assert_eq!(reply.status, 401, "{path} {token}: {reply:?}");
        assert!(!reply.body.contains(token));
    }
}

#[test]
fn every_route_rejects_invalid_tokens() {
    let server = start();
    let valid = signed(&[]);
    assert_eq!(get(&server, "/api/me", &valid).status, 200);
    let (signing_input, signature) = valid.rsplit_once('.').unwrap();
    let payload = part(&valid, 1);
    let with_header = |header: &str| mint(SECRET, header, &payload);
    let hour = (now() + 3600).to_string();
    let past = (now() - 1).to_string();

    let invalid = [
        format!("{signing_input}.{}", signature.chars().rev().collect::<String>()),
        format!("{signing_input}."),
        format!("{valid}="),
        format!("{valid}.{signature}"),
        mint("another secret that has at least 32 bytes", HEADER, &payload),
        with_header(r#"{"alg":"none","typ":"JWT"}"#),
        with_header(r#"{"alg":"HS512","typ":"JWT"}"#),
        with_header(r#"{"alg":"hs256","typ":"JWT"}"#),
        with_header(r#"{"alg":"HS256","typ":"JWT","crit":[]}"#),
        with_header(r#"{"alg":"HS256","typ":"JWT","crit":["exp"]}"#),
        with_header(r#"{"alg":"HS256","typ":"JWT","kid":1}"#),
        with_header(r#"{"alg":"HS256","typ":"JWT","kid":null}"#),
        with_header(r#"{"alg":"HS256","alg":"HS256"}"#),
        with_header(r#"{"typ":"JWT"}"#),
        signed(&[("exp", &past)]),
        signed(&[("exp", "")]),
        signed(&[("exp", "null")]),
        signed(&[("exp", "true")]),
        signed(&[("exp", r#""4102444800""#)]),
        signed(&[("exp", "[4102444800]")]),
        signed(&[("exp", "-1")]),
        signed(&[("exp", "253402300800")]),
        signed(&[("exp", "18446744073709551616")]),
        signed(&[("exp", "1e999")]),
        signed(&[("iat", &hour)]),
        signed(&[("iat", r#""now""#)]),
        signed(&[("nbf", &hour)]),
        signed(&[("jti", "")]),
        signed(&[("jti", "null")]),
        signed(&[("jti", r#""""#)]),
        signed(&[("jti", "7")]),
        signed(&[("user_id", "")]),
        signed(&[("user_id", "null")]),
        signed(&[("user_id", r#"{"id":1}"#)]),
        signed(&[("username", "7")]),
        signed(&[("username", "null")]),
        signed(&[("username", "")]),
        signed(&[("is_admin", r#""true""#)]),
        signed(&[("is_admin", "1")]),
        signed(&[("sid", "5")]),
        signed(&[("scope", "5")]),
        signed(&[("token_type", "")]),
        signed(&[("token_type", r#""sliding""#)]),
        signed(&[("token_type", r#""ACCESS""#)]),
        signed(&[("cnf", r#"{"jkt":"x"}"#)]),
        signed(&[("x", "1"), ("x", "1")]),
        signed(&[("username", r#""demo""#), ("\\u0075sername", r#""admin""#)]),
        mint(SECRET, HEADER, "[]"),
        mint(SECRET, HEADER, ""),
        "garbage".to_owned(),
        "a.b.c".to_owned(),
        "x".repeat(9000),
    ];
    for token in &invalid {
        assert_rejected_everywhere(&server, token);
    }
    // The example configures no audience, so nothing depends on this claim.
    assert_eq!(get(&server, "/api/me", &signed(&[("aud", "5")])).status, 200);
    // An access token is no refresh token, and a refresh token no access token.
    let (access, refresh) = tokens(&log_in(&server, "demo"));
    assert_eq!(get(&server, "/api/me", &refresh).status, 401);
    assert_eq!(post(&server, "/api/token/refresh/", &json!({"refresh": access})).status, 401);
    assert_silent_about(server, &[&valid, &access, &refresh]);
}

#[test]
fn the_authorization_header_is_parsed_strictly() {
    let server = start();
    let valid = signed(&[]);
    for (headers, status) in [
        (format!("authorization: bearer {valid}\r\n"), 200),
        (String::new(), 401),
        ("authorization: \r\n".to_owned(), 401),
        (format!("authorization: Basic {valid}\r\n"), 401),
        (format!("authorization: {valid}\r\n"), 401),
        ("authorization: Bearer\r\n".to_owned(), 400),
        (format!("authorization: Bearer {valid} {valid}\r\n"), 400),
        (format!("authorization: Bearer {valid}, Bearer {valid}\r\n"), 400),
        (format!("authorization: Bearer \"{valid}\"\r\n"), 400),
        (format!("authorization: Bearer {valid}\r\nauthorization: Bearer {valid}\r\n"), 400),
        (format!("authorization: Bearer {valid}\r\nauthorization: Basic eA==\r\n"), 400),
        (format!("cookie: access={valid}\r\n"), 401),
    ] {
        let reply = checked(server.send("GET /api/me", &headers, b""));
        assert_eq!(reply.status, status, "{headers}");
    }
    let in_query = format!("GET /api/me?access_token={valid}&token={valid}");
    assert_eq!(checked(server.send(&in_query, "", b"")).status, 401);
    let huge = format!("authorization: Bearer {}\r\n", "x".repeat(64 * 1024));
    assert_eq!(checked(server.send("GET /api/me", &huge, b"")).status, 401);
    assert_silent_about(server, &[&valid]);
}

#[test]
fn bodies_are_parsed_strictly() {
    let server = start();
    let garbage = "\u{1f980}".repeat(16 * 1024);
    assert_eq!(garbage.len(), 64 * 1024);
    for path in ["", "refresh/", "verify/", "blacklist/"] {
        let path = format!("/api/token/{path}");
        for body in ["", "{", "nonsense", "[]", "null", "{\"a\":1,\"a\":1}", "{\"a\":{}"] {
            let reply = post_bytes(&server, &path, body.as_bytes());
            assert_eq!(reply.status, 400, "{path} {body}");
            assert_eq!(reply.json()["code"], "invalid_body");
        }
        let reply = post_bytes(&server, &path, b"{\"\xff\xfe\":1}");
        assert_eq!(reply.status, 400);
        let deep = format!("{{\"a\":{}", "[".repeat(15_000));
        assert_eq!(post_bytes(&server, &path, deep.as_bytes()).status, 400);
        assert_eq!(post_bytes(&server, &path, garbage.as_bytes()).status, 413);
        for content_type in ["", "content-type: text/plain\r\n", "content-type: \r\n"] {
            let reply = checked(server.send(&format!("POST {path}"), content_type, b"{}"));
            assert_eq!(reply.status, 415);
        }
        for method in ["GET", "PUT", "DELETE", "OPTIONS"] {
            let reply = checked(server.send(&format!("{method} {path}"), "", b""));
            assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, vec!["POST"]));
        }
    }
    // The limit applies to chunked bodies as well.
    let headers = "content-type: application/json\r\ntransfer-encoding: chunked\r\n";
    let mut stream = server.connect();
    let chunks = format!("10000\r\n{garbage}\r\n0\r\n\r\n");
    let request = format!(
        "POST /api/token/ HTTP/1.1\r\nhost: x\r\nconnection: close\r\n{headers}\r\n{chunks}"
    );
    let _ = stream.write_all(request.as_bytes());
    assert_eq!(checked(read_reply(stream)).status, 413);
}
