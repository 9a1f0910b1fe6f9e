//! Databases that do not match the configuration.

use std::error::Error;

use http::StatusCode;
use serde_json::json;
use tower_jwt_auth::simplejwt::SimpleJwtError;

use super::setup::{
    BLACKLIST, BLACKLIST_TABLES, HELLO, PASSWORD, REFRESH, STATELESS, Site, VERIFY, app,
    get_bearer, post, token,
};

/// The message of the innermost source.
fn root_cause(error: &SimpleJwtError) -> String {
    let mut error: &dyn Error = error;
    while let Some(source) = error.source() {
        error = source;
    }
    error.to_string()
}

/// A token that Django has blacklisted must not be accepted because a setting was forgotten.
#[tokio::test]
async fn rejects_blacklist_tables_that_are_not_used() {
    let site = Site::new().await;
    site.run(BLACKLIST_TABLES).await;
    let jwt = site.builder(&json!({})).build().unwrap();
    let error = jwt.check_database().await.unwrap_err();
    assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(root_cause(&error).starts_with("the table token_blacklist_outstandingtoken exists"));

    let app = app(&jwt);
    let refresh = json!({ "refresh": token("refresh", &[]) });
    for (path, body) in [
        (REFRESH, &refresh),
        (BLACKLIST, &refresh),
        (VERIFY, &json!({ "token": token("refresh", &[]) })),
        ("/api/token/", &json!({ "username": "ada", "password": PASSWORD })),
    ] {
        let reply = post(&app, path, body).await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE, "{path} {reply:?}");
    }
    let access = token("access", &[]);
    assert_eq!(get_bearer(&app, HELLO, &access).await.status, StatusCode::SERVICE_UNAVAILABLE);

    let sliding = json!({ "AUTH_TOKEN_CLASSES": "rest_framework_simplejwt.tokens.SlidingToken" });
    let reply = get_bearer(&site.app(&sliding), STATELESS, &token("sliding", &[])).await;
    assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);

    site.run("DROP TABLE token_blacklist_blacklistedtoken").await;
    assert!(jwt.check_database().await.is_err(), "one table is left");
    site.run("DROP TABLE token_blacklist_outstandingtoken").await;
    jwt.check_database().await.unwrap();
    assert_eq!(get_bearer(&app, HELLO, &access).await.status, StatusCode::OK);
}

#[tokio::test]
async fn rejects_missing_blacklist_tables() {
    let site = Site::with_blacklist_app().await;
    site.run("ALTER TABLE token_blacklist_blacklistedtoken RENAME TO renamed").await;
    let jwt = site.builder(&json!({})).build().unwrap();
    let error = jwt.check_database().await.unwrap_err();
    assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(root_cause(&error).contains("token_blacklist_blacklistedtoken does not exist"));
    site.run("ALTER TABLE renamed RENAME TO token_blacklist_blacklistedtoken").await;
    jwt.check_database().await.unwrap();
}

#[tokio::test]
async fn names_missing_columns() {
    let site = Site::new().await;
    site.run("ALTER TABLE auth_user RENAME COLUMN username TO login").await;
    let error = site.builder(&json!({})).build().unwrap().check_database().await.unwrap_err();
    assert_eq!(error.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(root_cause(&error), r#"the table of users has no column "username""#);
}
