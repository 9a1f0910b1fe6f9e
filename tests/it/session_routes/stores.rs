//! A session in a browser, on each store.

use axum::Router;
use futures::future::join_all;
use serde_json::json;
use tower_jwt_auth::{
    routes::SessionRoutes,
    store::{MemoryStore, PostgresStore, SqliteStore, TokenStore},
};

use crate::support::{
    folder::Folder,
    login::{MINUTE, Setup},
    postgres, redis,
};

use super::{
    browser::{ACCESS, Browser, REFRESH},
    cookies, outcome, rejected,
};

#[tokio::test]
async fn a_session_in_memory() {
    a_session(MemoryStore::new()).await;
}

#[tokio::test]
async fn a_session_on_sqlite() {
    let folder = Folder::new();
    let url = format!("sqlite:{}/sessions.db", folder.path().display());
    a_session(SqliteStore::connect_lazy(&url).unwrap()).await;
}

#[tokio::test]
async fn a_session_on_postgres() {
    if let Some(server) = postgres::Server::start() {
        a_session(PostgresStore::connect_lazy(&server.url()).unwrap()).await;
    }
}

#[tokio::test]
async fn a_session_on_redis() {
    if redis::is_installed() {
        let server = redis::RedisServer::start(&[]);
        a_session(server.store()).await;
    }
}

async fn a_session(store: impl TokenStore) {
    let setup = Setup::new();
    let builder = setup.plain_builder().store(store).rotate_refresh_tokens(true);
    // Stores that forget by themselves read the time of the system.
    let issuer = builder.clock(tower_jwt_auth::Clock::system()).reuse_grace(MINUTE);
    let issuer = issuer.build().unwrap();
    let routes = SessionRoutes::builder(issuer.clone(), setup.users.clone(), &cookies());
    let app: Router = routes.at("/api/session").build().unwrap().into_router();

    let mut browser = Browser::logged_in(&app).await;
    let mut phone = Browser::logged_in(&app).await;
    let stolen = browser.clone();
    let tabs = (0..20).map(|_| {
        let (mut tab, app) = (browser.clone(), app.clone());
        async move {
            assert_eq!(tab.send(&app, "POST /api/session/refresh").await.status, 200);
            tab
        }
    });
    for mut tab in join_all(tabs).await {
        assert!(tab.is_logged_in(&app).await);
        assert_eq!(tab.send(&app, "POST /api/session/refresh").await.status, 200);
        browser = tab;
    }
    // Two rotations ago, so the grace is over.
    let reply = stolen.clone().send(&app, "POST /api/session/refresh").await;
    assert_eq!(outcome(&reply), rejected(401, "token_revoked"));
    let reply = browser.send(&app, "POST /api/session/refresh").await;
    assert_eq!(outcome(&reply), rejected(401, "token_revoked"));
    assert_eq!(browser.cookies.len(), 0);

    assert_eq!(browser.log_in(&app, "1").await.status, 200);
    let list = phone.send(&app, "GET /api/session/sessions").await.json();
    let list = list.as_array().unwrap();
    assert_eq!(list.len(), 2);
    let other = list.iter().find(|session| session["current"] == false).unwrap();
    let path = format!("/api/session/sessions/{}", other["id"].as_str().unwrap());
    let label = json!({"label": "Ada's desk"});
    assert_eq!(phone.send_json(&app, &format!("PATCH {path}"), &label).await.status, 204);
    let list = browser.send(&app, "GET /api/session/sessions").await.json();
    let labels: Vec<_> = list.as_array().unwrap().iter().map(|it| &it["label"]).collect();
    assert!(labels.contains(&&json!("Ada's desk")), "{labels:?}");

    let body = json!({"path": "/api/export"});
    let reply = browser.send_json(&app, "POST /api/session/ticket", &body).await;
    let ticket = reply.json()["ticket"].as_str().unwrap().to_owned();
    assert!(issuer.redeem_ticket(&ticket, "/api/export").await.is_ok());
    assert!(issuer.redeem_ticket(&ticket, "/api/export").await.is_err());

    assert_eq!(phone.send(&app, &format!("DELETE {path}")).await.status, 204);
    assert_eq!(phone.send(&app, &format!("DELETE {path}")).await.status, 404);
    assert!(!browser.is_logged_in(&app).await && phone.is_logged_in(&app).await);
    let before = phone.clone();
    assert_eq!(phone.send(&app, "DELETE /api/session/").await.status, 204);
    assert!(!before.is_logged_in(&app).await);
    assert!(!phone.cookies.contains_key(ACCESS) && !phone.cookies.contains_key(REFRESH));
    assert_eq!(phone.send(&app, "DELETE /api/session/").await.status, 204);
    assert_eq!(browser.send(&app, "DELETE /api/session/").await.status, 204);

    assert_eq!(browser.log_in(&app, "1").await.status, 200);
    let before = browser.clone();
    assert_eq!(browser.send(&app, "POST /api/session/logout-all").await.status, 200);
    assert!(!before.is_logged_in(&app).await);
    assert_eq!(browser.log_in(&app, "1").await.status, 200);
    assert!(browser.is_logged_in(&app).await);
}
