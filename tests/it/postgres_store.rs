//! Tests of the PostgreSQL store.

use std::{
    error::Error,
    sync::atomic::Ordering,
    time::{Duration, SystemTime},
};

use futures::TryStreamExt;
use sqlx::{AssertSqlSafe, Connection, PgConnection, postgres::PgPoolOptions, raw_sql};
use tokio::time::sleep;
use tower_jwt_auth::{
    NumericDate,
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

mod conformance {
    use tower_jwt_auth::store::PostgresStore;

    use crate::support::{postgres::shared, retrying::RetryingStore};

    fn connect() -> Option<RetryingStore<PostgresStore>> {
        Some(RetryingStore(PostgresStore::connect_lazy(&shared()?.url()).unwrap()))
    }

    tower_jwt_auth::token_store_conformance!({
        let Some(store) = connect() else { return };
        store
    });
}

mod pooled_conformance {
    use std::time::Duration;

    use sqlx::postgres::PgPoolOptions;
    use tower_jwt_auth::store::PostgresStore;

    use crate::support::{postgres::shared, retrying::RetryingStore};

    fn connect() -> Option<RetryingStore<PostgresStore>> {
        let timeout = Duration::from_secs(60);
        let pool = PgPoolOptions::new().acquire_timeout(timeout).test_before_acquire(false);
        let store = PostgresStore::from_pool(pool.connect_lazy(&shared()?.url()).ok()?);
        Some(RetryingStore(store.with_table_prefix("shared_").unwrap()))
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

/// A schema for one test on the shared server.
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

    /// Reads the plans from the log of the server.
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
        let words = |lines: &str| lines.split_whitespace().collect::<Vec<_>>().join(" ");
        let flat = words(&log);
        for statement in store.statements() {
            assert!(flat.contains(&words(statement)), "no plan was logged for {statement}");
        }
        log.lines().filter(|line| line.contains("Scan")).map(str::to_owned).collect()
    }
}

#[tokio::test]
async fn rejects_invalid_urls_without_showing_them() {
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
async fn errors_contain_no_password() {
    let Some(server) = shared() else { return };
    let wrong = PostgresStore::connect_lazy(&server.url().replace(PASSWORD, "wr0ng")).unwrap();
    assert_hides_password(&begin(&wrong, "ada", "first").await.unwrap_err());
    let nowhere = format!("postgres://postgres:{PASSWORD}@127.0.0.1:1/postgres");
    let nowhere = PostgresStore::connect_lazy(&nowhere).unwrap();
    assert_hides_password(&begin(&nowhere, "ada", "first").await.unwrap_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_take_one_round_trip() {
    let Some(server) = shared() else { return };
    let (port, responses) = slow_link::listen("127.0.0.1", server.socket()).await;
    let url = format!("postgres://postgres:{PASSWORD}@127.0.0.1:{port}/postgres?sslmode=disable");
    let pool = PgPoolOptions::new()
        .max_connections(1)
        .test_before_acquire(false)
        .connect_lazy(&url)
        .unwrap();
    let store = PostgresStore::from_pool(pool).with_table_prefix("trips_").unwrap();
    // The first call prepares the statement. The pauses let the pool reclaim its connection.
    macro_rules! trips {
        ($call:expr) => {{
            $call.await.unwrap();
            sleep(DELAY * 3).await;
            let before = responses.load(Ordering::SeqCst);
            $call.await.unwrap();
            let trips = responses.load(Ordering::SeqCst) - before;
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

/// Neither the adoption nor the uncommitted revocation sees the changes of the other.
#[tokio::test]
async fn an_adoption_does_not_survive_a_concurrent_revocation() {
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
    assert_eq!(spent.unwrap(), Spent::First, "an uncommitted revocation takes effect");
    revocation.commit().await.unwrap();

    assert!(is_spent(&store, "ada", "second").await.unwrap());
    let access = TokenRef::new("ada", at(6)).with_session(Some("ada"));
    assert!(store.is_revoked(&access).await.unwrap());
    assert!(store.sessions(&"ada".into(), at(1), Page::first()).await.unwrap().sessions.is_empty());
    assert_eq!(spend(&store, "ada", "second", "third").await.unwrap(), Spent::Revoked);
}

/// A trigger of the database's administrator can have an `INSERT` do nothing.
#[tokio::test]
async fn the_revocation_of_a_user_that_was_not_stored_fails() {
    let Some(schema) = Schema::new().await else { return };
    let store = schema.connect();
    begin(&store, "ada", "first").await.unwrap();
    let sql = "CREATE FUNCTION skip() RETURNS trigger LANGUAGE plpgsql
            AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER skip BEFORE INSERT ON jwt_users FOR EACH ROW EXECUTE FUNCTION skip()";
    schema.execute(sql).await;
    let (user_id, except) = (&UserId::from("ada"), None);
    let revocation = Revocation::User { user_id, except, keep_until: at(KEPT) };
    store.revoke(&revocation, at(1)).await.unwrap_err();
    assert!(!is_spent(&store, "ada", "first").await.unwrap());
}

#[tokio::test]
async fn works_with_a_role_that_cannot_create_tables() {
    let Some(schema) = Schema::new().await else { return };
    schema.connect().migrate().await.unwrap();
    let name = &schema.name;
    schema
        .execute(&format!(
            "CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'; GRANT USAGE ON SCHEMA {name} TO {name};
            GRANT SELECT, INSERT, UPDATE, DELETE ON
                jwt_sessions, jwt_tokens, jwt_users, jwt_generation, jwt_attempts TO {name};
            GRANT SELECT ON jwt_migrations TO {name}"
        ))
        .await;
    let url = schema.url().replace("//postgres:", &format!("//{name}:"));
    call_everything(&PostgresStore::connect_lazy(&url).unwrap()).await;
}

/// The default isolation level of the database may be stricter than the store requires.
#[tokio::test(flavor = "multi_thread")]
async fn serialization_failures_are_retried() {
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

/// The columns and indexes of the tables, and the versions of the migrations.
async fn catalog(schema: &Schema) -> Vec<String> {
    let sql = format!(
        "SELECT concat_ws(' ', table_name, ordinal_position, column_name, data_type, is_nullable,
                column_default, collation_name)
            FROM information_schema.columns WHERE table_schema = '{0}'
        UNION ALL
        SELECT replace(indexdef, '{0}.', '') FROM pg_indexes WHERE schemaname = '{0}'
        UNION ALL
        SELECT version::text FROM jwt_migrations
        ORDER BY 1",
        schema.name(),
    );
    sqlx::query_scalar(AssertSqlSafe(sql)).fetch_all(&mut schema.open().await).await.unwrap()
}

#[tokio::test]
async fn an_unprivileged_role_uses_tables_made_from_the_schema() {
    let (Some(migrated), Some(schema)) = (Schema::new().await, Schema::new().await) else { return };
    migrated.connect().migrate().await.unwrap();
    let store = schema.connect();
    schema.execute(&format!("BEGIN; {} COMMIT;", store.schema())).await;
    let tables = catalog(&schema).await;
    assert!(tables.len() > 30, "{tables:#?}");
    assert_eq!(tables, catalog(&migrated).await);

    // The privileges are those that the documentation of the store lists.
    let role = format!("role_{}", schema.name());
    schema
        .execute(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{PASSWORD}';
            GRANT USAGE ON SCHEMA {} TO {role};
            GRANT SELECT, INSERT, UPDATE, DELETE
                ON jwt_sessions, jwt_tokens, jwt_users, jwt_generation, jwt_attempts TO {role};
            GRANT SELECT ON jwt_migrations TO {role}",
            schema.name(),
        ))
        .await;
    let url = schema.url().replace("//postgres:", &format!("//{role}:"));
    for automatic in [true, false] {
        let store = PostgresStore::connect_lazy(&url).unwrap().with_automatic_migration(automatic);
        call_everything(&store).await;
        store.migrate().await.unwrap();
    }
    assert_eq!(catalog(&schema).await, tables);
    let other = PostgresStore::connect_lazy(&url).unwrap().with_table_prefix("other_").unwrap();
    assert!(other.ping().await.is_err(), "the role may create tables");
}

#[tokio::test]
async fn tables_of_each_version_are_upgraded() {
    let Some(schema) = Schema::new().await else { return };
    let scripts: Vec<_> = schema.connect().migrations().collect();
    assert_eq!(scripts.concat(), schema.connect().schema());
    for version in 1..=scripts.len() {
        let schema = Schema::new().await.unwrap();
        schema.execute(&scripts[..version].concat()).await;
        schema.execute("INSERT INTO jwt_tokens VALUES ('ada', 'old', 1000000)").await;
        let store = schema.connect();
        let token = TokenRef::new("ada", at(0)).with_jti(Some("old"));
        assert!(store.is_revoked(&token).await.unwrap());
        call_everything(&store).await;
    }
}

/// A machine whose clock is ahead of that of the server deletes nothing that the server's clock
/// still considers live.
#[tokio::test]
async fn purging_with_a_clock_that_is_ahead_deletes_nothing() {
    let Some(schema) = Schema::new().await else { return };
    let name = schema.name();
    schema
        .execute(&format!(
            "CREATE FUNCTION {name}.now() RETURNS timestamptz LANGUAGE sql STABLE
            AS 'SELECT pg_catalog.now() - interval ''1 day'''"
        ))
        .await;
    let url = format!("{},pg_catalog", schema.url());
    let store = PostgresStore::connect_lazy(&url).unwrap();
    let now = NumericDate::from(SystemTime::now());
    let (ada, bob) = (&UserId::from("ada"), &UserId::from("bob"));
    let due = now.saturating_sub(Duration::from_secs(10));
    let session = NewSession::new("s", ada, "0", due).with_expiry(due, due);
    store.begin(&session).await.unwrap();
    for revocation in [
        Revocation::Session { session_id: "s", user_id: ada, keep_until: due },
        Revocation::Token { jti: "1", user_id: ada, keep_until: due },
        Revocation::User { user_id: bob, except: None, keep_until: due },
    ] {
        store.revoke(&revocation, due).await.unwrap();
    }
    assert_eq!(store.purge(now, 100).await.unwrap(), 0);
    schema.execute(&format!("DROP FUNCTION {name}.now()")).await;
    assert_eq!(store.purge(now, 100).await.unwrap(), 3);
}
