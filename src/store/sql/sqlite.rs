use std::{fmt, str::FromStr, time::Duration};

use sqlx::{
    ConnectOptions, SqlStr, Sqlite, SqliteConnection,
    sqlite::{
        SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteRow, SqliteSynchronous,
    },
};

use crate::error::ConfigError;

use super::{
    SqlStore,
    connections::Connections,
    engine::{Access, Engine, statements_of},
    statements::{Dialect, SQLITE},
};

/// How long a call that writes waits for others of this process.
const ACQUIRE_TIMEOUT: Duration = Duration::from_millis(1100);
/// How long it then waits for other processes: the sum stays below the default deadline.
const BUSY_TIMEOUT: Duration = Duration::from_millis(800);
/// How many calls read at once.
const READERS: u32 = 4;

/// A [`TokenStore`](crate::store::TokenStore) in a SQLite file.
///
/// For services of one machine, whose processes may share the file. It must lie on a local disk,
/// since write-ahead logging does not work over a network.
///
/// ```
/// use std::time::Duration;
/// use tower_jwt_auth::{
///     Issuer, SigningKey,
///     store::{Purger, SqliteStore},
///     token::NoClaims,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = [7, 9].repeat(16);
/// let store = SqliteStore::connect_lazy("sqlite:/var/lib/app/sessions.db")?;
/// let purger = Purger::spawn(store.clone(), Duration::from_secs(300));
/// let issuer = Issuer::builder(SigningKey::hs256(secret)?)
///     .rotate_refresh_tokens(true)
///     .store(store)
///     .build()?;
/// # drop((purger, issuer));
/// # Ok(())
/// # }
/// ```
///
/// # Tables
///
/// `jwt_sessions`, `jwt_tokens`, `jwt_users` and `jwt_migrations`, made at the
/// [first use](SqlStore::with_automatic_migration). Every statement is served by a primary key or
/// by the index on `keep_until`. They hold ids and times, never a token; who may read the file
/// is decided by the process' umask and the folder.
///
/// Entries are kept as long as a token could be good by them. Start a
/// [`Purger`](crate::store::Purger), which deletes them afterwards.
///
/// # What a crash can lose
///
/// Nothing that was answered: the log is flushed to the disk with every write (`synchronous = FULL`,
/// which this store sets). With `NORMAL`, which many recommend for write-ahead logging, a power
/// failure would lose the last writes, and a token spent or revoked just then would be good again.
///
/// # When the file is locked
///
/// Writers queue up, one at a time; reading goes on meanwhile. While another process holds the
/// lock, a call that writes fails with a [`StoreError`](crate::store::StoreError) after at most 1.9
/// seconds, which is below the default deadline of two, and the next one tries again. Once one has
/// failed, calls that only read fail as well until writing works again: nobody can be logged out
/// meanwhile, so nobody is let in.
pub type SqliteStore = SqlStore<SqliteEngine>;

/// What [`SqliteStore`] does by itself.
#[derive(Clone)]
pub struct SqliteEngine {
    /// One connection, for which calls wait in turn; SQLite itself would let them race.
    writer: Connections<Sqlite>,
    readers: Connections<Sqlite>,
}

impl fmt::Debug for SqliteEngine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteEngine").finish_non_exhaustive()
    }
}

impl SqlStore<SqliteEngine> {
    /// A store in the file at `url`, which is made when it is first needed.
    ///
    /// | URL | file |
    /// |---|---|
    /// | `sqlite:/var/lib/app.db`, also with two more slashes, or three | `/var/lib/app.db` |
    /// | `sqlite:app.db`, `sqlite://app.db` | `app.db` in the current folder |
    ///
    /// `%` followed by two digits stands for a byte. `?mode=rw` demands that the file exists;
    /// `?mode=rwc` says what is the default. There are no other parameters.
    ///
    /// # Errors
    ///
    /// When `url` is malformed, or names a database in memory: that would be one for each
    /// connection, and is what [`MemoryStore`](crate::MemoryStore) is for.
    pub fn connect_lazy(url: &str) -> Result<Self, ConfigError> {
        let options = options(url, "mode=rwc")?
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        Ok(Self::with_engine(SqliteEngine::with_options(&options)))
    }
}

impl SqliteEngine {
    /// The file at `url` as it is, somebody else's: by default it is not made if it is missing.
    #[cfg(feature = "django")]
    pub(crate) fn connect_lazy_as_it_is(url: &str) -> Result<Self, ConfigError> {
        Ok(Self::with_options(&options(url, "mode=rw")?))
    }

    fn with_options(options: &SqliteConnectOptions) -> Self {
        let pool = |connections| {
            SqlitePoolOptions::new()
                .max_connections(connections)
                .acquire_timeout(ACQUIRE_TIMEOUT)
                // A file does not hang up, so connections need no test and never grow old.
                .test_before_acquire(false)
                .idle_timeout(None)
                .max_lifetime(None)
                .connect_lazy_with(options.clone())
        };
        // The pause between two calls lets other processes write: they only look now and then
        // whether they may.
        Self {
            writer: Connections::returned(pool(1)),
            readers: Connections::returned(pool(READERS)),
        }
    }
}

/// What `url` says; `default` are its parameters if it has none.
fn options(url: &str, default: &str) -> Result<SqliteConnectOptions, ConfigError> {
    const MALFORMED: ConfigError = ConfigError::out_of_range(
        "the SQLite URL must have the form sqlite:/path/to/file, with no parameter but mode",
    );
    const IN_MEMORY: ConfigError = ConfigError::ineffective(
        "a SQLite database in memory cannot be shared by connections: use MemoryStore",
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

    const NAME: &'static str = "SqliteStore";
    const DIALECT: Dialect = SQLITE;

    fn connections(&self, access: Access) -> &Connections<Sqlite> {
        match access {
            Access::Read => &self.readers,
            Access::Write => &self.writer,
        }
    }

    fn is_passing(code: &str) -> bool {
        // SQLITE_BUSY, which can come at once where the first connections to a new file race to
        // turn on write-ahead logging; elsewhere it comes when the patience is at its end.
        code.parse::<i32>().is_ok_and(|code| code & 0xff == 5)
    }

    fn begin(_: i64) -> SqlStr {
        // There is one lock for the whole file. Taken later, another writer could come in between.
        SqlStr::from_static("BEGIN IMMEDIATE")
    }

    statements_of!(SqliteConnection, SqliteRow);
}

#[cfg(test)]
mod tests {
    use std::{env, error::Error, fs, process};

    use super::*;

    /// No test from outside can tell: that takes a power failure.
    #[tokio::test]
    async fn every_write_reaches_the_disk() -> Result<(), Box<dyn Error>> {
        let folder = env::temp_dir().join(format!("tower-jwt-auth-{}", process::id()));
        fs::create_dir_all(&folder)?;
        let url = format!("sqlite:{}", folder.join("sessions.db").display());
        let store = SqliteStore::connect_lazy(&url)?;
        store.migrate().await?;
        for access in [Access::Write, Access::Read] {
            let pool = store.calls.engine().connections(access).pool();
            let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await?;
            let level: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(pool).await?;
            assert_eq!((&*mode, level), ("wal", 2), "2 is FULL");
        }
        Ok(fs::remove_dir_all(&folder)?)
    }
}
