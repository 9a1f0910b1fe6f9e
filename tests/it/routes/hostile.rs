//! Hostile input gets a clear rejection, never a server error.

use axum::body::Body;
use http::{Request, header::CONTENT_TYPE};
use serde_json::json;

use crate::support::{
    login::{HEADER, NOW, SECRET, Setup, mint},
    reply::post,
};

use super::{app, log_in, post_json, send};

const PATHS: [(&str, &str); 3] = [
    ("/api/token/refresh/", "refresh"),
    ("/api/token/verify/", "token"),
    ("/api/token/blacklist/", "refresh"),
];

/// A correctly signed refresh token with these members after the usual ones.
fn refresh_with(members: &str) -> String {
    let exp = NOW + 60;
    let usual =
        format!(r#""token_type":"refresh","exp":{exp},"iat":{NOW},"jti":"j","user_id":"1""#);
    mint(SECRET, HEADER, &format!("{{{usual}{members}}}"))
}

#[tokio::test]
async fn rejects_malformed_tokens_with_a_valid_signature() {
    let setup = Setup::new();
    let app = app(&setup);
    let plain = |members: &str| mint(SECRET, HEADER, members);
    let far = "253402300800";
    let tokens = [
        mint(SECRET, r#"{"alg":"HS256","crit":["exp"]}"#, "{}"),
        mint(SECRET, r#"{"alg":"HS256","kid":1}"#, "{}"),
        mint(SECRET, r#"{"alg":"HS256","alg":"HS256"}"#, "{}"),
        mint(SECRET, r#"{"alg":"none"}"#, "{}"),
        mint(SECRET, r#"["HS256"]"#, "{}"),
        refresh_with(r#","user_id":"2""#),
        refresh_with(r#","\u006ati":"k""#),
        refresh_with(r#","sid":5"#),
        refresh_with(r#","auth_time":"soon""#),
        refresh_with(r#","scope":{}"#),
        refresh_with(r#","cnf":{}"#),
        refresh_with(&format!(r#","nbf":{}"#, NOW + 3600)),
        plain(&format!(
            r#"{{"token_type":"refresh","exp":{far},"iat":1,"jti":"j","user_id":"1"}}"#
        )),
        plain(r#"{"token_type":"refresh","exp":1e999,"jti":"j","user_id":"1"}"#),
        plain(r#"{"token_type":"refresh","exp":-1,"jti":"j","user_id":"1"}"#),
        plain(r#"{"token_type":"refresh","exp":"1800000000","jti":"j","user_id":"1"}"#),
        plain(
            r#"{"token_type":"refresh","exp":1800000000,"iat":1700003600,"jti":"j","user_id":"1"}"#,
        ),
        plain(r#"{"token_type":"refresh","exp":1800000000,"jti":"","user_id":"1"}"#),
        plain(r#"{"token_type":"refresh","exp":1800000000,"jti":null,"user_id":"1"}"#),
        plain(r#"{"token_type":"refresh","exp":1800000000,"user_id":"1"}"#),
        plain(r#"{"token_type":"refresh","exp":1800000000,"jti":"j"}"#),
        plain(r#"{"token_type":"refresh","exp":1800000000,"jti":"j","user_id":{"a":1}}"#),
        plain(r#"{"token_type":"refresh","exp":1800000000,"jti":"j","user_id":1.5}"#),
        plain(r#"{"token_type":"refresh","exp":1800000000,"jti":"j","user_id":"\u0000"}"#),
        plain(r#"{"token_type":"refresh","jti":"j","user_id":"1"}"#),
        plain(r#"{"token_type":1,"exp":1800000000,"jti":"j","user_id":"1"}"#),
        plain(r#"{"exp":1800000000,"jti":"j","user_id":"1"}"#),
        plain("[]"),
        plain("null"),
        plain(""),
        plain("{}"),
        "a.".repeat(4000),
        "x".repeat(9000),
        "\u{1f980}".repeat(1000),
    ];
    for token in &tokens {
        for (path, field) in PATHS {
            let reply = post_json(&app, path, &json!({field: token})).await;
            assert_eq!(reply.status, 401, "{path} {token}");
            assert!(!reply.body.contains(token) && !reply.body.contains("line"), "{reply:?}");
        }
    }
    assert!(setup.store.inner.is_empty());
}

#[tokio::test]
async fn unusual_user_ids_are_looked_up_as_they_are() {
    let app = app(&Setup::new());
    for user_id in
        [r#""' OR 1=1 --""#, r#""\u0001""#, "18446744073709551615", "-1", r#""\ud83e\udd80""#]
    {
        let payload = format!(
            r#"{{"token_type":"refresh","exp":{},"iat":{NOW},"jti":"j","user_id":{user_id}}}"#,
            NOW + 60
        );
        let token = mint(SECRET, HEADER, &payload);
        let reply = post_json(&app, "/api/token/refresh/", &json!({"refresh": token})).await;
        assert_eq!(reply.status, 401, "{user_id}");
        assert_eq!(reply.json()["code"], "user_inactive");
    }
}

#[tokio::test]
async fn unusual_credentials_are_invalid_credentials() {
    let app = app(&Setup::new());
    for username in
        ["' OR 1=1 --", "../../etc/passwd", "\u{202e}1", "\u{1f980}", "1\r\nx: y", "%00"]
    {
        let body = json!({"username": username, "password": "analytical engine"});
        let reply = post_json(&app, "/api/token/", &body).await;
        assert_eq!(reply.status, 401, "{username:?}");
        assert!(!reply.body.contains(username));
    }
    let body = json!({"username": "1", "password": "x".repeat(15_000)});
    assert_eq!(post_json(&app, "/api/token/", &body).await.status, 401);
}

#[tokio::test]
async fn other_request_headers_have_no_effect() {
    let app = app(&Setup::new());
    let (access, _) = log_in(&app).await;
    for (name, value) in [
        ("authorization", "Bearer garbage"),
        ("authorization", "Bearer"),
        ("cookie", "access=garbage"),
        ("x-http-method-override", "DELETE"),
        ("accept", "text/html"),
    ] {
        let request = Request::post("/api/token/verify/?token=garbage")
            .header(CONTENT_TYPE, "application/json")
            .header(name, value)
            .body(Body::from(json!({"token": access}).to_string()));
        assert_eq!(send(&app, request.unwrap()).await.status, 200, "{name}");
    }
    assert_eq!(send(&app, post("/api/token/verify/", "")).await.status, 400);
}
