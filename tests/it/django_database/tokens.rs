//! The tables of outstanding and blacklisted tokens.

use std::time::Duration;

use futures::future::join_all;

use tower_jwt_auth::{
    simplejwt::{DjangoDatabase, DjangoStore, DjangoUsers, Outstanding},
    store::StoreErrorKind,
};

use crate::support::session::at;

use super::schema::{Fixture, on_both, token};

on_both! {
    records_tokens_as_django_does,
    blacklists_a_token_once,
    extends_the_expiry_of_djangos_rows,
    one_of_many_concurrent_rotations_wins,
    rotating_a_blacklisted_token_changes_nothing,
    a_rotation_can_be_repeated,
    sliding_extends_the_expiry,
    rejects_ids_that_do_not_fit,
    does_not_store_the_token,
    adds_nothing_to_the_schema,
}

const OUTSTANDING: &str = "token_blacklist_outstandingtoken";
const BLACKLISTED: &str = "token_blacklist_blacklistedtoken";

async fn count(fixture: &Fixture, table: &str) -> String {
    fixture.text(&format!("SELECT CAST(count(*) AS text) FROM {table}")).await
}

async fn times(fixture: &Fixture, table: &str, column: &str) -> Vec<Option<String>> {
    let seconds = fixture.seconds(column);
    fixture.texts(&format!("SELECT {seconds} FROM {table} ORDER BY id")).await
}

async fn records_tokens_as_django_does(fixture: &Fixture) {
    fixture.add_user(7, "ada", "!", true).await;
    let store = fixture.store().with_leeway(Duration::from_secs(60));
    store.outstand(&token("a", "7", 2_000_000_000), at(1_795_720_378)).await.unwrap();
    store.outstand(&token("b", "8", 2_000_000_000), at(1_795_720_378)).await.unwrap();
    let without = Outstanding { user_id: None, ..token("c", "", 0) };
    store.outstand(&without, at(1_795_720_378)).await.unwrap();

    let users = fixture
        .texts(&format!("SELECT CAST(user_id AS text) FROM {OUTSTANDING} ORDER BY id"))
        .await;
    assert_eq!(users, [Some("7".to_owned()), None, None]);
    let created = times(fixture, OUTSTANDING, "created_at").await;
    assert!(created.iter().all(|time| time.as_deref() == Some("1795720378")), "{created:?}");
    // Includes the leeway, so that Django's flush does not make a token valid again.
    let expires = times(fixture, OUTSTANDING, "expires_at").await;
    assert_eq!(expires[0].as_deref(), Some("2000000060"));
    if let Fixture::Sqlite(_) = fixture {
        let sql = format!("SELECT created_at FROM {OUTSTANDING} WHERE jti = 'a'");
        assert_eq!(fixture.text(&sql).await, "2026-11-26 19:12:58");
    }
    assert_eq!(count(fixture, BLACKLISTED).await, "0");
    assert!(!store.is_blacklisted("a").await.unwrap());
}

async fn blacklists_a_token_once(fixture: &Fixture) {
    fixture.add_user(7, "ada", "!", true).await;
    let store = fixture.store();
    store.outstand(&token("known", "7", 1000), at(1)).await.unwrap();
    for jti in ["known", "unknown"] {
        assert!(!store.is_blacklisted(jti).await.unwrap());
        assert!(store.blacklist(&token(jti, "7", 1000), at(2)).await.unwrap());
        assert!(store.is_blacklisted(jti).await.unwrap());
        assert!(!store.blacklist(&token(jti, "7", 1000), at(3)).await.unwrap());
    }
    assert!(!store.is_blacklisted("other").await.unwrap());
    assert_eq!(count(fixture, OUTSTANDING).await, "2");
    let blacklisted_at = times(fixture, BLACKLISTED, "blacklisted_at").await;
    assert_eq!(blacklisted_at, [Some("2".to_owned()), Some("2".to_owned())]);

    let calls = (0..20).map(|_| {
        let store = store.clone();
        async move { store.blacklist(&token("raced", "7", 1000), at(4)).await.unwrap() }
    });
    let new = join_all(calls).await.into_iter().filter(|new| *new).count();
    assert_eq!(new, 1);
}

