//! Tokens that the views reject, with SimpleJWT's messages.

use std::{pin::pin, sync::mpsc};

use axum::Router;
use futures::poll;
use http::StatusCode;
use serde_json::{Value, json};
use tokio::{runtime, task};
use tower_jwt_auth::password::django::{DjangoHasher, Format};

use crate::support::mint::NOW;

use super::setup::{
    BLACKLIST, PASSWORD, REFRESH, SLIDE, Site, VERIFY, app, log_in, member, payload, post,
    rotating, token,
};

/// Each view with its field and the type of its tokens.
const VIEWS: [(&str, &str, &str); 4] = [
    (REFRESH, "refresh", "refresh"),
    (BLACKLIST, "refresh", "refresh"),
    (VERIFY, "token", "access"),
    (SLIDE, "token", "sliding"),
];

/// A site without and one with the blacklist app, each with settings.
async fn both_sites() -> [(Site, Value); 2] {
    [(Site::new().await, json!({})), (Site::with_blacklist_app().await, rotating())]
}

#[tokio::test]
async fn each_fault_has_its_message() {
    let (past, future) = (&*(NOW - 10).to_string(), &*(NOW + 10).to_string());
    let invalid = "Token is invalid";
    for (site, settings) in both_sites().await {
        let app = site.app(&settings);
        for (changes, expected) in [
            (&[("exp", past)][..], "Token is expired"),
            (&[("exp", &*NOW.to_string())], "Token is expired"),
            (&[("exp", "")], "Token has no 'exp' claim"),
            (&[("jti", "")], "Token has no id"),
            (&[("jti", ""), ("exp", "")], "Token has no 'exp' claim"),
            (&[("jti", ""), ("token_type", "")], "Token has no id"),
            (&[("iat", future)], invalid),
            (&[("nbf", future)], invalid),
            (&[("exp", "null")], invalid),
            (&[("exp", "\"1800000000\"")], invalid),
            (&[("exp", "100000000000000000000")], invalid),
            (&[("exp", "-5")], invalid),
            (&[("jti", "5")], invalid),
            (&[("jti", "null")], invalid),
            (&[("jti", "\"\"")], invalid),
            (&[("user_id", "null")], invalid),
            (&[("user_id", "\"\"")], invalid),
            (&[("user_id", "{}")], invalid),
            (&[("user_id", "1.5")], invalid),
            (&[("user_id", "true")], invalid),
            (&[("sub", "5")], invalid),
            (&[("cnf", "{}")], invalid),
        ] {
            for (path, field, token_type) in VIEWS {
                let mut changes = changes.to_vec();
                changes.push(("refresh_exp", future));
                let reply = post(&app, path, &json!({ field: token(token_type, &changes) })).await;
                assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{path} {changes:?}");
                let body = format!(r#"{{"detail":"{expected}","code":"token_not_valid"}}"#);
                assert_eq!(reply.body, body, "{path} {changes:?}");
                assert_eq!(reply.header("www-authenticate"), [r#"Bearer realm="api""#]);
            }
        }
        for garbage in ["x", "a.b.c", "....", "é"] {
            for (path, field, _) in VIEWS {
                let reply = post(&app, path, &json!({ field: garbage })).await;
                assert_eq!(reply.body, r#"{"detail":"Token is invalid","code":"token_not_valid"}"#);
            }
        }
    }
}

#[tokio::test]
async fn rejects_tokens_of_other_types() {
    let future = &*(NOW + 10).to_string();
    for (site, settings) in both_sites().await {
        let app = site.app(&settings);
        for (path, field, token_type) in VIEWS {
            for other in ["access", "refresh", "sliding", "odd"] {
                // The views blacklist it, so each one needs its own id.
                let jti = format!(r#""{path} {other}""#);
                let token = token(other, &[("refresh_exp", future), ("jti", &jti)]);
                let reply = post(&app, path, &json!({ field: token })).await;
                if path == VERIFY {
                    assert_eq!((reply.status, &*reply.body), (StatusCode::OK, "{}"));
                } else if other != token_type {
                    let expected = r#"{"detail":"Token has wrong type","code":"token_not_valid"}"#;
                    assert_eq!((reply.status.as_u16(), &*reply.body), (401, expected), "{path}");
                }
            }
            let without = token("", &[("token_type", ""), ("refresh_exp", future)]);
            let reply = post(&app, path, &json!({ field: without })).await;
            if path == VERIFY {
                assert_eq!(reply.status, StatusCode::OK);
            } else {
                let expected = r#"{"detail":"Token has no type","code":"token_not_valid"}"#;
                assert_eq!((reply.status.as_u16(), &*reply.body), (401, expected), "{path}");
            }
        }
    }
}

/// The blacklist comes before the other claims.
#[tokio::test]
async fn rejects_blacklisted_tokens() {
    let site = Site::with_blacklist_app().await;
    let app = site.app(&rotating());
    let refresh = token("refresh", &[]);
    let reply = post(&app, BLACKLIST, &json!({ "refresh": refresh })).await;
    assert_eq!((reply.status, &*reply.body), (StatusCode::OK, "{}"));

    let blacklisted = r#"{"detail":"Token is blacklisted","code":"token_not_valid"}"#;
    for (path, field, token) in [
        (BLACKLIST, "refresh", token("refresh", &[])),
        (REFRESH, "refresh", token("refresh", &[])),
        (REFRESH, "refresh", token("refresh", &[("user_id", "\"2\"")])),
        (REFRESH, "refresh", token("access", &[])),
        (REFRESH, "refresh", token("refresh", &[("exp", "")])),
        (SLIDE, "token", token("sliding", &[])),
    ] {
        let reply = post(&app, path, &json!({ field: token })).await;
        assert_eq!((reply.status.as_u16(), &*reply.body), (401, blacklisted), "{path}");
    }
    let reply = post(&app, VERIFY, &json!({ "token": refresh })).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.body, r#"{"non_field_errors":["Token is blacklisted"]}"#);
}

#[tokio::test]
async fn verify_rejects_blacklisted_tokens_without_rotation() {
    let site = Site::with_blacklist_app().await;
    let app = site.app(&json!({}));
    let refresh = member(&log_in(&app).await, "refresh");
    assert_eq!(post(&app, BLACKLIST, &json!({ "refresh": refresh })).await.status, StatusCode::OK);
    let reply = post(&app, VERIFY, &json!({ "token": refresh })).await;
    assert_eq!(reply.status, StatusCode::BAD_REQUEST);
    assert_eq!(reply.body, r#"{"non_field_errors":["Token is blacklisted"]}"#);
    let reply = post(&app, REFRESH, &json!({ "refresh": refresh })).await;
    assert_eq!(member(&reply, "detail"), "Token is blacklisted");
}

#[tokio::test]
async fn blacklisting_has_no_effect_without_the_app() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    let refresh = member(&log_in(&app).await, "refresh");
    for _ in 0..2 {
        let reply = post(&app, BLACKLIST, &json!({ "refresh": refresh })).await;
        assert_eq!((reply.status, &*reply.body), (StatusCode::OK, "{}"));
    }
    assert_eq!(post(&app, REFRESH, &json!({ "refresh": refresh })).await.status, StatusCode::OK);
}

/// SimpleJWT responds with 500, or with 200 for sliding tokens.
#[tokio::test]
async fn deleted_and_inactive_users_get_no_tokens() {
    let site = Site::new().await;
    let future = &*(NOW + 10).to_string();
    let nobody = r#"{"detail":"No active account found for the given token."}"#;
    for (site, settings) in both_sites().await {
        let app = site.app(&settings);
        for user in ["\"2\"", "\"99\"", "\"abc\"", "\"1.5\"", "99", "2"] {
            let changes = [("user_id", user), ("refresh_exp", future)];
            let refresh = token("refresh", &changes);
            let reply = post(&app, REFRESH, &json!({ "refresh": refresh })).await;
            assert_eq!((reply.status.as_u16(), &*reply.body), (401, nobody), "{user}");
            let reply = post(&app, SLIDE, &json!({ "token": token("sliding", &changes) })).await;
            assert_eq!((reply.status.as_u16(), &*reply.body), (401, nobody), "{user}");
        }
    }
    let with_inactive = site.app(&json!({ "CHECK_USER_IS_ACTIVE": false }));
    let refresh = json!({ "refresh": token("refresh", &[("user_id", "\"2\"")]) });
    assert_eq!(post(&with_inactive, REFRESH, &refresh).await.status, StatusCode::OK);
}

#[tokio::test]
async fn refreshes_tokens_without_a_user() {
    for (site, settings) in both_sites().await {
        let app = site.app(&settings);
        let refresh = token("refresh", &[("user_id", "")]);
        let reply = post(&app, REFRESH, &json!({ "refresh": refresh })).await;
        assert_eq!(reply.status, StatusCode::OK);
        assert!(!payload(&member(&reply, "access")).contains("user_id"));
    }
}

#[tokio::test]
async fn failed_logins_are_indistinguishable() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    for path in ["/api/token/", "/api/token/sliding/"] {
        for (username, password) in [("ada", "wrong"), ("nobody", "x"), ("bob", "engine 42")] {
            let body = json!({ "username": username, "password": password });
            let reply = post(&app, path, &body).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
            let expected = r#"{"detail":"No active account found with the given credentials"}"#;
            assert_eq!(reply.body, expected);
        }
    }
}

#[tokio::test]
async fn sliding_tokens_can_be_refreshed_until_refresh_exp() {
    let site = Site::new().await;
    let app = site.app(&json!({ "LEEWAY": 10 }));
    let at = |secs: u64| secs.to_string();
    for (refresh_exp, expected) in [
        (String::new(), Some("Token has no 'refresh_exp' claim")),
        (at(NOW - 10), Some("Token 'refresh_exp' claim has expired")),
        (at(NOW - 9), None),
        ("null".to_owned(), Some("Token is invalid")),
        ("\"1800000000\"".to_owned(), Some("Token is invalid")),
        ("100000000000000000000".to_owned(), Some("Token is invalid")),
        ("1700000100.5".to_owned(), None),
    ] {
        let sliding = token("sliding", &[("refresh_exp", &refresh_exp)]);
        let reply = post(&app, SLIDE, &json!({ "token": sliding })).await;
        match expected {
            None => assert_eq!(reply.status, StatusCode::OK, "{refresh_exp}"),
            Some(detail) => assert_eq!(member(&reply, "detail"), detail, "{refresh_exp}"),
        }
    }
    // An expired token is not refreshed, whatever its `refresh_exp`.
    let expired = [("exp", &*at(NOW - 10)), ("refresh_exp", &*at(NOW + 100))];
    let reply = post(&app, SLIDE, &json!({ "token": token("sliding", &expired) })).await;
    assert_eq!(member(&reply, "detail"), "Token is expired");
}

#[tokio::test]
async fn verify_rejects_blacklisted_sliding_tokens() {
    let site = Site::with_blacklist_app().await;
    let jwt = site.builder(&json!({})).build().unwrap();
    let sliding = jwt.sliding_token_for(&site.user("1").await).await.unwrap();
    jwt.verify(&sliding).await.unwrap();
    site.blacklist_all().await;
    assert_eq!(jwt.verify(&sliding).await.unwrap_err().status(), StatusCode::BAD_REQUEST);
}

/// Runs `test` on a runtime whose only blocking thread is busy until the sender is dropped, with a
/// service that hashes one password at a time and has no queue.
fn with_busy_hasher<F: Future<Output = ()>>(
    test: impl FnOnce(Router, DjangoHasher, mpsc::Sender<()>) -> F,
) {
    let mut runtime = runtime::Builder::new_current_thread();
    let runtime = runtime.enable_all().max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let site = Site::new().await;
        let cheap = Format::Pbkdf2Sha256 { iterations: 1000 };
        let hasher = DjangoHasher::builder().formats([cheap]).max_concurrent(1).max_waiting(0);
        let hasher = hasher.build().unwrap();
        let jwt = site.builder_with_hasher(&json!({}), hasher.clone()).build().unwrap();
        let (release, released) = mpsc::channel();
        task::spawn_blocking(move || released.recv());
        test(app(&jwt), hasher, release).await;
    });
}

/// Otherwise the time would reveal which users exist and are active.
#[test]
fn failed_logins_hash_the_password() {
    with_busy_hasher(async |app, hasher, release| {
        let mut running = pin!(hasher.hash("x"));
        assert!(poll!(&mut running).is_pending());
        let failures = [("ada", "wrong"), ("nobody", "x"), ("bob", PASSWORD)]
            .map(|(username, password)| json!({ "username": username, "password": password }));
        for body in &failures {
            let reply = post(&app, "/api/token/", body).await;
            assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
            assert_eq!(reply.json()["code"], "overloaded");
        }
        drop(release);
        running.await.unwrap();
        for body in &failures {
            assert_eq!(post(&app, "/api/token/", body).await.status, StatusCode::UNAUTHORIZED);
        }
    });
}

#[test]
fn rejects_long_passwords_without_hashing() {
    with_busy_hasher(async |app, hasher, _release| {
        let mut running = pin!(hasher.hash("x"));
        assert!(poll!(&mut running).is_pending());
        let body = json!({ "username": "ada", "password": "x".repeat(1025) });
        assert_eq!(post(&app, "/api/token/", &body).await.status, StatusCode::UNAUTHORIZED);
    });
}
