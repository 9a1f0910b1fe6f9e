//! What only PostgreSQL does.

use std::{
    fmt::{self, Write},
    str::FromStr,
    time::Duration,
};

use sqlx::{
    AssertSqlSafe, ConnectOptions, PgConnection, PgPool, Postgres, SqlSafeStr, SqlStr,
    postgres::{PgConnectOptions, PgPoolOptions, PgRow},
};

use crate::error::ConfigError;

use super::super::{
    connections::Connections,
    dialect::Dialect,
    engine::{Access, Engine, statements_of},
    schema::{ENDED_SESSIONS, GENERATIONS, TABLES},
};

/// How long a call waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
/// How long the server works on a statement. What the caller has given up on must not happen later.
const STATEMENT_TIMEOUT: &str = "900ms";

/// A PostgreSQL database, with its connections.
#[derive(Clone)]
pub(crate) struct PostgresEngine {
    connections: Connections<Postgres>,
}

impl fmt::Debug for PostgresEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresEngine").finish_non_exhaustive()
    }
}

impl PostgresEngine {
    /// The database at `url`.
    pub(crate) fn connect_lazy(url: &str) -> Result<Self, ConfigError> {
        const MALFORMED: ConfigError = ConfigError::out_of_range(
            "the PostgreSQL URL must have the form postgres://user:password@host:port/database",
        );
        if !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(MALFORMED);
        }
        let mut options =
            PgConnectOptions::from_str(url).map_err(|_| MALFORMED)?.disable_statement_logging();
        if !options.get_options().is_some_and(|options| options.contains("statement_timeout")) {
            options = options.options([("statement_timeout", STATEMENT_TIMEOUT)]);
        }
        if options.get_application_name().is_none() {
            options = options.application_name(env!("CARGO_PKG_NAME"));
        }
        let pool = PgPoolOptions::new()
            .acquire_timeout(ACQUIRE_TIMEOUT)
            // A round trip for each call; a dead connection is replaced when it shows.
            .test_before_acquire(false)
            .connect_lazy_with(options);
        Ok(Self { connections: Connections::handed_on(pool) })
    }

    pub(super) fn from_pool(pool: PgPool) -> Self {
        Self { connections: Connections::returned(pool) }
    }
}

impl Engine for PostgresEngine {
    type Db = Postgres;

    const DIALECT: Dialect = DIALECT;

    fn connections(&self, _: Access) -> &Connections<Postgres> {
        &self.connections
    }

    fn is_transient(code: &str) -> bool {
        // https://www.postgresql.org/docs/current/errcodes-appendix.html
        code.starts_with("08") // connection exceptions
            || [
                "25006", // read-only: the server has become a replica
                "40001", // serialization failure, where a stricter isolation is the default
                "40P01", // deadlock
                "57P01", // the server stops
                "57P02", // another process of it has crashed
                "57P03", // it is starting
            ]
            .contains(&code)
    }

    fn begin(lock: i64) -> SqlStr {
        // The lock must be had before the snapshot is made, which READ COMMITTED makes for each
        // statement.
        let mut sql = String::from("BEGIN ISOLATION LEVEL READ COMMITTED; ");
        let _ = write!(sql, "SELECT pg_advisory_xact_lock({lock})");
        AssertSqlSafe(sql).into_sql_str()
    }

    statements_of!(PgConnection, PgRow);
}

const DIALECT: Dialect = Dialect {
    // Indexes on locale-aware text break if the locales of the C library change.
    text: "TEXT COLLATE \"C\"",
    table: "",
    greatest: "greatest",
    least: "least",
    // The array makes the inner query run once. Joined, it might run again and return other rows,
    // or all rows of a user might be read.
    any: ("= ANY (ARRAY(", "))"),
    writing_ctes: true,
    notices: true,
    migrations: &[TABLES, ENDED_SESSIONS, GENERATIONS],
    // Rows in use are left for the next time, so that nobody waits for anybody.
    purge: "DELETE FROM {table} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM {table} WHERE keep_until <= $1
        ORDER BY keep_until LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1",
    // The inner query runs for each row. PostgreSQL would join what is written with `EXISTS`, and read
    // all sessions.
    purge_users: "DELETE FROM {users} WHERE ctid = ANY (ARRAY(
        SELECT d.ctid FROM (
            SELECT ctid, user_id FROM {users} WHERE keep_until <= $1
            ORDER BY keep_until LIMIT $2 FOR UPDATE SKIP LOCKED) d
        WHERE (SELECT 1 FROM {sessions} s WHERE s.user_id = d.user_id LIMIT 1) IS NULL)) RETURNING 1",
    postpone_users: "UPDATE {users} SET keep_until = $3 WHERE ctid = ANY (ARRAY(
        SELECT d.ctid FROM (
            SELECT ctid, user_id FROM {users} WHERE keep_until <= $1
            ORDER BY keep_until LIMIT $2 FOR UPDATE SKIP LOCKED) d
        WHERE (SELECT 1 FROM {sessions} s WHERE s.user_id = d.user_id LIMIT 1) IS NOT NULL))
        RETURNING 1",
};
