//! A standby of PostgreSQL, which may not know the latest revocations.

use std::time::Duration;

use futures::TryStreamExt;
use sqlx::{Connection, PgConnection, postgres::PgPoolOptions, raw_sql};
use tokio::time::{sleep, timeout};
use tower_jwt_auth::store::{
    Page, PostgresStore, TokenStore,
    replica::{RevocationFeed, RevocationReplica},
};

use crate::support::{
    postgres::Server,
    session::{at, begin, end, is_spent, spend},
};

async fn execute(server: &Server, sql: &'static str) {
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    raw_sql(sql).execute(&mut connection).await.unwrap();
}

/// Waits until the standby has the tables of the primary, and a session.
async fn catch_up(standby: &Server) {
    let mut connection = PgConnection::connect(&standby.url()).await.unwrap();
    while raw_sql("SELECT 1 / count(*) FROM jwt_sessions").execute(&mut connection).await.is_err() {
        sleep(Duration::from_millis(10)).await;
    }
}

async fn assert_reads_fail(store: &PostgresStore) {
    is_spent(store, "ada", "first").await.unwrap_err();
    store.sessions(&"ada".into(), at(1), Page::first()).await.unwrap_err();
    store.generation().await.unwrap_err();
    store.ping().await.unwrap_err();
    store.live().try_collect::<Vec<_>>().await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn reads_fail_on_a_standby_until_it_is_promoted() {
    let Some(primary) = Server::start() else { return };
    let store = PostgresStore::connect_lazy(&primary.url()).unwrap();
    begin(&store, "ada", "first").await.unwrap();
    let standby = primary.start_standby();
    catch_up(&standby).await;
    execute(&standby, "SELECT pg_wal_replay_pause()").await;
    end(&store, "ada").await.unwrap();
    assert!(is_spent(&store, "ada", "first").await.unwrap());

    // A service that only verifies never writes, and so never finds out.
    let connect = || PostgresStore::connect_lazy(&standby.url()).unwrap();
    let pool = PgPoolOptions::new().acquire_timeout(Duration::from_millis(300));
    let pool = pool.connect_lazy(&standby.url()).unwrap();
    let stores = [connect(), connect().with_automatic_migration(false)];
    for store in stores.iter().chain([&PostgresStore::from_pool(pool)]) {
        assert_reads_fail(store).await;
    }
    let replica = RevocationReplica::builder(connect()).build().unwrap();
    timeout(Duration::from_secs(3), replica.until_fresh()).await.unwrap_err();
    is_spent(&replica, "ada", "first").await.unwrap_err();

    primary.kill();
    execute(&standby, "SELECT pg_wal_replay_resume()").await;
    execute(&standby, "SELECT pg_promote()").await;
    for store in &stores {
        assert!(is_spent(store, "ada", "first").await.unwrap(), "the revocation was replicated");
        begin(store, "bob", "first").await.unwrap();
    }
    spend(&stores[0], "bob", "first", "second").await.unwrap();
    timeout(Duration::from_secs(20), replica.until_fresh()).await.expect("the feed works again");
}
