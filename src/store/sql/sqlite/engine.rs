//! The SQLite engine.

use std::{fmt, str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, Error, SqlStr, Sqlite, SqliteConnection,
    error::DatabaseError,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};

use crate::error::ConfigError;

use super::super::{
    connections::Connections,
    dialect::Dialect,
    engine::{Access, Call, Engine, Param, common_methods},
    lease::Lease,
    schema::{ATTEMPTS, GENERATIONS, TABLES},
    statement::Statement,
};

/// How long a call that writes waits for other calls of this process.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(1100);
/// How long it then waits for other processes. The sum stays below the default deadline.
const BUSY_TIMEOUT: Duration = Duration::from_millis(800);
/// The number of concurrent reads.
const READERS: u32 = 4;

/// A SQLite file and its connections.
#[derive(Clone)]
pub(crate) struct SqliteEngine {
    /// One connection. Calls wait for it in order, which the locks of SQLite do not ensure.
    writer: Connections<Sqlite>,
    readers: Connections<Sqlite>,
}

impl fmt::Debug for SqliteEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteEngine").finish_non_exhaustive()
    }
}

impl SqliteEngine {
    pub(crate) fn connect_lazy(url: &str) -> Result<Self, ConfigError> {
        let options = options(url, "mode=rwc")?
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        Ok(Self::with_options(&options))
    }

    /// A file of another application at `url`. By default it is not created if it is missing.
    #[cfg(feature = "django")]
    pub(crate) fn connect_lazy_as_it_is(url: &str) -> Result<Self, ConfigError> {
        Ok(Self::with_options(&options(url, "mode=rw")?))
    }

    fn with_options(options: &SqliteConnectOptions) -> Self {
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                // Connections to a file do not break, so they are neither tested nor replaced.
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None)
                .connect_lazy_with(options.clone())
        };
        // Calls pause after each other, so that other processes can write. These check the lock
        // only now and then.
        Self { writer: Connections::Shared(pool(1)), readers: Connections::Shared(pool(READERS)) }
    }
}

/// Parses `url`. `default` replaces missing parameters.
fn options(url: &str, default: &str) -> Result<SqliteConnectOptions, ConfigError> {
    const MALFORMED: ConfigError = ConfigError::out_of_range(
        "the SQLite URL must have the form sqlite:/path/to/file, with no parameter except mode",
    );
    const IN_MEMORY: ConfigError = ConfigError::ineffective(
        "connections cannot share a SQLite database in memory: use MemoryStore",
    );
    let path = url.strip_prefix("sqlite:").ok_or(MALFORMED)?;
    let path = path.strip_prefix("//").unwrap_or(path);
    let (file, parameters) = path.split_once('?').unwrap_or((path, default));
    if file == ":memory:" || parameters == "mode=memory" {
        return Err(IN_MEMORY);
    }
    if file.is_empty() || !matches!(parameters, "mode=rw" | "mode=rwc") {
        return Err(MALFORMED);
    }
    Ok(SqliteConnectOptions::from_str(&format!("sqlite://{path}"))
        .map_err(|_| MALFORMED)?
        .create_if_missing(parameters == "mode=rwc")
        .busy_timeout(BUSY_TIMEOUT)
        .disable_statement_logging())
}

impl Engine for SqliteEngine {
    type Db = Sqlite;

    const DIALECT: Dialect = DIALECT;

    fn connections(&self, access: Access) -> &Connections<Sqlite> {
        match access {
            Access::Read => &self.readers,
            Access::Write => &self.writer,
        }
    }

    fn is_transient(code: &str) -> bool {
        // SQLITE_BUSY. SQLite returns it at once if the first connections to a new file race to
        // turn on write-ahead logging, and otherwise after the timeout.
        code.parse::<i32>().is_ok_and(|code| code & 0xff == 5)
    }

    fn is_misconfigured(_: &str) -> bool {
        false
    }

    fn ends_connection(_: &dyn DatabaseError) -> bool {
        false
    }

    async fn run<'a>(
        lease: &'a mut Lease<Sqlite>,
        call: Call<'a>,
    ) -> Result<Vec<Vec<SqliteRow>>, Error> {
        let Some(lock) = call.lock else {
            let connection = lease.connection()?;
            let mut all = Vec::with_capacity(call.statements.len());
            for statement in call.statements {
                all.push(fetch(connection, statement, call.params).await?);
            }
            return Ok(all);
        };
        let mut transaction = lease.begin(Self::begin(lock)).await?;
        let mut all = Vec::with_capacity(call.statements.len());
        for statement in call.statements {
            let rows = fetch(&mut transaction, statement, call.params).await?;
            let is_last = rows.is_empty();
            all.push(rows);
            if is_last {
                break;
            }
        }
        transaction.commit().await?;
        Ok(all)
    }

    fn begin(_: i64) -> SqlStr {
        // There is one lock for the whole file. A lock taken later would let another writer in
        // first.
        SqlStr::from_static("BEGIN IMMEDIATE")
    }

    common_methods!(SqliteConnection, SqliteRow);
}

async fn fetch(
    connection: &mut SqliteConnection,
    statement: &Statement,
    params: &[Param<'_>],
) -> Result<Vec<SqliteRow>, Error> {
    let mut query = sqlx::query(statement.sql().clone());
    for param in params {
        query = match param {
            Param::Text(text) => query.bind(text.as_deref()),
            Param::Int(int) => query.bind(*int),
        };
    }
    query.fetch_all(connection).await
}

const DIALECT: Dialect = Dialect {
    text: "TEXT",
    // The primary key contains the rows, so a write changes one tree less.
    table: "WITHOUT ROWID",
    greatest: "max",
    least: "min",
    any: ("IN (", ")"),
    writing_ctes: false,
    notices: false,
    migrations: &[TABLES, GENERATIONS, ATTEMPTS],
    // The database has the same clock as its callers.
    due: "$1",
    purge: "DELETE FROM {table} WHERE ({key}) IN (
        SELECT {key} FROM {table} WHERE keep_until <= {due}
        ORDER BY keep_until LIMIT $2) RETURNING 1",
    purge_users: "DELETE FROM {users} WHERE user_id IN (
        SELECT user_id FROM {users} WHERE keep_until <= {due} ORDER BY keep_until LIMIT $2)
        AND NOT EXISTS (SELECT 1 FROM {sessions} s WHERE s.user_id = {users}.user_id) RETURNING 1",
    postpone_users: "UPDATE {users} SET keep_until = $3 WHERE user_id IN (
        SELECT user_id FROM {users} WHERE keep_until <= {due} ORDER BY keep_until LIMIT $2)
        AND EXISTS (SELECT 1 FROM {sessions} s WHERE s.user_id = {users}.user_id) RETURNING 1",
};
