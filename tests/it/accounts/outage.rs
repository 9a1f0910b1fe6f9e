//! Databases that are down.

use std::time::{Duration, Instant};

use axum::Router;
use serde_json::{Value, json};
use tower_jwt_auth::{
    Issuer, SigningKey,
    accounts::AccountRoutes,
    store::PostgresStore,
    user::{AccountBackend, SqlDatabase, SqlUsers},
};

use crate::{
    support::{
        flaky::{FlakyStore, StoreFailure},
        login::SECRET,
        postgres::Server,
    },
    users::database::{Database, hasher, on_both_databases},
};

use super::{
    setup::{Outbox, Setup, call, new_user, sign_up},
    verify_email::verify,
};

on_both_databases! {
    nothing_is_stored_or_sent_while_the_session_store_is_down
}

async fn assert_unavailable(app: &Router, path: &str, body: &Value) {
    let began = Instant::now();
    let reply = call(app, path, body).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (503, &json!("unavailable")));
    assert_eq!(reply.header("retry-after"), ["1"]);
    assert!(began.elapsed() < Duration::from_secs(5), "{path} {:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_stores_nothing_and_spends_no_token() {
    let setup = Setup::new(Database::file());
    let app = setup.app_with(setup.routes().tokens_at_sign_up(true));
    let token = sign_up(&setup, &app, "ada").await;
    let mut lock = setup.database.open_file().await;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut lock).await.unwrap();
    let mut body = new_user("bob");
    body["tokens"] = json!(true);
    assert_unavailable(&app, "/users/", &body).await;
    assert_unavailable(&app, "/users/verify", &json!({ "token": token })).await;
    sqlx::raw_sql("ROLLBACK").execute(&mut lock).await.unwrap();
    assert!(setup.users.account_by_username("bob").await.unwrap().is_none());
    assert!(!setup.account("ada").await.is_verified());
    assert_eq!(verify(&app, &token).await.status, 204);
    sign_up(&setup, &app, "bob").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_server_stores_nothing_and_spends_no_token() {
    let Some(server) = Server::start() else { return };
    let users = SqlUsers::builder(SqlDatabase::connect_lazy(&server.url()).unwrap(), hasher());
    let users = users.build().unwrap();
    let issuer: Issuer = Issuer::builder(SigningKey::hs256(SECRET).unwrap())
        .store(PostgresStore::connect_lazy(&server.url()).unwrap())
        .build()
        .unwrap();
    let outbox = Outbox::new();
    for safe in [false, true] {
        let app = AccountRoutes::builder(issuer.clone(), users.clone(), outbox.clone())
            .at("/api")
            .enumeration_safe(safe)
            .build()
            .unwrap()
            .into_router();
        let [first, second] = if safe { ["eve", "dan"] } else { ["ada", "bob"] };
        assert!(call(&app, "/users/", &new_user(first)).await.status.is_success());
        let token = outbox.next().await.token().unwrap().to_owned();
        server.kill();
        assert_unavailable(&app, "/users/", &new_user(second)).await;
        assert_unavailable(&app, "/users/verify", &json!({ "token": token })).await;
        let body = json!({ "email": format!("{first}@example.com") });
        assert_unavailable(&app, "/users/verify/resend", &body).await;
        server.run();
        assert_eq!(verify(&app, &token).await.status, 204);
        assert!(users.account_by_username(second).await.unwrap().is_none());
        assert!(call(&app, "/users/", &new_user(second)).await.status.is_success());
        assert_eq!(outbox.next().await.to(), format!("{second}@example.com"));
    }
}

async fn nothing_is_stored_or_sent_while_the_session_store_is_down(database: Database) {
    let setup = Setup::new(database);
    let store = FlakyStore::default();
    let issuer = Issuer::builder(SigningKey::hs256(SECRET).unwrap()).store(store.clone());
    let setup = Setup { issuer: issuer.build().unwrap(), ..setup };
    for safe in [false, true] {
        let name = if safe { "ada" } else { "bob" };
        let app = setup.app_with(setup.routes().enumeration_safe(safe));
        let token = sign_up(&setup, &app, name).await;
        store.set_failure(StoreFailure::Errors);
        assert_unavailable(&app, "/users/", &new_user("eve")).await;
        assert_unavailable(&app, "/users/verify", &json!({ "token": token })).await;
        let body = json!({ "email": format!("{name}@example.com") });
        assert_unavailable(&app, "/users/verify/resend", &body).await;
        store.set_failure(StoreFailure::None);
        assert!(setup.users.account_by_username("eve").await.unwrap().is_none());
        assert!(!setup.account(name).await.is_verified());
        assert_eq!(verify(&app, &token).await.status, 204);
    }
    sign_up(&setup, &setup.app(), "last").await;
}
