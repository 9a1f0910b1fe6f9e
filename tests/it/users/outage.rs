//! Databases that are down.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use tower_jwt_auth::{
    AuthError, AuthErrorKind,
    user::{AccountBackend, AccountError, BackendError, SqlDatabase, SqlUsers, UserBackend},
};

use crate::support::postgres::Server;

use super::{
    database::{Database, PASSWORD, create, hasher},
    login::credentials,
};

fn assert_is_unavailable(error: BackendError) {
    assert!(!error.is_overloaded());
    assert!(Error::source(&error).is_some(), "it names its cause");
    assert_eq!(AuthError::from(error).kind(), AuthErrorKind::Unavailable);
}

fn backend<T>(outcome: Result<T, AccountError>) -> BackendError {
    match outcome {
        Err(AccountError::Backend(error)) => error,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it succeeded"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_fail_in_time_while_postgres_is_down_and_succeed_afterwards() {
    let Some(server) = Server::start() else { return };
    server.kill();
    let database = SqlDatabase::connect_lazy(&server.url()).unwrap();
    let users = SqlUsers::builder(database, hasher()).build().unwrap();
    let began = Instant::now();
    assert_is_unavailable(backend(create(&users, "ada", None).await));
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    server.run();
    let ada = create(&users, "ada", None).await.unwrap();

    for _ in 0..2 {
        server.kill();
        let began = Instant::now();
        assert_is_unavailable(users.authenticate(credentials("ada", PASSWORD)).await.unwrap_err());
        assert_is_unavailable(users.find(ada.id()).await.unwrap_err());
        assert_is_unavailable(users.account_by_email("ada@example.com").await.unwrap_err());
        assert_is_unavailable(users.delete(ada.id()).await.unwrap_err());
        assert_is_unavailable(backend(users.set_username(ada.id(), "bob").await));
        assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
        server.run();
        assert!(users.authenticate(credentials("ada", PASSWORD)).await.unwrap().user().is_some());
        assert!(users.find(ada.id()).await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_locked_file_fails_writes_but_not_reads() {
    let database = Database::file();
    let users = database.users();
    let ada = create(&users, "ada", None).await.unwrap();
    let mut lock = database.open_file().await;
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(&mut lock).await.unwrap();
    let began = Instant::now();
    assert_is_unavailable(backend(create(&users, "bob", None).await));
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
    assert!(users.find(ada.id()).await.unwrap().is_some());
    // The login waits a moment to be recorded.
    let began = Instant::now();
    assert!(users.authenticate(credentials("ada", PASSWORD)).await.unwrap().user().is_some());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    sqlx::raw_sql("ROLLBACK").execute(&mut lock).await.unwrap();
    create(&users, "bob", None).await.unwrap();
}
