//! The store in PostgreSQL.

use std::{
    error::Error,
    sync::atomic::Ordering,
    time::{Duration, Instant},
};

use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgPoolOptions, raw_sql};
use tokio::time::{sleep, timeout};
use tower_jwt_auth::{
    error::ConfigErrorKind,
    store::{
        NewSession, Page, PostgresStore, Revocation, Spent, StoreError, TokenRef, TokenStore,
        replica::RevocationFeed,
    },
    token::UserId,
};

use crate::{
    sql_store::{Database, SqlStore, call_everything, sql_store_rules},
    support::{
        postgres::{PASSWORD, Server, shared},
        session::{KEPT, at, begin, end, is_spent, new_id, spend, spend_as},
        slow_link::{self, DELAY},
    },
};

/// What a layer waits for its store.
const DEADLINE: Duration = Duration::from_secs(2);

mod conformance {
    use std::time::Duration;

    use sqlx::postgres::PgPoolOptions;
    use tower_jwt_auth::store::PostgresStore;

    const PATIENCE: Duration = Duration::from_secs(60);

    /// With time to spare: 64 writes of one user wait for each other, which takes milliseconds, but
    /// longer than the store's own timeouts where the machine has other things to do.
    fn connect() -> Option<PostgresStore> {
        let server = crate::support::postgres::shared()?;
        let url = format!("{}&options[statement_timeout]={}s", server.url(), PATIENCE.as_secs());
        let pool = PgPoolOptions::new().acquire_timeout(PATIENCE).test_before_acquire(false);
        Some(PostgresStore::from_pool(pool.connect_lazy(&url).ok()?))
    }

    tower_jwt_auth::token_store_conformance!({
        let Some(store) = connect() else { return };
        store
    });
}

mod rules {
    super::sql_store_rules!({
        let Some(schema) = super::Schema::new().await else { return };
        schema
    });
}

/// A schema of its own in the shared server.
pub(crate) struct Schema {
    server: &'static Server,
    name: String,
}

impl Schema {
    pub(crate) async fn new() -> Option<Self> {
        let server = shared()?;
        let name = format!("schema_{}", new_id().replace('-', "_"));
        let schema = Self { server, name };
        schema.execute(&format!("CREATE SCHEMA {}", schema.name)).await;
        Some(schema)
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn url(&self) -> String {
        format!("{}&options[search_path]={}", self.server.url(), self.name)
    }

    pub(crate) async fn open(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.unwrap()
    }
}

impl Database for Schema {
    type Store = PostgresStore;

    fn connect(&self) -> PostgresStore {
        PostgresStore::connect_lazy(&self.url()).unwrap()
    }

    async fn execute(&self, sql: &str) {
        raw_sql(AssertSqlSafe(sql)).execute(&mut self.open().await).await.unwrap();
    }

