//! A standby of Django's database, which may not know the latest revocations.

use std::time::Duration;

use sqlx::{Connection, PgConnection, postgres::PgPoolOptions, raw_sql};
use tokio::time::sleep;
use tower_jwt_auth::simplejwt::{DjangoDatabase, DjangoStore, DjangoUsers};

use crate::support::{postgres::Server, session::at};

use super::schema::{POSTGRES, token};

async fn execute(server: &Server, sql: &'static str) {
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    raw_sql(sql).execute(&mut connection).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_fail_on_a_standby_until_it_is_promoted() {
    let Some(primary) = Server::start() else { return };
    execute(&primary, POSTGRES).await;
    let store =
        DjangoStore::new(DjangoUsers::new(DjangoDatabase::connect_lazy(&primary.url()).unwrap()));
    store.outstand(&token("a", "7", 1000), at(1)).await.unwrap();
    let standby = primary.start_standby();
    let mut connection = PgConnection::connect(&standby.url()).await.unwrap();
    let is_there = "SELECT 1 / count(*) FROM token_blacklist_outstandingtoken";
    while raw_sql(is_there).execute(&mut connection).await.is_err() {
        sleep(Duration::from_millis(10)).await;
    }
    execute(&standby, "SELECT pg_wal_replay_pause()").await;
    assert!(store.blacklist(&token("a", "7", 1000), at(1)).await.unwrap());

    let pool = PgPoolOptions::new().connect_lazy(&standby.url()).unwrap();
    let databases =
        [DjangoDatabase::connect_lazy(&standby.url()).unwrap(), DjangoDatabase::from_pool(pool)];
    for database in &databases {
        let users = DjangoUsers::new(database.clone());
        users.find("7").await.unwrap_err();
        users.authenticate("ada", "x").await.unwrap_err();
        DjangoStore::new(users).is_blacklisted("a").await.unwrap_err();
        database.ping().await.unwrap_err();
    }

    primary.kill();
    execute(&standby, "SELECT pg_wal_replay_resume()").await;
    execute(&standby, "SELECT pg_promote()").await;
    for database in &databases {
        let store = DjangoStore::new(DjangoUsers::new(database.clone()));
        assert!(store.is_blacklisted("a").await.unwrap(), "the revocation was replicated");
    }
}
