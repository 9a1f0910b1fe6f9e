//! The store in PostgreSQL behind PgBouncer.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    raw_sql,
};
use tokio::time::timeout;
use tower_jwt_auth::{
    store::{PostgresStore, Revocation, Spent, StoreError, TokenRef, TokenStore},
    token::UserId,
};

use crate::{
    sql_store::call_everything,
    support::{
        pgbouncer::{PgBouncer, SERVER_CONNECTIONS},
        postgres::shared,
        retrying::RetryingStore,
        session::{KEPT, at, begin, end, is_spent, new_id, spend},
    },
};

/// Startup parameters that PgBouncer does not know are refused, which is its default, or ignored.
const SETTINGS: [&str; 2] = ["", "ignore_startup_parameters = options,extra_float_digits"];
const MODES: [&str; 2] = ["session", "transaction"];

/// A pooler in transaction mode without support for prepared statements: its default up to 1.20.
fn transaction_pooler(settings: &str) -> Option<PgBouncer> {
    PgBouncer::start(shared()?, "transaction", settings)
}

/// A store with tables of its own.
fn store(pooler: &PgBouncer) -> PostgresStore {
    let prefix = format!("pooled_{}_", new_id().replace('-', "_"));
    PostgresStore::connect_lazy(&pooler.url()).unwrap().with_table_prefix(&prefix).unwrap()
}

mod conformance {
    use std::sync::LazyLock;

    use tower_jwt_auth::store::PostgresStore;

    use crate::support::{pgbouncer::PgBouncer, retrying::RetryingStore};

    /// Each test has connections of its own to the pooler, as each process would have.
    fn connect() -> Option<RetryingStore<PostgresStore>> {
        static POOLER: LazyLock<Option<PgBouncer>> =
            LazyLock::new(|| super::transaction_pooler(""));
        let store = PostgresStore::connect_lazy(&POOLER.as_ref()?.url()).unwrap();
        Some(RetryingStore(store.with_table_prefix("pooled_").unwrap()))
    }

    tower_jwt_auth::token_store_conformance!({
        let Some(store) = connect() else { return };
        store
    });
}

#[tokio::test(flavor = "multi_thread")]
async fn works_in_every_mode() {
    let Some(server) = shared() else { return };
    for (mode, settings) in MODES.iter().flat_map(|mode| SETTINGS.map(|it| (mode, it))) {
        let Some(pooler) = PgBouncer::start(server, mode, settings) else { return };
        let store = store(&pooler);
        call_everything(&store).await;
        let options: PgConnectOptions = pooler.url().parse().unwrap();
        let pool = PgPoolOptions::new()
            .test_before_acquire(false)
            .connect_lazy_with(options.extra_float_digits(None));
        let prefix = format!("own_{}_", new_id().replace('-', "_"));
        call_everything(&PostgresStore::from_pool(pool).with_table_prefix(&prefix).unwrap()).await;
    }
}

/// Clients of another application, which names its statements as sqlx does.
async fn other_clients(pooler: &PgBouncer) -> Vec<PgConnection> {
    let options: PgConnectOptions = pooler.url().parse().unwrap();
    let options = options.extra_float_digits(None);
    let mut clients = Vec::new();
    for _ in 0..SERVER_CONNECTIONS {
        let mut client = options.connect().await.unwrap();
        // It keeps one server connection until all of them have these statements.
        raw_sql("BEGIN").execute(&mut client).await.unwrap();
        for number in 0..8 {
            for params in 0..12 {
                let params: Vec<_> = (1..=params).map(|param| format!("${param}::text")).collect();
                let params = [vec![format!("'other {number}'")], params].concat().join(", ");
                let mut statement = sqlx::query(AssertSqlSafe(format!("SELECT {params}")));
                for _ in params.matches('$') {
                    statement = statement.bind("");
                }
                statement.execute(&mut client).await.unwrap();
            }
        }
        clients.push(client);
    }
    for client in &mut clients {
        raw_sql("COMMIT").execute(client).await.unwrap();
    }
    clients
}

