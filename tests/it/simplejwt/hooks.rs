//! The application's own claims, rules, hooks and routes.

use std::sync::{Arc, Mutex};

use axum::{Json, Router, routing::post as post_to};
use http::StatusCode;
use serde::Serialize;
use serde_json::{Value, json};
use tower_jwt_auth::{
    simplejwt::{SimpleJwt, SimpleJwtError},
    user::BackendError,
};

use crate::support::recorded::Recorded;

use super::setup::{
    BLACKLIST, PASSWORD, REFRESH, SLIDING, Site, app, log_in, member, payload, post, rotating,
    token,
};

#[derive(Serialize)]
struct Name {
    name: String,
    groups: Vec<&'static str>,
}

#[tokio::test]
async fn copies_claims_from_refresh_tokens_into_access_tokens() {
    let site = Site::with_blacklist_app().await;
    let jwt = site.builder(&rotating()).token_claims(|user| async move {
        Ok(Name { name: user.username().to_uppercase(), groups: vec!["b", "a"] })
    });
    let app = app(&jwt.build().unwrap());
    let tail = r#","user_id":"1","name":"ADA","groups":["b","a"]}"#;
    let tokens = log_in(&app).await;
    for name in ["refresh", "access"] {
        assert!(payload(&member(&tokens, name)).ends_with(tail));
    }
    let body = json!({ "username": "ada", "password": PASSWORD });
    let sliding = member(&post(&app, SLIDING, &body).await, "token");
    assert!(payload(&sliding).ends_with(tail));
    // A refresh copies them, as SimpleJWT does.
    site.run("UPDATE auth_user SET username = 'eve' WHERE id = 1").await;
    let refresh = json!({ "refresh": member(&tokens, "refresh") });
    let rotated = post(&app, REFRESH, &refresh).await;
    for name in ["refresh", "access"] {
        assert!(payload(&member(&rotated, name)).ends_with(tail));
    }
}

#[tokio::test]
async fn rejects_reserved_claims() {
    let site = Site::new().await;
    for name in
        ["user_id", "exp", "jti", "token_type", "iss", "aud", "refresh_exp", "hash_password"]
    {
        let jwt = site
            .builder(&json!({}))
            .token_claims(move |_| async move { Ok::<Value, BackendError>(json!({ name: "2" })) });
        let user = site.user("1").await;
        let error = jwt.build().unwrap().tokens_for(&user).await.unwrap_err();
        assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR, "{name}");
    }
}

/// No verifier would accept such a token.
#[tokio::test]
async fn a_login_fails_if_its_token_would_be_too_long() {
    let site = Site::new().await;
    for (len, is_accepted) in [(4_000, true), (8_000, false)] {
        let jwt = site.builder(&json!({})).token_claims(move |_| async move {
            Ok::<Value, BackendError>(json!({ "name": "x".repeat(len) }))
        });
        let tokens = jwt.build().unwrap().tokens_for(&site.user("1").await).await;
        assert_eq!(tokens.is_ok(), is_accepted, "{len}");
    }
}