    /// The server's own account of what it did with the statements of real calls.
    async fn plans(&self, _: &PostgresStore) -> Vec<String> {
        let url = format!(
            "{}&options[session_preload_libraries]=auto_explain\
             &options[auto_explain.log_min_duration]=0&options[plan_cache_mode]=force_generic_plan\
             &application_name=explained",
            self.url()
        );
        let store = PostgresStore::connect_lazy(&url).unwrap();
        store.migrate().await.unwrap();
        let before = self.server.log().len();
        call_everything(&store).await;
        store.live().try_collect::<Vec<_>>().await.unwrap();
        sleep(Duration::from_millis(100)).await;
        let log = self.server.log().split_off(before);
        let words = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let flat = words(&log);
        for statement in store.statements() {
            assert!(flat.contains(&words(statement)), "not explained: {statement}");
        }
        log.lines().filter(|line| line.contains("Scan")).map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn urls_of_anything_else_are_refused_without_a_word_of_them() {
    for url in [
        "",
        "postgres",
        "mysql://app:hunter2@localhost/app",
        "postgres://app:hunter2@local host/app",
        "postgres://app:hunter2@localhost:port/app",
        "postgres://app:hunter2@localhost/app?sslmode=hunter2",
        "postgres://app:hunter2%ff@localhost/app",
    ] {
        let error = PostgresStore::connect_lazy(url).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::OutOfRange, "{url}");
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
    PostgresStore::connect_lazy("postgresql://localhost").unwrap();
}

fn assert_hides_password(error: &StoreError) {
    let mut shown = format!("{error:?}");
    let mut source: Option<&dyn Error> = Some(error);
    while let Some(error) = source {
        shown += &format!("\n{error}");
        source = error.source();
    }
    for hidden in [PASSWORD, "wr0ng", "postgres://"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

#[tokio::test]
async fn no_password_is_in_an_error() {
    let Some(server) = shared() else { return };
    let wrong = PostgresStore::connect_lazy(&server.url().replace(PASSWORD, "wr0ng")).unwrap();
    assert_hides_password(&begin(&wrong, "ada", "first").await.unwrap_err());
    let nowhere = format!("postgres://postgres:{PASSWORD}@127.0.0.1:1/postgres");
    let nowhere = PostgresStore::connect_lazy(&nowhere).unwrap();
    let began = Instant::now();
    assert_hides_password(&begin(&nowhere, "ada", "first").await.unwrap_err());
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_take_one_round_trip() {
    let Some(server) = shared() else { return };
    let (port, answers) = slow_link::listen(server.socket()).await;
    let url = format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}/postgres?sslmode=disable");
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false)
        .connect_lazy(&url)
        .unwrap();
    let store = PostgresStore::from_pool(pool).with_table_prefix("trips_").unwrap();
    // The first time, a statement is prepared. Then the pool has its connection back.
    macro_rules! trips {
        ($call:expr) => {{
            $call.await.unwrap();
            sleep(DELAY * 3).await;
            let before = answers.load(Ordering::SeqCst);
            $call.await.unwrap();
            let trips = answers.load(Ordering::SeqCst) - before;
            sleep(DELAY * 3).await;
            trips
        }};
    }
    let user_id = &UserId::from("ada");
    let keep_until = at(KEPT);
    let token = Revocation::Token { jti: "jti", user_id, keep_until };
    let user = Revocation::User { user_id, except: None, keep_until };
    let adopt = |id: String| {
        let store = store.clone();
        async move { spend_as(&store, &id, "first", "next", |it| it.with_adoption(true)).await }
    };
    assert_eq!(trips!(store.generation()), 1, "generation");
    assert_eq!(trips!(begin(&store, &new_id(), "first")), 1, "begin");
    assert_eq!(trips!(spend(&store, "ada", "first", "second")), 1, "spend");
    assert_eq!(trips!(adopt(new_id())), 1, "spend with adoption");
    assert_eq!(trips!(store.revoke(&token, at(1))), 1, "revoke a token");
    assert_eq!(trips!(end(&store, &new_id())), 1, "revoke a session");
    assert_eq!(trips!(store.revoke(&user, at(1))), 1, "revoke a user");
    assert_eq!(trips!(is_spent(&store, "ada", "first")), 1, "is_revoked");
    assert_eq!(trips!(store.sessions(user_id, at(0), Page::first())), 1, "sessions");
    let ids = [new_id(), new_id()];
    let mut ids = ids.iter();
    let mut limited = || {
        let id = ids.next().unwrap();
        NewSession::new(id, user_id, "first", at(0)).with_limit(1.try_into().ok())
    };
    assert_eq!(trips!(store.begin(&limited())), 1, "begin with a limit");
}

/// An adoption does not see a revocation that is not committed yet, nor is it seen by it.
#[tokio::test]
async fn an_adoption_does_not_outlive_a_revocation_at_the_same_time() {
    let Some(schema) = Schema::new().await else { return };
    let store = schema.connect();
    store.migrate().await.unwrap();
    let mut other = schema.open().await;
    let mut revocation = other.begin().await.unwrap();
    let statement = SqlStore::statements(&store);
    let statement = statement.iter().find(|sql| sql.contains("WITH raised")).unwrap();
    sqlx::query(AssertSqlSafe(&**statement))
        .bind("ada")
        .bind(5_i64)
        .bind(None::<&str>)
        .bind(KEPT as i64)
        .execute(&mut *revocation)
        .await
        .unwrap();
    let spent = spend_as(&store, "ada", "ada", "second", |spend| spend.with_adoption(true)).await;
    assert_eq!(spent.unwrap(), Spent::First, "nothing is known of the revocation");
    revocation.commit().await.unwrap();

    assert!(is_spent(&store, "ada", "second").await.unwrap());
    let access = TokenRef::new("ada", at(6)).with_session(Some("ada"));
    assert!(store.is_revoked(&access).await.unwrap());
    assert!(store.sessions(&"ada".into(), at(1), Page::first()).await.unwrap().sessions.is_empty());
    assert_eq!(spend(&store, "ada", "second", "third").await.unwrap(), Spent::Revoked);
}

#[tokio::test]
async fn a_role_that_may_only_use_the_tables_can() {
    let Some(schema) = Schema::new().await else { return };
    schema.connect().migrate().await.unwrap();
    let name = &schema.name;
    schema
        .execute(&format!(
            "CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'; GRANT USAGE ON SCHEMA {name} TO {name};
            GRANT SELECT, INSERT, UPDATE, DELETE ON
                jwt_sessions, jwt_tokens, jwt_users, jwt_generation TO {name};
            GRANT SELECT ON jwt_migrations TO {name}"
        ))
        .await;
    let url = schema.url().replace("//postgres:", &format!("//{name}:"));
    call_everything(&PostgresStore::connect_lazy(&url).unwrap()).await;
}

/// Isolation that is stricter by default costs nothing but repetitions.
#[tokio::test(flavor = "multi_thread")]
async fn serializable_transactions_are_tried_again() {
    let Some(schema) = Schema::new().await else { return };
    let url = format!("{}&options[default_transaction_isolation]=serializable", schema.url());
    let store = PostgresStore::connect_lazy(&url).unwrap();
    begin(&store, "ada", "first").await.unwrap();
    let calls: Vec<_> = (0..10)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move { spend(&store, "ada", "first", &number.to_string()).await })
        })
        .collect();
    let mut winners = 0;
    for call in calls {
        winners += usize::from(call.await.unwrap().unwrap() == Spent::First);
    }
    assert_eq!(winners, 1);
}

/// Calls that all fail, within the deadline that layers have.
async fn assert_away(store: &PostgresStore) {
    let calls: Vec<_> = (0..30)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let began = Instant::now();
                let id = format!("away {number}");
                let answer = match number % 3 {
                    0 => timeout(DEADLINE, begin(&store, &id, "first")).await.map(|it| it.is_err()),
                    1 => timeout(DEADLINE, is_spent(&store, "ada", "first"))
                        .await
                        .map(|it| it.is_err()),
                    _ => timeout(DEADLINE, end(&store, "ada")).await.map(|it| it.is_err()),
                };
                assert!(answer.unwrap_or(true), "there is no server to answer");
                began.elapsed()
            })
        })
        .collect();
    for call in calls {
        let took = call.await.unwrap();
        assert!(took < DEADLINE + Duration::from_millis(300), "{took:?}");
    }
}