/// Django's rows do not include the leeway.
async fn extends_the_expiry_of_djangos_rows(fixture: &Fixture) {
    let expires_at = match fixture {
        Fixture::Sqlite(_) => "'1970-01-01 00:16:40'",
        Fixture::Postgres(..) => "to_timestamp(1000)",
    };
    fixture
        .execute(&format!(
            "INSERT INTO {OUTSTANDING} (jti, token, expires_at) VALUES ('a', 'x', {expires_at})"
        ))
        .await;
    let store = fixture.store().with_leeway(Duration::from_secs(30));
    assert!(store.blacklist(&token("a", "7", 1000), at(2)).await.unwrap());
    assert_eq!(times(fixture, OUTSTANDING, "expires_at").await, [Some("1030".to_owned())]);
    // Never shortened.
    store.blacklist(&token("a", "7", 500), at(2)).await.unwrap();
    assert_eq!(times(fixture, OUTSTANDING, "expires_at").await, [Some("1030".to_owned())]);
    assert_eq!(fixture.text(&format!("SELECT token FROM {OUTSTANDING}")).await, "x");
}

async fn one_of_many_concurrent_rotations_wins(fixture: &Fixture) {
    fixture.add_user(7, "ada", "!", true).await;
    let copies: Vec<_> = (0..4).map(|_| fixture.store()).collect();
    let mut newest = "first".to_owned();
    for round in 0..10 {
        let calls = (0..16).map(|number| {
            let (store, old) = (copies[number % copies.len()].clone(), newest.clone());
            async move {
                let successor = format!("{round}-{number}");
                let (old, new) = (token(&old, "7", 1000), token(&successor, "7", 2000));
                let won = store.rotate(&old, &new, at(5)).await.unwrap();
                won.then_some(successor)
            }
        });
        let winners: Vec<_> = join_all(calls).await.into_iter().flatten().collect();
        assert_eq!(winners.len(), 1, "{winners:?}");
        assert!(copies[0].is_blacklisted(&newest).await.unwrap());
        newest.clone_from(&winners[0]);
        assert!(!copies[0].is_blacklisted(&newest).await.unwrap());
    }
    assert_eq!(count(fixture, OUTSTANDING).await, "11");
    assert_eq!(count(fixture, BLACKLISTED).await, "10");
}

async fn rotating_a_blacklisted_token_changes_nothing(fixture: &Fixture) {
    let store = fixture.store();
    store.blacklist(&token("old", "7", 1000), at(1)).await.unwrap();
    let won = store.rotate(&token("old", "7", 1000), &token("new", "7", 2000), at(2)).await;
    assert!(!won.unwrap());
    assert_eq!(count(fixture, OUTSTANDING).await, "1");
    assert_eq!(times(fixture, BLACKLISTED, "blacklisted_at").await, [Some("1".to_owned())]);
}

/// The response may be lost with the connection, which only happens with PostgreSQL.
async fn a_rotation_can_be_repeated(fixture: &Fixture) {
    let store = fixture.store();
    let rotate = || async {
        store.rotate(&token("old", "7", 1000), &token("new", "7", 2000), at(2)).await.unwrap()
    };
    assert!(rotate().await);
    assert_eq!(rotate().await, matches!(fixture, Fixture::Postgres(..)));
    let other = store.rotate(&token("old", "7", 1000), &token("other", "7", 2000), at(2)).await;
    assert!(!other.unwrap());
}

async fn sliding_extends_the_expiry(fixture: &Fixture) {
    let store = fixture.store().with_leeway(Duration::from_secs(10));
    store.outstand(&token("a", "7", 1000), at(1)).await.unwrap();
    assert!(store.slide(&token("a", "7", 1500), at(2)).await.unwrap());
    assert!(store.slide(&token("a", "7", 1200), at(3)).await.unwrap());
    // A token from before the app was installed.
    assert!(store.slide(&token("b", "7", 1500), at(2)).await.unwrap());
    let expected = [Some("1510".to_owned()), Some("1510".to_owned())];
    assert_eq!(times(fixture, OUTSTANDING, "expires_at").await, expected);
    store.blacklist(&token("a", "7", 1500), at(4)).await.unwrap();
    assert!(!store.slide(&token("a", "7", 1600), at(5)).await.unwrap());
}