/// Several processes share the connections of the pooler, and each of them calls everything in an
/// order of its own.
#[tokio::test(flavor = "multi_thread")]
async fn no_call_runs_a_statement_of_others() {
    let Some(pooler) = transaction_pooler("") else { return };
    let _others = other_clients(&pooler).await;
    let first = store(&pooler);
    first.migrate().await.unwrap();
    let prefix = format!("{first:?}");
    let prefix = prefix.split('"').nth(1).unwrap().to_owned();
    let connect = || {
        let store = PostgresStore::connect_lazy(&pooler.url()).unwrap();
        RetryingStore(store.with_table_prefix(&prefix).unwrap())
    };
    let processes: Vec<_> = (0..12)
        .map(|process| {
            let store = connect();
            tokio::spawn(async move {
                for round in 0..20 {
                    let id = format!("{process} {round}");
                    match (process + round) % 3 {
                        0 => ends_sessions(&store, &id).await,
                        1 => revokes_tokens(&store, &id).await,
                        _ => rotates(&store, &id).await,
                    }
                }
            })
        })
        .collect();
    for process in processes {
        process.await.unwrap();
    }
}

async fn ends_sessions<S: TokenStore>(store: &S, id: &str) {
    begin(store, id, "first").await.unwrap();
    assert!(!is_spent(store, id, "first").await.unwrap());
    end(store, id).await.unwrap();
    assert!(is_spent(store, id, "first").await.unwrap());
}

async fn revokes_tokens<S: TokenStore>(store: &S, id: &str) {
    let user_id = &UserId::from(id);
    let token = TokenRef::new(id, at(0)).with_jti(Some("jti"));
    assert!(!store.is_revoked(&token).await.unwrap());
    let revocation = Revocation::Token { jti: "jti", user_id, keep_until: at(KEPT) };
    store.revoke(&revocation, at(0)).await.unwrap();
    assert!(store.is_revoked(&token).await.unwrap());
}

async fn rotates<S: TokenStore>(store: &S, id: &str) {
    begin(store, id, "first").await.unwrap();
    assert_eq!(spend(store, id, "first", "second").await.unwrap(), Spent::First);
    assert_eq!(spend(store, id, "first", "third").await.unwrap(), Spent::Reused);
    assert_eq!(spend(store, id, "second", "fourth").await.unwrap(), Spent::Revoked);
}

/// The limit of time is not a startup parameter, which the pooler would refuse or ignore.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_gave_up_has_no_later_effect() {
    let Some(server) = shared() else { return };
    for settings in SETTINGS {
        let Some(pooler) = transaction_pooler(settings) else { return };
        let store = store(&pooler);
        begin(&store, "ada", "first").await.unwrap();
        let prefix = format!("{store:?}").split('"').nth(1).unwrap().to_owned();
        let mut other = PgConnection::connect(&server.url()).await.unwrap();
        let lock = format!("BEGIN; SELECT 1 FROM {prefix}sessions FOR UPDATE");
        raw_sql(AssertSqlSafe(lock)).execute(&mut other).await.unwrap();

        let began = Instant::now();
        spend(&store, "ada", "first", "second").await.unwrap_err();
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        raw_sql("ROLLBACK").execute(&mut other).await.unwrap();
        assert!(!is_spent(&store, "ada", "first").await.unwrap(), "it was not spent");
        assert_eq!(spend(&store, "ada", "first", "second").await.unwrap(), Spent::First);
    }
}

fn sources(error: &StoreError) -> String {
    let mut shown = String::new();
    let mut source: Option<&dyn Error> = Some(error);
    while let Some(error) = source {
        shown += &format!("{error}\n");
        source = error.source();
    }
    shown
}

#[tokio::test]
async fn reports_why_the_pooler_refuses_a_connection() {
    let Some(pooler) = transaction_pooler("") else { return };
    let url = format!("{}&options[search_path]=auth", pooler.url());
    let store = PostgresStore::connect_lazy(&url).unwrap();
    let call = timeout(Duration::from_secs(2), begin(&store, "ada", "first")).await;
    let shown = sources(&call.expect("an error in time").unwrap_err());
    assert!(shown.contains("unsupported startup parameter"), "{shown}");
}
