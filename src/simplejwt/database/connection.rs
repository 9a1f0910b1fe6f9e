use std::fmt;

use futures::future::BoxFuture;
use sqlx::SqlStr;
use tokio::time::timeout;

use crate::{
    clock::NumericDate,
    error::ConfigError,
    store::{
        DEFAULT_DEADLINE, StoreError,
        sql::{
            calls::{Calls, Row},
            engine::{Access, Engine, Param},
            postgres::PostgresEngine,
            sqlite::SqliteEngine,
        },
    },
};

use super::{dialect::Dialect, times::Times};

/// The columns of a row, as text.
pub(super) type Fields = Vec<Option<String>>;

/// A connection to Django's database, PostgreSQL or SQLite. Cheap to clone.
///
/// Every call ends within two seconds, or fails: [`DjangoUsers`] and [`DjangoStore`] then tell that
/// the database is out of reach. It need not be there when the service starts.
///
/// The SQLite file is shared with Django by its own locks, whatever journal mode it is in. While
/// another process keeps a write lock, what would write fails after at most 1.9 seconds; once that
/// has happened, what would only read fails as well until writing works again, since nobody can be
/// logged out meanwhile.
#[derive(Clone)]
pub struct DjangoDatabase {
    backend: Backend,
    pub(super) times: Times,
}

#[derive(Clone)]
enum Backend {
    Postgres(Calls<PostgresEngine>),
    Sqlite(Calls<SqliteEngine>),
}