async fn rejects_ids_that_do_not_fit(fixture: &Fixture) {
    let store = fixture.store();
    let long = "é".repeat(255);
    assert!(store.blacklist(&token(&long, "7", 1000), at(1)).await.unwrap());
    assert!(store.is_blacklisted(&long).await.unwrap());
    for jti in [&*"x".repeat(256), "\0", "a\0b"] {
        assert!(store.is_blacklisted(jti).await.unwrap());
        let error = store.outstand(&token(jti, "7", 1000), at(1)).await.unwrap_err();
        assert_eq!(error.kind(), StoreErrorKind::InvalidInput);
        assert!(store.blacklist(&token(jti, "7", 1000), at(1)).await.is_err());
        assert!(store.slide(&token(jti, "7", 1000), at(1)).await.is_err());
        assert!(store.rotate(&token(jti, "7", 1), &token("n", "7", 2), at(1)).await.is_err());
        assert!(store.rotate(&token("n", "7", 1), &token(jti, "7", 2), at(1)).await.is_err());
    }
    for user_id in ["", "x", "99999999999999999999", "\0", "7 OR 1=1"] {
        store.outstand(&token(&format!("of {user_id:?}"), user_id, 1000), at(1)).await.unwrap();
    }
    let owned = format!("SELECT CAST(count(user_id) AS text) FROM {OUTSTANDING}");
    assert_eq!(fixture.text(&owned).await, "0");
}

async fn does_not_store_the_token(fixture: &Fixture) {
    let store = fixture.store();
    store.outstand(&token("a", "7", 1000), at(1)).await.unwrap();
    store.blacklist(&token("b", "7", 1000), at(1)).await.unwrap();
    store.rotate(&token("c", "7", 1000), &token("d", "7", 1000), at(1)).await.unwrap();
    store.slide(&token("e", "7", 1000), at(1)).await.unwrap();
    let stored = fixture.texts(&format!("SELECT token FROM {OUTSTANDING}")).await;
    assert_eq!(stored.len(), 5);
    assert!(stored.iter().all(|token| token.as_deref() == Some("not stored")), "{stored:?}");
}

async fn adds_nothing_to_the_schema(fixture: &Fixture) {
    let sql = match fixture {
        Fixture::Sqlite(_) => {
            "SELECT sql FROM sqlite_master UNION ALL
            SELECT journal_mode FROM pragma_journal_mode ORDER BY 1"
        }
        Fixture::Postgres(..) => {
            "SELECT c.relname::text || a.attname FROM pg_class c
            JOIN pg_attribute a ON a.attrelid = c.oid
            WHERE c.relnamespace = current_schema()::regnamespace ORDER BY 1"
        }
    };
    let before = fixture.texts(sql).await;
    let store = fixture.store();
    store.ping().await.unwrap();
    store.outstand(&token("a", "7", 1000), at(1)).await.unwrap();
    store.rotate(&token("a", "7", 1000), &token("b", "7", 1000), at(1)).await.unwrap();
    store.purge(at(5000), 100).await.unwrap();
    assert_eq!(fixture.texts(sql).await, before);
    if let Fixture::Sqlite(folder) = fixture {
        assert!(before.iter().any(|row| row.as_deref() == Some("delete")), "{before:?}");
        let files = std::fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 1);
    }
}

/// The server logs the plans of the calls' statements.
#[tokio::test]
async fn no_statement_reads_a_whole_table() {
    let Some(fixture) = Fixture::postgres().await else { return };
    let Fixture::Postgres(server, _) = &fixture else { return };
    fixture.add_user(7, "ada", "!", true).await;
    let url = format!(
        "{}&options[session_preload_libraries]=auto_explain&options[enable_seqscan]=off\
         &options[auto_explain.log_min_duration]=0&options[plan_cache_mode]=force_generic_plan",
        fixture.url()
    );
    let users = DjangoUsers::new(DjangoDatabase::connect_lazy(&url).unwrap());
    let store = DjangoStore::new(users.clone());
    let before = server.log().len();
    let ada = users.find("7").await.unwrap().unwrap();
    users.authenticate("ada", "").await.unwrap();
    users.record_login(&ada, at(1)).await.unwrap();
    store.outstand(&token("a", "7", 1000), at(1)).await.unwrap();
    store.rotate(&token("a", "7", 1000), &token("b", "7", 1000), at(1)).await.unwrap();
    store.blacklist(&token("b", "7", 1000), at(1)).await.unwrap();
    store.slide(&token("c", "7", 1000), at(1)).await.unwrap();
    store.is_blacklisted("c").await.unwrap();
    assert_eq!(store.purge(at(2000), 100).await.unwrap(), 3);
    tokio::time::sleep(Duration::from_millis(100)).await;
    let log = server.log().split_off(before);
    let scans: Vec<_> = log
        .lines()
        .filter(|line| line.contains("Seq Scan on auth") || line.contains("Seq Scan on token"))
        .collect();
    assert!(log.contains("Index") && scans.is_empty(), "{scans:#?}");
}