/// The first call, made within the deadline, is answered.
async fn assert_back(store: &PostgresStore, newest: &mut String) {
    let began = Instant::now();
    let successor = new_id();
    let spent = timeout(DEADLINE, spend(store, "ada", newest, &successor)).await;
    assert_eq!(spent.expect("an answer").unwrap(), Spent::First);
    assert!(is_spent(store, "ada", newest).await.unwrap(), "nothing was lost");
    *newest = successor;
    assert!(is_spent(store, "bob", "first").await.unwrap(), "nothing was lost");
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
}

/// Fills the pool with connections.
async fn warm(store: &PostgresStore) {
    let calls: Vec<_> = (0..40).map(|_| is_spent(store, "ada", "first")).collect();
    for answer in futures::future::join_all(calls).await {
        answer.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_was_away_is_used_as_soon_as_it_is_back() {
    let Some(server) = Server::start() else { return };
    server.kill();
    let store = PostgresStore::connect_lazy(&server.url()).unwrap();
    assert_away(&store).await;
    server.run();
    begin(&store, "ada", "first").await.unwrap();
    begin(&store, "bob", "first").await.unwrap();
    end(&store, "bob").await.unwrap();
    let mut newest = String::from("first");
    assert_back(&store, &mut newest).await;

    // All idle connections are dead, and not known to be.
    for _ in 0..3 {
        warm(&store).await;
        server.kill();
        server.run();
        assert_back(&store, &mut newest).await;
    }

    warm(&store).await;
    server.signal("-STOP");
    assert_away(&store).await;
    assert_away(&store).await;
    server.signal("-CONT");
    // What hung while the server did was carried out by it now, in part: this is another session.
    begin(&store, "eve", "first").await.unwrap();
    assert!(!is_spent(&store, "eve", "first").await.unwrap());
    assert!(is_spent(&store, "bob", "first").await.unwrap(), "nothing was lost");

    warm(&store).await;
    server.signal("-STOP");
    assert_away(&store).await;
    server.kill();
    assert_away(&store).await;
    server.run();
    let began = Instant::now();
    assert_eq!(spend(&store, "eve", "first", "second").await.unwrap(), Spent::First);
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    assert_eq!(spend(&store, "bob", "first", "second").await.unwrap(), Spent::Revoked);
}

/// Spends in a stream while the server is killed again and again: what was told stays true, and
/// only what is under way may fail.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_loses_nothing_it_told() {
    let Some(server) = Server::start() else { return };
    let store = PostgresStore::connect_lazy(&server.url()).unwrap();
    store.migrate().await.unwrap();
    let streams: Vec<_> = (0..8)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let id = format!("stream {number}");
                begin(&store, &id, "first").await.unwrap();
                let mut newest = String::from("first");
                let (mut told, mut failed) = (0, 0);
                let began = Instant::now();
                while began.elapsed() < Duration::from_secs(8) {
                    let successor = new_id();
                    match timeout(DEADLINE, spend(&store, &id, &newest, &successor)).await {
                        Ok(Ok(Spent::First)) => {
                            newest = successor;
                            told += 1;
                        }
                        Ok(Ok(other)) => panic!("{other:?} after {told}"),
                        // It may have been carried out or not, and it is the same when it is made again.
                        Ok(Err(_)) | Err(_) => {
                            failed += 1;
                            loop {
                                match timeout(DEADLINE, spend(&store, &id, &newest, &successor))
                                    .await
                                {
                                    Ok(Ok(Spent::First)) => break,
                                    Ok(Ok(other)) => panic!("{other:?} after {told}"),
                                    Ok(Err(_)) | Err(_) => failed += 1,
                                }
                            }
                            newest = successor;
                        }
                    }
                }
                assert!(!is_spent(&store, &id, &newest).await.unwrap());
                (told, failed)
            })
        })
        .collect();
    for _ in 0..10 {
        sleep(Duration::from_millis(500)).await;
        server.kill();
        server.run();
    }
    let mut all = (0, 0);
    for stream in streams {
        let (told, failed) = stream.await.unwrap();
        all = (all.0 + told, all.1 + failed);
    }
    assert!(all.0 > 100, "{all:?}");
}