impl DjangoDatabase {
    /// The database at `url`.
    ///
    /// | URL | database |
    /// |---|---|
    /// | `postgres://user:password@host:port/database` | PostgreSQL; [parameters] may follow |
    /// | `sqlite:/srv/db.sqlite3`, `sqlite:///srv/db.sqlite3` | the file `/srv/db.sqlite3` |
    /// | `sqlite:db.sqlite3`, `sqlite://db.sqlite3` | `db.sqlite3` in the current folder |
    ///
    /// A SQLite file is not made if it is missing: that is for Django's `migrate`.
    ///
    /// ```
    /// use tower_jwt_auth::simplejwt::DjangoDatabase;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower_jwt_auth::ConfigError> {
    /// let database = DjangoDatabase::connect_lazy("sqlite:///srv/app/db.sqlite3")?;
    ///
    /// assert!(DjangoDatabase::connect_lazy("mysql://app@localhost/app").is_err());
    /// # drop(database);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [parameters]: https://docs.rs/sqlx/0.9/sqlx/postgres/struct.PgConnectOptions.html
    ///
    /// # Errors
    ///
    /// When `url` is malformed or of another kind. That the database cannot be reached is no error
    /// here.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn connect_lazy(url: &str) -> Result<Self, ConfigError> {
        let scheme = url.split_once(':').map(|(scheme, _)| scheme);
        let backend = match scheme {
            Some("postgres" | "postgresql") => {
                Backend::Postgres(Calls::new(PostgresEngine::connect_lazy(url)?))
            }
            Some("sqlite") => {
                Backend::Sqlite(Calls::new(SqliteEngine::connect_lazy_as_it_is(url)?))
            }
            _ => {
                return Err(ConfigError::out_of_range(
                    "the database URL must begin with postgres: or sqlite:",
                ));
            }
        };
        Ok(Self { backend, times: Times::default() })
    }

    /// Sets the project's `TIME_ZONE`, where it has `USE_TZ = False`. Default: `USE_TZ = True`, as by
    /// Django's own default.
    ///
    /// In PostgreSQL such a project keeps the expiry of tokens as if the clocks of its time zone
    /// showed UTC. Without this setting, tokens would be purged hours too early, and revoked ones
    /// become good again. In SQLite it is only the last login and when a token was blacklisted that
    /// are in local time: that of this process, for which its variable `TZ` must name the same zone.
    ///
    /// ```
    /// use tower_jwt_auth::simplejwt::DjangoDatabase;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower_jwt_auth::ConfigError> {
    /// let database = DjangoDatabase::connect_lazy("postgres://app@db.example/app")?
    ///     .with_local_times("Europe/Berlin")?;
    /// # drop(database);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// When `time_zone` is empty or has other characters than names of time zones have. While
    /// PostgreSQL does not know it, calls fail.
    pub fn with_local_times(mut self, time_zone: &str) -> Result<Self, ConfigError> {
        self.times = Times::local(time_zone)?;
        Ok(self)
    }

    /// Whether the database is there and can be written.
    ///
    /// # Errors
    ///
    /// When it is not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        let rows = self.run(Access::Write, true, &[self.dialect().ping()], &[]).await?;
        if rows.is_empty() { Err(StoreError::unavailable(ReadOnly)) } else { Ok(()) }
    }

    pub(super) const fn dialect(&self) -> Dialect {
        match self.backend {
            Backend::Postgres(_) => Dialect::Postgres,
            Backend::Sqlite(_) => Dialect::Sqlite,
        }
    }

    pub(super) async fn read(
        &self,
        sql: &SqlStr,
        params: &[Param<'_>],
    ) -> Result<Vec<Fields>, StoreError> {
        let cannot_write = match &self.backend {
            Backend::Postgres(calls) => calls.cannot_write(),
            Backend::Sqlite(calls) => calls.cannot_write(),
        };
        if cannot_write {
            self.ping().await?;
        }
        self.run(Access::Read, false, std::slice::from_ref(sql), params).await
    }

    /// Runs a statement or, in a transaction, several: each with the same parameters, and as long
    /// as there are rows. Gives the last rows.
    pub(super) async fn write(
        &self,
        statements: &[SqlStr],
        params: &[Param<'_>],
    ) -> Result<Vec<Fields>, StoreError> {
        self.run(Access::Write, statements.len() > 1, statements, params).await
    }

    async fn run(
        &self,
        access: Access,
        in_transaction: bool,
        statements: &[SqlStr],
        params: &[Param<'_>],
    ) -> Result<Vec<Fields>, StoreError> {
        // Boxed, or the futures of handlers nest more deeply than the compiler follows.
        let run: BoxFuture<'_, _> = match &self.backend {
            Backend::Postgres(calls) => Box::pin(run(calls, access, false, statements, params)),
            Backend::Sqlite(calls) => {
                Box::pin(run(calls, access, in_transaction, statements, params))
            }
        };
        run.await
    }
}

async fn run<E: Engine>(
    calls: &Calls<E>,
    access: Access,
    in_transaction: bool,
    statements: &[SqlStr],
    params: &[Param<'_>],
) -> Result<Vec<Fields>, StoreError> {
    // SQLite has one lock for the whole file, and needs no number for it.
    let lock = in_transaction.then_some(0);
    let rows = timeout(DEFAULT_DEADLINE, calls.run(access, lock, statements, params)).await;
    let rows = rows.unwrap_or_else(|elapsed| Err(StoreError::unavailable(elapsed)))?;
    let fields: Result<_, _> = rows.iter().map(fields::<E>).collect();
    fields.map_err(StoreError::unavailable)
}

fn fields<E: Engine>(row: &Row<E>) -> Result<Fields, sqlx::Error> {
    (0..sqlx::Row::len(row)).map(|column| E::text(row, column)).collect()
}

impl fmt::Debug for DjangoDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("DjangoDatabase").field(&self.dialect()).finish()
    }
}

#[derive(Debug)]
struct ReadOnly;

impl fmt::Display for ReadOnly {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the database is read-only")
    }
}

impl std::error::Error for ReadOnly {}

/// A text that may be missing, as a parameter.
pub(super) fn text(text: Option<&str>) -> Param<'_> {
    Param::Text(text.map(Into::into))
}

/// A time, as a parameter.
pub(super) fn time(time: NumericDate) -> Param<'static> {
    Param::Int(time.as_secs().cast_signed())
}
