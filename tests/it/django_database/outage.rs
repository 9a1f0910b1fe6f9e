//! A database that is unreachable, locked, or not created yet.

use std::time::{Duration, Instant};

use sqlx::{Connection, raw_sql};
use tower_jwt_auth::simplejwt::{DjangoDatabase, DjangoStore, DjangoUsers};

use crate::support::{postgres::Server, session::at};

use super::schema::{Fixture, token};

/// The deadline of every call, with a margin for a busy machine.
const DEADLINE: Duration = Duration::from_secs(4);

#[tokio::test]
async fn reads_fail_while_another_process_holds_the_write_lock() {
    let fixture = Fixture::sqlite().await;
    let store = fixture.store();
    store.outstand(&token("a", "7", 1000), at(1)).await.unwrap();
    let mut other = fixture.open_file().await;
    raw_sql("BEGIN IMMEDIATE").execute(&mut other).await.unwrap();

    // No write has failed yet, and reads succeed.
    assert!(!store.is_blacklisted("a").await.unwrap());
    let began = Instant::now();
    assert!(store.blacklist(&token("a", "7", 1000), at(1)).await.is_err());
    assert!(store.is_blacklisted("a").await.is_err());
    assert!(store.ping().await.is_err());
    assert!(began.elapsed() < 3 * DEADLINE, "{:?}", began.elapsed());

    raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
    assert!(!store.is_blacklisted("a").await.unwrap());
    assert!(store.blacklist(&token("a", "7", 1000), at(1)).await.unwrap());
    store.ping().await.unwrap();
}

/// Django writes at the same time.
#[tokio::test]
async fn waits_for_a_short_lock() {
    let fixture = Fixture::sqlite().await;
    let store = fixture.store();
    let mut other = fixture.open_file().await;
    raw_sql("BEGIN EXCLUSIVE").execute(&mut other).await.unwrap();
    let call = tokio::spawn(async move {
        store.rotate(&token("a", "7", 1000), &token("b", "7", 1000), at(1)).await
    });
    tokio::time::sleep(Duration::from_millis(200)).await;
    raw_sql("COMMIT").execute(&mut other).await.unwrap();
    assert!(call.await.unwrap().unwrap());
    other.close().await.unwrap();
}

#[tokio::test]
async fn does_not_create_a_missing_file() {
    let folder = crate::support::folder::Folder::new();
    let file = folder.path().join("db.sqlite3");
    let url = format!("sqlite://{}", file.display());
    let users = DjangoUsers::new(DjangoDatabase::connect_lazy(&url).unwrap());
    assert!(users.find("1").await.is_err());
    assert!(users.authenticate("ada", "x").await.is_err());
    assert!(DjangoStore::new(users.clone()).ping().await.is_err());
    assert!(!file.exists());
}

#[tokio::test]
async fn finds_tables_that_are_created_later() {
    let migrated = Fixture::sqlite().await;
    migrated.add_user(7, "ada", "!", true).await;
    let folder = crate::support::folder::Folder::new();
    let file = folder.path().join("db.sqlite3");
    std::fs::write(&file, "").unwrap();
    let url = format!("sqlite://{}", file.display());
    let users = DjangoUsers::new(DjangoDatabase::connect_lazy(&url).unwrap());
    assert!(users.find("7").await.is_err());
    std::fs::copy(migrated.file(), &file).unwrap();
    let found = users.find("7").await;
    assert_eq!(found.unwrap().unwrap().username(), "ada");
}

#[tokio::test]
async fn reports_a_server_that_hangs_or_is_down_in_time() {
    let Some(server) = Server::start() else { return };
    let database = DjangoDatabase::connect_lazy(&server.url()).unwrap();
    database.ping().await.unwrap();
    let store = DjangoStore::new(DjangoUsers::new(database.clone()));
    for signal in ["-STOP", "-KILL"] {
        if signal == "-STOP" {
            server.signal("-STOP");
        } else {
            server.kill();
        }
        let began = Instant::now();
        assert!(database.ping().await.is_err());
        assert!(store.is_blacklisted("a").await.is_err());
        assert!(began.elapsed() < 2 * DEADLINE, "{signal} {:?}", began.elapsed());
        if signal == "-STOP" {
            server.signal("-CONT");
        } else {
            server.run();
        }
        database.ping().await.unwrap();
    }
}

#[tokio::test]
async fn ping_reports_a_read_only_database() {
    let Some(fixture) = Fixture::postgres().await else { return };
    let url = format!("{}&options[default_transaction_read_only]=on", fixture.url());
    let database = DjangoDatabase::connect_lazy(&url).unwrap();
    assert!(database.ping().await.is_err());
}