/// A call does not wait until the pool has asked the server about the connection of the last one.
#[tokio::test(flavor = "multi_thread")]
async fn a_connection_goes_from_call_to_call() {
    let Some(server) = shared() else { return };
    let (port, answers) = slow_link::listen(server.socket()).await;
    let url = format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}/postgres?sslmode=disable");
    let connect =
        |url: &str| PostgresStore::connect_lazy(url).unwrap().with_table_prefix("next_").unwrap();
    connect(&server.url()).migrate().await.unwrap();
    let store = connect(&url).with_automatic_migration(false);
    let answers_to = async |calls| {
        let before = answers.load(Ordering::SeqCst);
        for _ in 0..calls {
            is_spent(&store, "ada", "first").await.unwrap();
        }
        answers.load(Ordering::SeqCst) - before
    };
    // The first call connects and prepares.
    answers_to(1).await;
    assert_eq!(answers_to(10).await, 10);
}

/// Others may be waiting for it.
#[tokio::test]
async fn a_connection_of_a_shared_pool_goes_back_at_once() {
    let Some(server) = shared() else { return };
    // A busy machine may take longer than the wait now and then.
    for _ in 0..10 {
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy(&server.url()).unwrap();
        let store = PostgresStore::from_pool(pool.clone()).with_table_prefix("back_").unwrap();
        is_spent(&store, "ada", "first").await.unwrap();
        if timeout(Duration::from_millis(300), pool.acquire()).await.is_ok() {
            return;
        }
    }
    panic!("the connection stays away");
}

#[test]
fn a_store_may_outlive_its_runtime() {
    let Some(server) = shared() else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(async {
        let store = PostgresStore::connect_lazy(&server.url()).unwrap();
        let store = store.with_table_prefix("outlives_").unwrap();
        is_spent(&store, "ada", "first").await.unwrap();
        store
    });
    drop(runtime);
    drop(store);
}
