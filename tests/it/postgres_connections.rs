//! Connections of the store in PostgreSQL: shared by calls, refused or closed by the server.

use std::{
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use futures::future::join_all;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgPoolOptions, raw_sql};
use tokio::{
    runtime::Runtime,
    time::{sleep, timeout},
};
use tower_jwt_auth::{
    ConfigErrorKind,
    simplejwt::DjangoDatabase,
    store::{PostgresStore, Spent},
};

use crate::support::{
    postgres::{PASSWORD, Server, shared},
    session::{begin, end, is_spent, new_id, spend},
    slow_link,
};

/// The deadline that layers have for their store.
const DEADLINE: Duration = Duration::from_secs(2);

/// A store with tables of its own. Parameters of the URL may follow `&`.
fn store(server: &Server, parameters: &str) -> PostgresStore {
    let prefix = format!("connections_{}_", new_id().replace('-', "_"));
    let url = format!("{}{parameters}", server.url());
    PostgresStore::connect_lazy(&url).unwrap().with_table_prefix(&prefix).unwrap()
}

async fn execute(server: &Server, sql: String) {
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
}

/// Before it takes a connection back, the pool of sqlx would send a ping.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_reused_without_a_ping() {
    let Some(server) = shared() else { return };
    let (port, responses) = slow_link::listen("127.0.0.1", server.socket()).await;
    let url = format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}/postgres?sslmode=disable");
    let connect =
        |url: &str| PostgresStore::connect_lazy(url).unwrap().with_table_prefix("reused_").unwrap();
    connect(&server.url()).migrate().await.unwrap();
    let store = connect(&url).with_automatic_migration(false);
    // The first call connects, and prepares its statement.
    is_spent(&store, "ada", "first").await.unwrap();
    let before = responses.load(Ordering::SeqCst);
    for _ in 0..10 {
        is_spent(&store, "ada", "first").await.unwrap();
    }
    assert_eq!(responses.load(Ordering::SeqCst) - before, 10);
}

#[tokio::test]
async fn a_connection_of_a_shared_pool_is_given_back_at_once() {
    let Some(server) = shared() else { return };
    // On a busy machine it may take longer than the timeout now and then.
    for _ in 0..10 {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy(&server.url()).unwrap();
        let store = PostgresStore::from_pool(pool.clone()).with_table_prefix("back_").unwrap();
        is_spent(&store, "ada", "first").await.unwrap();
        if timeout(Duration::from_millis(300), pool.acquire()).await.is_ok() {
            return;
        }
    }
    panic!("the connection was not given back");
}

#[test]
fn a_store_may_outlive_its_runtime() {
    let Some(server) = shared() else { return };
    let runtime = Runtime::new().unwrap();
    let store = runtime.block_on(async {
        let store = store(server, "");
        is_spent(&store, "ada", "first").await.unwrap();
        store
    });
    drop(runtime);
    drop(store);
}

#[tokio::test]
async fn connects_to_an_ipv6_address() {
    let Some(server) = shared() else { return };
    let (port, _) = slow_link::listen("::1", server.socket()).await;
    let url = format!("postgres://postgres:{PASSWORD}@[::1]:{port}/postgres?sslmode=disable");
    let store = PostgresStore::connect_lazy(&url).unwrap().with_table_prefix("ipv6_").unwrap();
    store.migrate().await.unwrap();
}

