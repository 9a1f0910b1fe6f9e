//! What only PostgreSQL does.

use std::{
    fmt::{self, Write},
    mem,
    str::FromStr,
    time::Duration,
};

use futures::TryStreamExt;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Either, Error, PgConnection, PgPool, Postgres, SqlSafeStr,
    SqlStr,
    error::DatabaseError,
    postgres::{PgConnectOptions, PgDatabaseError, PgRow, PgSeverity},
    raw_sql,
};

use crate::error::ConfigError;

use super::{
    super::{
        connections::{Connections, Taken},
        dialect::Dialect,
        engine::{Access, Call, Engine, common_methods},
        lease::Lease,
        own_pool::OwnPool,
        schema::{ATTEMPTS, ENDED_SESSIONS, GENERATIONS, TABLES},
        statement::Statement,
    },
    message::message,
    parameters,
};

const MAX_CONNECTIONS: usize = 10;
/// How long a call waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(1);
/// How often a message is changed and sent again because a statement is prepared or is not. Each
/// message has few statements, but a pooler may send each attempt to another server connection.
const MAX_CORRECTIONS: usize = 16;

// https://www.postgresql.org/docs/current/errcodes-appendix.html
const NOT_PREPARED: &str = "26000";
const PREPARED_ALREADY: &str = "42P05";

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
        if !parameters::are_known(url) {
            return Err(ConfigError::out_of_range(
                "the PostgreSQL URL has an unknown parameter: check the spelling, and remove those \
                 of other clients, such as channel_binding, connect_timeout and pgbouncer",
            ));
        }
        let mut options = PgConnectOptions::from_str(url)
            .map_err(|_| MALFORMED)?
            .disable_statement_logging()
            // Poolers refuse what they do not know, and no number is a float.
            .extra_float_digits(None);
        // sqlx leaves the brackets of IPv6 addresses in place.
        let host = options.get_host();
        if let Some(address) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
            let address = address.to_owned();
            options = options.host(&address);
        }
        if options.get_application_name().is_none() {
            options = options.application_name(env!("CARGO_PKG_NAME"));
        }
        let pool = OwnPool::new(options, MAX_CONNECTIONS, ACQUIRE_TIMEOUT);
        Ok(Self { connections: Connections::Own(pool) })
    }

    /// The database of a pool of the application.
    pub(crate) const fn from_pool(pool: PgPool) -> Self {
        Self { connections: Connections::Shared(pool) }
    }

    /// How connections are made.
    pub(super) fn connect_options(&self) -> PgConnectOptions {
        match &self.connections {
            Connections::Own(pool) => pool.options().clone(),
            Connections::Shared(pool) => (*pool.connect_options()).clone(),
        }
    }
}

impl Engine for PostgresEngine {
    type Db = Postgres;

    const DIALECT: Dialect = DIALECT;

    fn connections(&self, _: Access) -> &Connections<Postgres> {
        &self.connections
    }

    fn is_transient(code: &str) -> bool {
        code.starts_with("08") // connection exceptions
            || [
                "0A000", // a standby is asked to write, or a table has changed since `PREPARE`
                "25006", // read-only: the server has become a standby
                "40001", // serialization failure, where a stricter isolation is the default
                "40P01", // deadlock
                "53300", // too many connections
                "57P01", // the server stops
                "57P02", // another process of it has crashed
                "57P03", // it is starting
            ]
            .contains(&code)
    }

    fn is_misconfigured(code: &str) -> bool {
        // The role, its password or `pg_hba.conf`; or there is no such database.
        code.starts_with("28") || code == "3D000"
    }

    fn ends_connection(error: &dyn DatabaseError) -> bool {
        let severity = error.try_downcast_ref().map(PgDatabaseError::severity);
        matches!(severity, Some(PgSeverity::Fatal | PgSeverity::Panic))
    }

