//! The table of secrets.

use std::time::{Duration, Instant};

use tower_jwt_auth::{
    AuthError, AuthErrorKind,
    totp::{SqlTotpStore, TotpStore},
    user::{SecondFactor, SqlDatabase},
};

use crate::{
    support::postgres::{PASSWORD as SERVER_PASSWORD, Server},
    users::database::{Database, on_both_databases},
};

use super::{clock, code, enable, open, totp, user, verify};

on_both_databases! {
    concurrent_migrations_succeed
    manual_migration_creates_the_table
    a_table_of_a_later_version_is_used_as_it_is
    an_unprivileged_role_uses_a_table_made_from_the_schema
    users_and_secrets_share_a_database
    applications_have_tables_of_their_own
    statements_find_users_by_the_key
}

async fn concurrent_migrations_succeed(database: Database) {
    let processes: Vec<_> = (0..8_u64)
        .map(|number| {
            let store = open(&database);
            tokio::spawn(async move { store.begin(&number.into(), "secret").await.unwrap() })
        })
        .collect();
    for process in processes {
        assert!(process.await.unwrap());
    }
    let versions = "SELECT CAST(version AS TEXT) FROM jwt_totp_migrations";
    assert_eq!(database.strings(versions).await, [Some("1".to_owned())]);
}

async fn manual_migration_creates_the_table(database: Database) {
    let store = SqlTotpStore::builder(database.connect()).automatic_migration(false);
    let store = store.build().unwrap();
    store.find(&user()).await.unwrap_err();
    store.ping().await.unwrap_err();
    for _ in 0..2 {
        store.migrate().await.unwrap();
    }
    store.ping().await.unwrap();
    assert!(store.begin(&user(), "secret").await.unwrap());
}

async fn a_table_of_a_later_version_is_used_as_it_is(database: Database) {
    open(&database).migrate().await.unwrap();
    database.execute("INSERT INTO jwt_totp_migrations (version) VALUES (1000)").await;
    database.execute("ALTER TABLE jwt_totp ADD COLUMN later BIGINT").await;
    let store = open(&database);
    store.migrate().await.unwrap();
    let clock = clock();
    drop(enable(&totp(store, &clock), &clock).await);
}

async fn an_unprivileged_role_uses_a_table_made_from_the_schema(database: Database) {
    let Database::Schema(_, name) = &database else { return };
    let store = open(&database);
    assert_eq!(store.migrations().collect::<String>(), store.schema());
    database.execute(&format!("BEGIN; {} COMMIT;", store.schema())).await;
    database
        .execute(&format!(
            "CREATE ROLE {name} LOGIN PASSWORD '{SERVER_PASSWORD}';
            GRANT USAGE ON SCHEMA {name} TO {name};
            GRANT SELECT, INSERT, UPDATE, DELETE ON jwt_totp TO {name};
            GRANT SELECT ON jwt_totp_migrations TO {name}"
        ))
        .await;
    let url = database.url().replace("//postgres:", &format!("//{name}:"));
    for automatic in [true, false] {
        let unprivileged = SqlDatabase::connect_lazy(&url).unwrap();
        let store = SqlTotpStore::builder(unprivileged).automatic_migration(automatic);
        let (store, clock) = (store.build().unwrap(), clock());
        store.ping().await.unwrap();
        let totp = totp(store, &clock);
        let (enrolment, codes) = enable(&totp, &clock).await;
        assert!(verify(&totp, &code(enrolment.secret(), &clock, 0)).await);
        assert!(verify(&totp, codes.iter().next().unwrap()).await);
        assert!(totp.disable(&user()).await.unwrap());
    }
}

async fn users_and_secrets_share_a_database(database: Database) {
    let shared = database.connect();
    let users = tower_jwt_auth::user::SqlUsers::builder(&shared, crate::users::database::hasher());
    let users = users.build().unwrap();
    let store = SqlTotpStore::builder(&shared).build().unwrap();
    let ada = crate::users::database::create(&users, "ada", None).await.unwrap();
    assert!(store.begin(ada.id(), "secret").await.unwrap());
    assert!(!store.remove(ada.id()).await.unwrap());
}

async fn applications_have_tables_of_their_own(database: Database) {
    let other = SqlTotpStore::builder(database.connect()).table("other").build().unwrap();
    let (clock, store) = (clock(), open(&database));
    drop(enable(&totp(store, &clock), &clock).await);
    assert!(!totp(other.clone(), &clock).is_enabled(&user()).await.unwrap());
    drop(enable(&totp(other, &clock), &clock).await);
}

async fn statements_find_users_by_the_key(database: Database) {
    let store = open(&database);
    store.migrate().await.unwrap();
    for statement in store.statements() {
        assert!(statement.contains("user_id"), "{statement}");
    }
    assert_eq!(store.statements().count(), 8);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_is_down_is_unavailable() {
    let Some(server) = Server::start() else { return };
    let database = SqlDatabase::connect_lazy(&server.url()).unwrap();
    let (clock, store) = (clock(), SqlTotpStore::builder(database).build().unwrap());
    let totp = totp(store, &clock);
    let (enrolment, _) = enable(&totp, &clock).await;
    server.kill();
    let began = Instant::now();
    let code = code(enrolment.secret(), &clock, 0);
    for error in [
        totp.is_enabled(&user()).await.unwrap_err(),
        totp.verify(&user(), &code).await.unwrap_err(),
        totp.disable(&user()).await.unwrap_err(),
    ] {
        assert_eq!(AuthError::from(error).kind(), AuthErrorKind::Unavailable);
    }
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    server.run();
    assert!(verify(&totp, &code).await);
}
