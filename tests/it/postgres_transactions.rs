//! Transactions that are interrupted as they begin, and transactions that cannot write.

use std::time::Duration;

use sqlx::{AssertSqlSafe, PgConnection, raw_sql};
use tokio::{task::JoinHandle, time::sleep};
use tower_jwt_auth::{
    store::{NewSession, PostgresStore, Revocation, StoreError, TokenRef, TokenStore},
    token::UserId,
};

use crate::{
    postgres_store::Schema,
    sql_store::Database,
    support::{
        postgres::shared,
        session::{KEPT, at, end, new_id},
    },
};

/// A store whose logins with a limit block, since another connection holds the lock of the user.
struct Blocked {
    schema: Schema,
    store: PostgresStore,
    other: PgConnection,
}

impl Blocked {
    async fn new() -> Option<Self> {
        let schema = Schema::new().await?;
        let url = format!("{}&application_name={}", schema.url(), schema.name());
        let store = PostgresStore::connect_lazy(&url).unwrap();
        let mut blocked = Self { other: schema.open().await, schema, store };
        blocked.log_in().await.unwrap();
        // A login that holds its lock and waits for the table reveals the key of the lock.
        blocked.execute("BEGIN; LOCK TABLE jwt_sessions").await;
        let login = blocked.spawn_login();
        let lock = blocked.lock(true).await;
        blocked.execute("ROLLBACK").await;
        login.await.unwrap().unwrap();
        blocked.execute(&format!("SELECT pg_advisory_lock({lock})")).await;
        Some(blocked)
    }

    async fn log_in(&self) -> Result<(), StoreError> {
        log_in(&self.store, self.schema.name()).await
    }

    fn spawn_login(&self) -> JoinHandle<Result<(), StoreError>> {
        let (store, user) = (self.store.clone(), self.schema.name().to_owned());
        tokio::spawn(async move { log_in(&store, &user).await })
    }

    /// Returns the lock that a login holds or, if `granted` is `false`, waits for.
    async fn lock(&mut self, granted: bool) -> i64 {
        let sql = "SELECT classid::bigint << 32 | objid::bigint
            FROM pg_locks JOIN pg_stat_activity USING (pid)
            WHERE locktype = 'advisory' AND granted = $1 AND application_name = $2";
        loop {
            let lock = sqlx::query_scalar(sql).bind(granted).bind(self.schema.name());
            if let Some(lock) = lock.fetch_optional(&mut self.other).await.unwrap() {
                return lock;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    async fn execute(&mut self, sql: &str) {
        raw_sql(AssertSqlSafe(sql)).execute(&mut self.other).await.unwrap();
    }

    /// Unblocks logins and asserts that the store commits its writes.
    async fn assert_recovers(mut self) {
        self.execute("SELECT pg_advisory_unlock_all()").await;
        let others = self.schema.connect();
        for _ in 0..10 {
            let id = new_id();
            let (user_id, keep_until) = (&UserId::from(&*id), at(KEPT));
            let revocation = Revocation::Token { jti: &id, user_id, keep_until };
            self.store.revoke(&revocation, at(0)).await.unwrap();
            let token = TokenRef::new(&id, at(0)).with_jti(Some(&id));
            assert!(others.is_revoked(&token).await.unwrap(), "the revocation was not committed");
            log_in(&others, self.schema.name()).await.unwrap();
            self.log_in().await.unwrap();
        }
    }
}

async fn log_in(store: &PostgresStore, user_id: &str) -> Result<(), StoreError> {
    let (id, user) = (new_id(), UserId::from(user_id));
    let session = NewSession::new(&id, &user, "first", at(0)).with_expiry(at(KEPT), at(KEPT));
    store.begin(&session.with_limit(5.try_into().ok())).await.map(drop)
}

#[tokio::test]
async fn a_login_that_times_out_leaves_no_open_transaction() {
    let Some(blocked) = Blocked::new().await else { return };
    blocked.log_in().await.unwrap_err();
    blocked.assert_recovers().await;
}

#[tokio::test]
async fn a_login_that_is_dropped_leaves_no_open_transaction() {
    let Some(mut blocked) = Blocked::new().await else { return };
    let login = blocked.spawn_login();
    blocked.lock(false).await;
    login.abort();
    assert!(login.await.unwrap_err().is_cancelled());
    blocked.assert_recovers().await;
}

/// A replica can become the primary, so the store retries.
#[tokio::test]
async fn pauses_between_retries_on_a_read_only_server() {
    let Some(schema) = Schema::new().await else { return };
    let url = format!("{}&options[default_transaction_read_only]=on", schema.url());
    let prefix = format!("{}_", schema.name().replace("schema_", "refuses_"));
    let store = |url: &str| PostgresStore::connect_lazy(url).unwrap().with_table_prefix(&prefix);
    store(&schema.url()).unwrap().migrate().await.unwrap();
    let store = store(&url).unwrap().with_automatic_migration(false);
    end(&store, "ada").await.unwrap_err();
    let refused = format!("UPDATE {prefix}sessions");
    let tries = shared().unwrap().log().matches(&refused).count();
    assert!((2..=100).contains(&tries), "{tries}");
}