#[tokio::test]
async fn a_login_fails_if_its_claims_are_unavailable() {
    let site = Site::new().await;
    let jwt = site.builder(&json!({})).token_claims(|_| async {
        Err::<Value, _>(BackendError::unavailable("the directory is away"))
    });
    let app = app(&jwt.build().unwrap());
    let reply = post(&app, "/api/token/", &json!({"username": "ada", "password": PASSWORD})).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn calls_hooks_after_logins() {
    let site = Site::new().await;
    let log = Arc::new(Mutex::new(Vec::new()));
    let (succeeded, failed) = (Arc::clone(&log), Arc::clone(&log));
    let jwt = site
        .builder(&json!({}))
        .on_login_success(move |user| {
            succeeded.lock().unwrap().push(format!("{} is in", user.username()));
        })
        .on_login_failed(move |username| {
            failed.lock().unwrap().push(format!("{username} is not"));
        });
    let app = app(&jwt.build().unwrap());
    log_in(&app).await;
    for (username, password) in [("ada", "wrong"), ("bob", PASSWORD)] {
        post(&app, SLIDING, &json!({ "username": username, "password": password })).await;
    }
    assert_eq!(*log.lock().unwrap(), ["ada is in", "ada is not", "bob is not"]);
}

#[tokio::test]
async fn the_user_rule_applies_to_logins_and_refreshes() {
    let site = Site::new().await;
    let jwt = site.builder(&json!({})).user_rule(|user| user.username() != "ada");
    let app = app(&jwt.build().unwrap());
    let reply = post(&app, "/api/token/", &json!({"username": "ada", "password": PASSWORD})).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    let reply = post(&app, REFRESH, &json!({ "refresh": token("refresh", &[]) })).await;
    assert_eq!(member(&reply, "detail"), "No active account found for the given token.");
}

#[tokio::test]
async fn adds_members_to_responses() {
    let site = Site::new().await;
    let jwt = site.builder(&json!({})).response_extras(|user| {
        let mut extras = serde_json::Map::new();
        extras.insert("username".to_owned(), user.username().into());
        extras.insert("access".to_owned(), "none".into());
        extras
    });
    let tokens = log_in(&app(&jwt.build().unwrap())).await;
    assert_eq!(member(&tokens, "username"), "ada");
    assert!(member(&tokens, "access").starts_with("eyJ"), "extras do not replace tokens");
}

#[tokio::test]
async fn custom_routes_return_simplejwts_errors() {
    async fn log_in_by_code(jwt: SimpleJwt, code: String) -> Result<Json<Value>, SimpleJwtError> {
        let tokens = jwt.log_in("ada", &code).await?;
        jwt.verify(&tokens.access).await?;
        let refreshed = jwt.refresh(&tokens.refresh).await?;
        Ok(Json(json!({ "access": refreshed.access, "refresh": refreshed.refresh })))
    }

    let site = Site::with_blacklist_app().await;
    let jwt = site.builder(&rotating()).build().unwrap();
    let route = post_to(move |code: String| log_in_by_code(jwt.clone(), code));
    let app: Router = Router::new().route("/", route);
    let request = |code: &str| http::Request::post("/").body(code.to_owned().into()).unwrap();
    let reply = super::setup::send(&app, request(PASSWORD)).await;
    assert!(reply.json()["refresh"].is_string(), "{reply:?}");
    let reply = super::setup::send(&app, request("wrong")).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
    assert_eq!(reply.header("www-authenticate"), [r#"Bearer realm="api""#]);
}

/// As in a project's `urls.py`.
#[tokio::test]
async fn serves_views_at_any_path() {
    let site = Site::new().await;
    let views = site.builder(&json!({})).build().unwrap().views().unwrap();
    let app: Router = Router::new().route("/auth/jwt/create/", views.token_obtain_pair());
    let body = json!({"username": "ada", "password": PASSWORD});
    assert_eq!(post(&app, "/auth/jwt/create/", &body).await.status, StatusCode::OK);
    let _: Router = views.router("").unwrap();
    for base in ["api", "/{id}", "/api token"] {
        views.router::<()>(base).unwrap_err();
    }
}

#[tokio::test]
async fn counts_logins_refreshes_and_revocations() {
    let site = Site::with_blacklist_app().await;
    let app = app(&site.builder(&rotating()).build().unwrap());
    let recorded = Recorded::start();
    let tokens = log_in(&app).await;
    let refresh = json!({ "refresh": member(&tokens, "refresh") });
    let rotated = post(&app, REFRESH, &refresh).await;
    post(&app, BLACKLIST, &json!({ "refresh": member(&rotated, "refresh") })).await;
    post(&app, "/api/token/", &json!({ "username": "ada", "password": "wrong" })).await;
    let all = recorded.take();
    for name in [
        r#"jwt_auth_logins_total{outcome="succeeded"}"#,
        r#"jwt_auth_logins_total{outcome="failed"}"#,
        r#"jwt_auth_refreshes_total{outcome="rotated"}"#,
        r#"jwt_auth_revocations_total{revoked="token"}"#,
        r#"jwt_auth_rejections_total{kind="invalid_credentials"}"#,
    ] {
        assert_eq!(all.get(name), Some(&1.0), "{name}: {all:?}");
    }
}
