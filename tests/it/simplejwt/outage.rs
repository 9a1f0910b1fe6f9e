//! While the database or the keys are unavailable.

use axum::{Router, routing::get};
use http::StatusCode;
use serde_json::json;
use tower_jwt_auth::{Algorithm, jwks::RemoteKeys};

use crate::support::{
    keys,
    mint::{Minter, NOW},
};

use super::setup::{
    BLACKLIST, HELLO, PASSWORD, REFRESH, SLIDE, STATELESS, Site, VERIFY, get_bearer, post,
    rotating, token,
};

#[tokio::test]
async fn issues_and_accepts_nothing_without_the_database() {
    let site = Site::with_blacklist_app().await;
    let app = site.app(&rotating());
    site.run("ALTER TABLE auth_user RENAME TO away").await;
    site.run("ALTER TABLE token_blacklist_blacklistedtoken RENAME TO away_too").await;
    let future = &*(NOW + 10).to_string();
    let sliding = token("sliding", &[("refresh_exp", future)]);
    for (path, body) in [
        ("/api/token/", json!({ "username": "ada", "password": PASSWORD })),
        ("/api/token/sliding/", json!({ "username": "ada", "password": PASSWORD })),
        (REFRESH, json!({ "refresh": token("refresh", &[]) })),
        (BLACKLIST, json!({ "refresh": token("refresh", &[]) })),
        (VERIFY, json!({ "token": token("refresh", &[]) })),
        (SLIDE, json!({ "token": sliding })),
    ] {
        let reply = post(&app, path, &body).await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{path}: {reply:?}");
        assert_eq!(reply.json()["code"], "unavailable");
        assert!(!reply.body.contains("eyJ"));
    }
    let access = token("access", &[]);
    assert_eq!(get_bearer(&app, HELLO, &access).await.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(get_bearer(&app, STATELESS, &access).await.status, StatusCode::OK);
    // This needs no database.
    assert_eq!(get_bearer(&app, HELLO, "x").await.status, StatusCode::UNAUTHORIZED);

    site.run("ALTER TABLE away RENAME TO auth_user").await;
    site.run("ALTER TABLE away_too RENAME TO token_blacklist_blacklistedtoken").await;
    assert_eq!(get_bearer(&app, HELLO, &access).await.body, "ada");
    let refresh = json!({ "refresh": token("refresh", &[]) });
    assert_eq!(post(&app, REFRESH, &refresh).await.status, StatusCode::OK, "it is still valid");
}

#[tokio::test]
async fn tokens_are_not_invalid_while_keys_are_unavailable() {
    let site = Site::new().await;
    let unreachable = RemoteKeys::from_url("http://127.0.0.1:1/keys").insecure_loopback_http();
    let jwt = site.builder(&json!({ "ALGORITHM": "ES256" })).keys(unreachable.build().unwrap());
    let jwt = jwt.build().unwrap();
    let app = Router::new().route(STATELESS, get(async || "in").layer(jwt.stateless_layer()));
    let claims = format!(r#"{{"token_type":"access","exp":{},"jti":"a","user_id":"1"}}"#, NOW + 9);
    let token = Minter::new(Algorithm::ES256, keys::P256.as_bytes()).token(claims);
    let reply = get_bearer(&app, STATELESS, &token).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(jwt.verify(&token).await.unwrap_err().status(), StatusCode::SERVICE_UNAVAILABLE);
}