#[tokio::test]
async fn rejects_unknown_parameters_of_urls() {
    let connect = |query: &str| {
        let url = format!("postgres://127.0.0.1:1/postgres?{query}");
        let store = PostgresStore::connect_lazy(&url).map(drop);
        let database = DjangoDatabase::connect_lazy(&url).map(drop);
        assert_eq!(store, database, "{query}");
        store
    };
    for known in [
        "",
        "sslmode=disable&ssl-mode=disable&sslrootcert=a&ssl-root-cert=a&ssl-ca=a",
        "sslcert=a&ssl-cert=a&sslkey=a&ssl-key=a&statement-cache-capacity=9",
        "host=a&hostaddr=127.0.0.1&port=1&dbname=a&user=a&password=a&p%61ssword=b",
        "application_name=a&options=-c%20a%3Db&options[a]=b&options%5Ba%5D=b#fragment?a=b",
    ] {
        assert_eq!(connect(known), Ok(()), "{known}");
    }
    for unknown in ["pasword=hunter2", "user=a&p%61sword=hunter2", "ssl_mode=a", "Password=a", "a"]
    {
        let error = connect(unknown).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::OutOfRange);
        assert!(error.to_string().contains("unknown parameter"), "{error}");
        assert!(!format!("{error:?}").contains("hunter2"));
    }
}

/// Makes several connections that are idle afterwards.
async fn warm_up(store: &PostgresStore) {
    for outcome in join_all((0..40).map(|_| is_spent(store, "ada", "first"))).await {
        outcome.unwrap();
    }
}

/// Calls that write. Each must succeed at once although its connection is closed.
async fn assert_reconnects(store: &PostgresStore) {
    let began = Instant::now();
    let id = new_id();
    begin(store, &id, "first").await.unwrap();
    assert_eq!(spend(store, &id, "first", "second").await.unwrap(), Spent::First);
    end(store, &id).await.unwrap();
    assert!(is_spent(store, &id, "second").await.unwrap());
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_server_closes_is_replaced() {
    let Some(server) = Server::start() else { return };
    let store = store(&server, "&application_name=closed");
    store.migrate().await.unwrap();
    for _ in 0..3 {
        warm_up(&store).await;
        let terminate = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'closed'";
        execute(&server, terminate.to_owned()).await;
        assert_reconnects(&store).await;
    }
}

/// The server closes each connection with an error of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_was_idle_for_too_long_is_replaced() {
    let Some(server) = shared() else { return };
    let store = store(server, "&options[idle_session_timeout]=100");
    store.migrate().await.unwrap();
    for _ in 0..3 {
        warm_up(&store).await;
        sleep(Duration::from_millis(300)).await;
        assert_reconnects(&store).await;
    }
}

/// A role that may have `limit` connections, and a store that uses it.
async fn limited_store(server: &Server, limit: u32) -> (String, PostgresStore) {
    let role = format!("limited_{}", new_id().replace('-', "_"));
    execute(
        server,
        format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}' CONNECTION LIMIT {limit};
            CREATE SCHEMA {role} AUTHORIZATION {role}"
        ),
    )
    .await;
    let url = server.url().replace("//postgres:", &format!("//{role}:"));
    let url = format!("{url}&options[search_path]={role}");
    (role, PostgresStore::connect_lazy(&url).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_share_the_connections_that_the_server_grants() {
    let Some(server) = shared() else { return };
    let (_, store) = limited_store(server, 2).await;
    for round in 0..3 {
        let calls = (0..200).map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let id = format!("{round} {number}");
                timeout(DEADLINE, begin(&store, &id, "first")).await
            })
        });
        for call in join_all(calls).await {
            call.unwrap().expect("in time").unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_pool_grows_when_the_server_grants_more() {
    let Some(server) = shared() else { return };
    let (role, store) = limited_store(server, 1).await;
    warm_up(&store).await;
    execute(server, format!("ALTER ROLE {role} CONNECTION LIMIT 50")).await;
    let began = Instant::now();
    let mut observer = PgConnection::connect(&server.url()).await.unwrap();
    loop {
        warm_up(&store).await;
        let count = sqlx::query_scalar("SELECT count(*) FROM pg_stat_activity WHERE usename = $1");
        let count: i64 = count.bind(&role).fetch_one(&mut observer).await.unwrap();
        if count > 1 {
            return;
        }
        assert!(began.elapsed() < Duration::from_secs(30), "it still has {count}");
    }
}
