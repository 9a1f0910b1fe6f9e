//! Users in `auth_user` and in a custom table.

use std::{error::Error, time::Duration};

use tower_jwt_auth::{
    error::ConfigErrorKind,
    password::django::{DjangoHasher, Format},
    simplejwt::{DjangoDatabase, DjangoUsers, UserTable},
};

use crate::support::session::at;

use super::schema::{Fixture, on_both, token};

on_both! {
    authenticates_active_users,
    finds_users_by_id,
    replaces_outdated_hashes_as_django_does,
    does_not_overwrite_a_concurrent_password_change,
    reads_a_custom_table,
    records_logins,
    reports_missing_columns,
    debug_shows_nothing_of_a_user,
}

/// A hash of `analytical engine` from Django.
const OLD: &str =
    "pbkdf2_sha256$2000$Or5cMyMTMyrNfrjUgYDCkX$NO0CmeLdWtkC/glWcUnlZKf6UMTwlCHoYaQB2jBeoVA=";
const PASSWORD: &str = "analytical engine";

/// A hasher with cheap hashes.
fn quick() -> DjangoHasher {
    let formats = [Format::Pbkdf2Sha256 { iterations: 2000 }, Format::ARGON2];
    DjangoHasher::builder().formats(formats).build().unwrap()
}

fn quick_users(fixture: &Fixture) -> DjangoUsers {
    fixture.users().with_hasher(quick())
}

async fn authenticates_active_users(fixture: &Fixture) {
    fixture.add_user(7, "ada", OLD, true).await;
    fixture.add_user(8, "bob", OLD, false).await;
    fixture.add_user(9, "eve", "!unusable", true).await;
    fixture.add_user(10, "joe", "", true).await;
    let users = quick_users(fixture);
    let ada = users.authenticate("ada", PASSWORD).await.unwrap().unwrap();
    assert_eq!((ada.primary_key(), ada.id(), ada.username()), ("7", "7", "ada"));
    assert!(ada.is_active());
    for (name, password) in [
        ("ada", ""),
        ("ada", "analytical engine "),
        ("ada", &*"x".repeat(100_000)),
        ("Ada", PASSWORD),
        ("ada ", PASSWORD),
        ("ada\0", PASSWORD),
        ("a%", PASSWORD),
        ("' OR 1=1 --", PASSWORD),
        ("", PASSWORD),
        ("bob", PASSWORD),
        ("bob", "wrong"),
        ("eve", PASSWORD),
        ("eve", "!unusable"),
        ("eve", "unusable"),
        ("joe", ""),
        ("joe", PASSWORD),
        // Django's forms normalize this, but its login does not.
        ("ａda", PASSWORD),
    ] {
        assert!(users.authenticate(name, password).await.unwrap().is_none(), "{name}");
    }
}

async fn finds_users_by_id(fixture: &Fixture) {
    fixture.add_user(7, "ada", OLD, true).await;
    fixture.add_user(8, "bob", OLD, false).await;
    let users = fixture.users();
    assert_eq!(users.find("7").await.unwrap().unwrap().username(), "ada");
    assert!(!users.find("8").await.unwrap().unwrap().is_active());
    for id in [
        "",
        "9",
        "-7",
        "7.0",
        "7e0",
        "0x7",
        " 7",
        "7 ",
        "7\0",
        "٧",
        "ada",
        "None",
        "null",
        "2147483648",
        "9223372036854775808",
        "-9223372036854775809",
        "7 OR 1=1",
        "[7]",
    ] {
        assert!(users.find(id).await.unwrap().is_none(), "{id}");
    }
}

async fn replaces_outdated_hashes_as_django_does(fixture: &Fixture) {
    let stored = |id: i64| async move {
        fixture.text(&format!("SELECT password FROM auth_user WHERE id = {id}")).await
    };
    fixture.add_user(7, "ada", OLD, true).await;
    fixture.add_user(8, "bob", OLD, false).await;
    let users = quick_users(fixture);
    users.authenticate("ada", PASSWORD).await.unwrap().unwrap();
    assert_eq!(stored(7).await, OLD);

    let formats = [Format::Pbkdf2Sha256 { iterations: 3000 }];
    let newer = DjangoHasher::builder().formats(formats).build().unwrap();
    let users = fixture.users().with_hasher(newer);
    assert!(users.authenticate("ada", "wrong").await.unwrap().is_none());
    assert_eq!(stored(7).await, OLD);
    let ada = users.authenticate("ada", PASSWORD).await.unwrap().unwrap();
    let new = stored(7).await;
    assert!(new.starts_with("pbkdf2_sha256$3000$"), "{new}");
    users.authenticate("ada", PASSWORD).await.unwrap().unwrap();
    assert_eq!(stored(7).await, new);
    assert_eq!(users.find(ada.id()).await.unwrap().unwrap().username(), "ada");
    // Django replaces the hash before it checks whether the user is active.
    assert!(users.authenticate("bob", PASSWORD).await.unwrap().is_none());
    assert!(stored(8).await.starts_with("pbkdf2_sha256$3000$"));
}

