//! The example `django`, run as a process.

use std::time::Duration;

use serde_json::json;

use crate::support::{
    login::SECRET,
    reply::Reply,
    server::{Server, run},
};

use super::setup::{PASSWORD, Site};

fn post(server: &Server, path: &str, body: &serde_json::Value) -> Reply {
    let json = "content-type: application/json\r\n";
    server.send(&format!("POST {path}"), json, body.to_string().as_bytes())
}

fn get(server: &Server, path: &str, token: &str) -> Reply {
    server.send(&format!("GET {path}"), &format!("authorization: Bearer {token}\r\n"), b"")
}

#[tokio::test(flavor = "multi_thread")]
async fn serves_django_tokens() {
    let site = Site::with_blacklist_app().await;
    let settings = json!({ "ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true,
        "ACCESS_TOKEN_LIFETIME": 60 });
    let mut server = Server::start(
        "django",
        &[
            ("PORT", "0"),
            ("DATABASE_URL", &site.url()),
            ("SECRET_KEY", SECRET),
            ("SIMPLE_JWT", &settings.to_string()),
            ("TOKEN_BLACKLIST_APP", "1"),
        ],
    );
    let tokens = post(&server, "/api/token/", &json!({"username": "ada", "password": PASSWORD}));
    assert_eq!(tokens.status, 200, "{tokens:?}");
    let member = |name: &str| tokens.json()[name].as_str().unwrap().to_owned();
    let (access, refresh) = (member("access"), json!({ "refresh": member("refresh") }));
    for path in ["/api/hello/", "/api/hello"] {
        assert_eq!(get(&server, path, &access).body, r#"{"user_id":1,"username":"ada"}"#);
    }
    assert_eq!(get(&server, "/api/stateless/", &access).body, r#"{"user_id":"1"}"#);
    assert_eq!(get(&server, "/api/nothing/", &access).status, 404);
    let bearer = format!("authorization: Bearer {access}\r\n");
    let options = server.send("OPTIONS /api/hello/", &bearer, b"");
    assert_eq!(
        (options.status.as_u16(), options.header("allow")),
        (200, vec!["GET, HEAD, OPTIONS"])
    );
    let reply = server.send("POST /api/hello/", &bearer, b"");
    assert_eq!(
        (reply.status.as_u16(), &*reply.body),
        (405, r#"{"detail":"Method \"POST\" not allowed."}"#)
    );
    assert_eq!(post(&server, "/api/token/refresh/", &refresh).status, 200);
    assert_eq!(post(&server, "/api/token/refresh/", &refresh).status, 401);
    let sliding = json!({"username": "ada", "password": PASSWORD});
    let sliding = post(&server, "/api/token/sliding/", &sliding).json();
    assert_eq!(post(&server, "/api/token/sliding/refresh/", &sliding).status, 200);

    server.signal("TERM");
    assert!(server.wait(Duration::from_secs(30)).success());
    let output = server.into_output();
    for secret in [SECRET, PASSWORD, "eyJ"] {
        assert!(!output.contains(secret), "{output}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn exits_if_the_database_has_blacklist_tables_that_are_not_used() {
    let site = Site::with_blacklist_app().await;
    let url = site.url();
    let variables = [("PORT", "0"), ("DATABASE_URL", &*url), ("SECRET_KEY", SECRET)];
    let (status, output) = run("django", &variables, Duration::from_secs(30));
    assert!(!status.success() && output.contains("token_blacklist_outstandingtoken"), "{output}");
}

#[tokio::test(flavor = "multi_thread")]
async fn starts_without_the_database() {
    let variables = [
        ("PORT", "0"),
        ("DATABASE_URL", "sqlite:///nowhere/db.sqlite3"),
        ("SECRET_KEY", SECRET),
        ("TOKEN_BLACKLIST_APP", "1"),
    ];
    let server = Server::start("django", &variables);
    let login = json!({ "username": "ada", "password": PASSWORD });
    assert_eq!(post(&server, "/api/token/", &login).status, 503);
}

#[test]
fn exits_with_a_message_if_misconfigured() {
    let valid =
        [("PORT", "0"), ("DATABASE_URL", "sqlite:///nowhere/db.sqlite3"), ("SECRET_KEY", SECRET)];
    for (name, value, message) in [
        ("SECRET_KEY", "short", "32 bytes"),
        ("SECRET_KEY", "", "SECRET_KEY"),
        ("DATABASE_URL", "", "DATABASE_URL"),
        ("DATABASE_URL", "mysql://localhost/app", "DATABASE_URL"),
        ("SIMPLE_JWT", "[]", "SIMPLE_JWT"),
        ("SIMPLE_JWT", r#"{"ALGORITM": "HS256"}"#, "ALGORITM"),
        ("SIMPLE_JWT", r#"{"BLACKLIST_AFTER_ROTATION": true}"#, "BLACKLIST_AFTER_ROTATION"),
        ("TOKEN_BLACKLIST_APP", "yes", "TOKEN_BLACKLIST_APP"),
        ("PORT", "x", "PORT"),
    ] {
        let mut variables: Vec<_> =
            valid.iter().copied().filter(|(other, _)| *other != name).collect();
        variables.push((name, value));
        let (status, output) = run("django", &variables, Duration::from_secs(30));
        assert!(!status.success() && output.contains(message), "{name}={value}: {output}");
    }
}