    async fn run<'a>(
        lease: &'a mut Lease<Postgres>,
        call: Call<'a>,
    ) -> Result<Vec<Vec<PgRow>>, Error> {
        // What the server connection has prepared is known only from its errors.
        let mut corrections = Vec::new();
        loop {
            let error = match run_once(lease, &call, &corrections).await {
                Err(error) if corrections.len() < MAX_CORRECTIONS => error,
                outcome => return outcome,
            };
            match Correction::of(&error, call.statements) {
                Some(correction) => corrections.push(correction),
                None => return Err(error),
            }
        }
    }

    fn begin(lock: i64) -> SqlStr {
        // See `message`. Only migrations take this long.
        let mut sql = String::from("BEGIN ISOLATION LEVEL READ COMMITTED; ");
        let _ = write!(sql, "SET LOCAL statement_timeout = '10min'; ");
        let _ = write!(sql, "SELECT pg_advisory_xact_lock({lock})");
        AssertSqlSafe(sql).into_sql_str()
    }

    common_methods!(PgConnection, PgRow);
}

/// What an error reveals about a statement: whether the server connection has it prepared.
struct Correction {
    /// The statement's index in the call.
    statement: usize,
    is_prepared: bool,
}

impl Correction {
    fn of(error: &Error, statements: &[Statement]) -> Option<Self> {
        let error = error.as_database_error()?;
        let is_prepared = match &*error.code()? {
            NOT_PREPARED => false,
            PREPARED_ALREADY => true,
            _ => return None,
        };
        // Messages are translated, but each of these contains the name.
        let message = error.message();
        let is_named = |statement: &Statement| message.contains(&**statement.name());
        Some(Self { statement: statements.iter().position(is_named)?, is_prepared })
    }
}

/// Sends a message that prepares the statements that are not known to be prepared. The latest
/// correction of a statement counts.
async fn run_once(
    lease: &mut Lease<Postgres>,
    call: &Call<'_>,
    corrections: &[Correction],
) -> Result<Vec<Vec<PgRow>>, Error> {
    let taken = lease.taken()?;
    let message = message(call, |number, statement| {
        match corrections.iter().rfind(|correction| correction.statement == number) {
            Some(correction) => !correction.is_prepared,
            None => match taken {
                Taken::Own(own, _) => !own.prepared.contains(statement.name()),
                // What is prepared on a connection of the application is not known.
                Taken::Shared(_) => false,
            },
        }
    });
    let mut results = raw_sql(AssertSqlSafe(message)).fetch_many(taken.connection());
    let (mut sets, mut rows) = (Vec::new(), Vec::new());
    while let Some(result) = results.try_next().await? {
        match result {
            Either::Right(row) => rows.push(row),
            Either::Left(_) => sets.push(mem::take(&mut rows)),
        }
    }
    drop(results);
    if let Taken::Own(own, _) = taken {
        for statement in call.statements {
            if !own.prepared.contains(statement.name()) {
                own.prepared.insert(statement.name().clone());
            }
        }
    }
    // The first results are those of settings, locks and preparations.
    Ok(sets.split_off(sets.len().saturating_sub(call.statements.len())))
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
    migrations: &[TABLES, ENDED_SESSIONS, GENERATIONS, ATTEMPTS],
    // No machine forgets what is live by the clock of the server, which all machines share.
    due: "least($1, greatest($4, CAST(floor(extract(epoch FROM now())) AS BIGINT)))",
    // Rows in use are left for the next time, so that nobody waits for anybody.
    purge: "DELETE FROM {table} WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM {table} WHERE keep_until <= {due}
        ORDER BY keep_until LIMIT $2 FOR UPDATE SKIP LOCKED)) RETURNING 1",
    // The inner query runs for each row. PostgreSQL would join what is written with `EXISTS`, and read
    // all sessions.
    purge_users: "DELETE FROM {users} WHERE ctid = ANY (ARRAY(
        SELECT d.ctid FROM (
            SELECT ctid, user_id FROM {users} WHERE keep_until <= {due}
            ORDER BY keep_until LIMIT $2 FOR UPDATE SKIP LOCKED) d
        WHERE (SELECT 1 FROM {sessions} s WHERE s.user_id = d.user_id LIMIT 1) IS NULL)) RETURNING 1",
    postpone_users: "UPDATE {users} SET keep_until = $3 WHERE ctid = ANY (ARRAY(
        SELECT d.ctid FROM (
            SELECT ctid, user_id FROM {users} WHERE keep_until <= {due}
            ORDER BY keep_until LIMIT $2 FOR UPDATE SKIP LOCKED) d
        WHERE (SELECT 1 FROM {sessions} s WHERE s.user_id = d.user_id LIMIT 1) IS NOT NULL))
        RETURNING 1",
};