/// The change happens before the old hash is read, while the new one is computed, or after it was
/// stored.
async fn does_not_overwrite_a_concurrent_password_change(fixture: &Fixture) {
    fixture.add_user(7, "ada", OLD, true).await;
    let costly = [Format::Pbkdf2Sha256 { iterations: 300_000 }];
    let costly = DjangoHasher::builder().formats(costly).build().unwrap();
    let users = fixture.users().with_hasher(costly);
    let changed = quick().hash("difference engine").await.unwrap();
    for round in 0..12 {
        fixture.execute(&format!("UPDATE auth_user SET password = '{OLD}'")).await;
        let login = users.clone();
        let login = tokio::spawn(async move { login.authenticate("ada", PASSWORD).await.unwrap() });
        tokio::time::sleep(Duration::from_millis(round * 12)).await;
        fixture.execute(&format!("UPDATE auth_user SET password = '{changed}'")).await;
        login.await.unwrap();
        assert_eq!(fixture.text("SELECT password FROM auth_user").await, changed);
    }
}

fn members() -> UserTable {
    UserTable::new("accounts_member")
        .with_primary_key("key")
        .with_user_id("number")
        .with_username("e mail")
        .with_password("secret")
        .with_is_active(None)
        .with_last_login(None)
}

async fn reads_a_custom_table(fixture: &Fixture) {
    const KEY: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
    let key = match fixture {
        Fixture::Sqlite(_) => KEY.replace('-', ""),
        Fixture::Postgres(..) => KEY.to_owned(),
    };
    fixture
        .execute(&format!(
            "INSERT INTO accounts_member VALUES ('{key}', '{OLD}', 'ada@example.com', 5000000000)"
        ))
        .await;
    let users = quick_users(fixture).with_table(members()).unwrap();
    let ada = users.authenticate("ada@example.com", PASSWORD).await.unwrap().unwrap();
    assert_eq!((ada.primary_key(), ada.id()), (KEY, "5000000000"));
    assert!(ada.is_active());
    users.record_login(&ada, at(1)).await.unwrap();
    assert!(users.find("5000000000").await.unwrap().is_some());
    assert!(users.find(KEY).await.unwrap().is_none());

    let by_key = members().with_user_id("key");
    let by_key = quick_users(fixture).with_table(by_key).unwrap();
    for id in [KEY.to_owned(), KEY.to_uppercase(), KEY.replace('-', "")] {
        assert_eq!(by_key.find(&id).await.unwrap().unwrap().id(), KEY);
    }
    for id in ["", "5000000000", &KEY[1..], "0f8fad5b-d9cb-469f-a165-70867728950g", "\0"] {
        assert!(by_key.find(id).await.unwrap().is_none(), "{id}");
    }

    let by_name = members().with_user_id("e mail");
    let by_name = quick_users(fixture).with_table(by_name).unwrap();
    assert_eq!(by_name.find("ada@example.com").await.unwrap().unwrap().id(), "ada@example.com");
    assert!(by_name.find("ada@example.com\0").await.unwrap().is_none());
}

async fn records_logins(fixture: &Fixture) {
    fixture.add_user(7, "ada", OLD, true).await;
    fixture.add_user(8, "bob", OLD, true).await;
    let users = fixture.users();
    let ada = users.find("7").await.unwrap().unwrap();
    users.record_login(&ada, at(1_795_720_378)).await.unwrap();
    let seconds = fixture.seconds("last_login");
    let logins = fixture.texts(&format!("SELECT {seconds} FROM auth_user ORDER BY id")).await;
    assert_eq!(logins, [Some("1795720378".to_owned()), None]);
}

async fn reports_missing_columns(fixture: &Fixture) {
    fixture.add_user(7, "ada", OLD, true).await;
    for table in [
        UserTable::default().with_username("usernme"),
        // SQLite would read this as a string that is true.
        UserTable::default().with_is_active("1"),
        UserTable::new("auth_usr"),
        UserTable::new("auth_user\" --"),
    ] {
        let users = quick_users(fixture).with_table(table).unwrap();
        let error = users.authenticate("ada", PASSWORD).await.unwrap_err();
        let source = error.source().and_then(Error::source).unwrap().to_string();
        assert!(source.starts_with("the table of users has no column"), "{source}");
        assert!(users.find("7").await.is_err());
    }
}

async fn debug_shows_nothing_of_a_user(fixture: &Fixture) {
    fixture.add_user(7, "ada", OLD, true).await;
    let (users, store) = (fixture.users(), fixture.store());
    let ada = users.find("7").await.unwrap().unwrap();
    let shown = format!("{ada:?} {users:?} {store:?} {:?}", token("s3cret", "7", 1));
    for hidden in ["ada", "2000$", "sesame", "localhost", "/", "s3cret"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

#[tokio::test]
async fn rejects_malformed_urls_and_names() {
    for url in [
        "",
        "sqlite",
        "sqlite:",
        "sqlite::memory:",
        "sqlite:/tmp/hunter2.db?cache=shared",
        "mysql://app:hunter2@localhost/app",
        "postgres:hunter2",
        "postgres://app:hunter2@localhost:port/app",
    ] {
        let error = DjangoDatabase::connect_lazy(url).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    let users = DjangoUsers::new(DjangoDatabase::connect_lazy("sqlite:/nowhere").unwrap());
    for table in [
        UserTable::new(""),
        UserTable::new("x".repeat(64)),
        UserTable::default().with_username("a\0b"),
        UserTable::default().with_last_login(""),
    ] {
        let error = users.clone().with_table(table).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::OutOfRange);
    }
}
