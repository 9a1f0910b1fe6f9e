//! Accounts in PostgreSQL behind PgBouncer.

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use tower_jwt_auth::user::{
    AccountBackend, AccountError, AccountTable, NewAccount, SqlDatabase, SqlUsers, UserBackend,
};

use crate::support::{pgbouncer::PgBouncer, postgres::shared, session::new_id};

use super::{
    database::{PASSWORD, create, hasher},
    login::credentials,
};

async fn call_everything(users: &SqlUsers) {
    let id = new_id();
    let (username, email) = (format!("Ada {id}"), format!("Ada-{id}@example.com"));
    let new = NewAccount::new().with_username(&*username).with_email(&*email);
    let ada = users.create(new.with_password(PASSWORD)).await.unwrap();
    let AccountError::Rejected(problems) = create(users, &*username, &*email).await.unwrap_err()
    else {
        panic!("it is taken")
    };
    assert!(problems.username.is_some() && problems.email.is_some());
    for name in [&username, &email] {
        let user = users.authenticate(credentials(name, PASSWORD)).await.unwrap().user().unwrap();
        assert_eq!(user.id(), ada.id());
    }
    assert!(users.find(ada.id()).await.unwrap().is_some());
    assert!(users.account_by_username(&username).await.unwrap().is_some());
    assert!(users.account_by_email(&email).await.unwrap().is_some());
    let other = format!("Lovelace {id}");
    users.set_username(ada.id(), &other).await.unwrap().unwrap();
    let other = format!("lovelace-{id}@example.com");
    users.set_email(ada.id(), &other, false).await.unwrap().unwrap();
    users.mark_verified(ada.id(), &other).await.unwrap().unwrap();
    users.set_staff(ada.id(), true).await.unwrap().unwrap();
    users.set_roles(ada.id(), ["editor"]).await.unwrap().unwrap();
    users.set_password(&ada, "difference engine", None).await.unwrap().unwrap();
    assert!(users.verify_password(ada.id(), PASSWORD).await.unwrap().is_none());
    let ada = users.set_active(ada.id(), false).await.unwrap().unwrap();
    assert!(ada.is_staff() && ada.is_verified() && ada.has_role("editor"));
    users.ping().await.unwrap();
    users.delete(ada.id()).await.unwrap();
    assert!(users.account(ada.id()).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn works_in_every_mode() {
    let Some(server) = shared() else { return };
    for mode in ["session", "transaction"] {
        let Some(pooler) = PgBouncer::start(server, mode, "") else { return };
        let table = AccountTable::new(format!("a_{}", new_id().replace('-', "_")));
        let options: PgConnectOptions = pooler.url().parse().unwrap();
        let pool = PgPoolOptions::new()
            .test_before_acquire(false)
            .connect_lazy_with(options.extra_float_digits(None));
        for database in [SqlDatabase::connect_lazy(&pooler.url()).unwrap(), SqlDatabase::from(pool)]
        {
            let users = SqlUsers::builder(database, hasher()).table(table.clone());
            call_everything(&users.build().unwrap()).await;
        }
    }
}

/// Several processes share the few connections of the pooler.
#[tokio::test(flavor = "multi_thread")]
async fn many_processes_share_the_connections_of_a_pooler() {
    let Some(server) = shared() else { return };
    let Some(pooler) = PgBouncer::start(server, "transaction", "") else { return };
    let table = AccountTable::new(format!("a_{}", new_id().replace('-', "_")));
    let processes: Vec<_> = (0..8)
        .map(|_| {
            let database = SqlDatabase::connect_lazy(&pooler.url()).unwrap();
            let users = SqlUsers::builder(database, hasher()).table(table.clone());
            let users = users.build().unwrap();
            tokio::spawn(async move {
                for _ in 0..3 {
                    call_everything(&users).await;
                }
            })
        })
        .collect();
    for process in processes {
        process.await.unwrap();
    }
}
