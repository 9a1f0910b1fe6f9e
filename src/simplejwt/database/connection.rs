use std::fmt;

use futures::future::BoxFuture;
use sqlx::PgPool;
use tokio::time::timeout;

use crate::{
    clock::NumericDate,
    error::ConfigError,
    store::{
        DEFAULT_DEADLINE, StoreError,
        sql::{
            calls::Calls,
            engine::{Access, Call, Engine, Param, Row},
            postgres::PostgresEngine,
            sqlite::SqliteEngine,
            statement::Statement,
        },
    },
};

use super::{dialect::Dialect, times::Times};

/// The columns of a row, as strings.
pub(super) type Fields = Vec<Option<String>>;

/// A connection to Django's database, PostgreSQL or SQLite. Cheap to clone.
///
/// A call of [`DjangoUsers`](super::DjangoUsers) or [`DjangoStore`](super::DjangoStore) fails after
/// at most two seconds if the database does not respond. The database need not be up when the
/// service starts.
///
/// PostgreSQL may be behind a pooler such as PgBouncer, in session or transaction mode. Neither needs
/// settings for it, except that PgBouncer rejects the URL parameter `options`. Calls to a standby fail.
///
/// A SQLite file is shared with Django by SQLite's own locks, in any journal mode. While another
/// process holds the write lock, a call that writes fails after at most 1.9 seconds. From then on
/// calls that only read fail too, until a write succeeds: meanwhile no token can be revoked.
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
    /// Opens the database at `url` when it is first used.
    ///
    /// | URL | database |
    /// |---|---|
    /// | `postgres://user:password@host:port/database` | PostgreSQL, with optional [parameters] |
    /// | `sqlite:/srv/db.sqlite3`, `sqlite:///srv/db.sqlite3` | the file `/srv/db.sqlite3` |
    /// | `sqlite:db.sqlite3`, `sqlite://db.sqlite3` | `db.sqlite3` in the current folder |
    ///
    /// A missing SQLite file is not created. Django's `migrate` does that.
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
    /// [`OutOfRange`](crate::ConfigErrorKind::OutOfRange) if `url` is malformed, has another
    /// scheme, or has an unknown parameter, such as `connect_timeout` for PostgreSQL. An unreachable
    /// database is not an error here.
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime.
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
                    "the database URL must begin with postgres:// or sqlite:",
                ));
            }
        };
        Ok(Self { backend, times: Times::default() })
    }

    /// Shares the connections of a PostgreSQL `pool` of the application, which must be one of
    /// sqlx 0.9.
    ///
    /// A call fails after two seconds. Set an `acquire_timeout` of at most one second, so that there
    /// is time to retry, and `test_before_acquire(false)`, which saves a round trip.
    /// Behind PgBouncer also set `extra_float_digits(None)` in the pool's `PgConnectOptions`, because
    /// PgBouncer rejects this parameter by default.
    ///
    /// ```
    /// use std::time::Duration;
    /// use sqlx::postgres::PgPoolOptions;
    /// use tower_jwt_auth::simplejwt::DjangoDatabase;
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), sqlx::Error> {
    /// let pool = PgPoolOptions::new()
    ///     .acquire_timeout(Duration::from_secs(1))
    ///     .test_before_acquire(false)
    ///     .connect_lazy("postgres://app@db.example/app")?;
    /// let database = DjangoDatabase::from_pool(pool);
    /// # drop(database);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn from_pool(pool: PgPool) -> Self {
        let backend = Backend::Postgres(Calls::new(PostgresEngine::from_pool(pool)));
        Self { backend, times: Times::default() }
    }

    /// Sets the `TIME_ZONE` of a project with `USE_TZ = False`. Default: `USE_TZ = True`, which is
    /// also Django's default.
    ///
    /// In PostgreSQL such a project stores the expiry of tokens shifted by the offset of its time
    /// zone. Without this setting tokens are purged hours too early, and revoked tokens become valid
    /// again. In SQLite only last logins and times of blacklisting are local times. They are in the
    /// time zone of this process: its variable `TZ` must name the same zone.
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
    /// [`OutOfRange`](crate::ConfigErrorKind::OutOfRange) if `time_zone` is not the name of a time
    /// zone. If PostgreSQL does not know the time zone, calls fail.
    pub fn with_local_times(mut self, time_zone: &str) -> Result<Self, ConfigError> {
        self.times = Times::local(time_zone)?;
        Ok(self)
    }

    /// Checks that the database responds and accepts writes.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it does not.
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
        sql: &Statement,
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

    /// Runs one statement, or several in a transaction, with the same parameters. Stops after the
    /// first that returns no rows. Returns the rows of the last.
    pub(super) async fn write(
        &self,
        statements: &[Statement],
        params: &[Param<'_>],
    ) -> Result<Vec<Fields>, StoreError> {
        self.run(Access::Write, statements.len() > 1, statements, params).await
    }

    async fn run(
        &self,
        access: Access,
        in_transaction: bool,
        statements: &[Statement],
        params: &[Param<'_>],
    ) -> Result<Vec<Fields>, StoreError> {
        // Boxed, because the futures of handlers would exceed the compiler's limit on nesting.
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
    statements: &[Statement],
    params: &[Param<'_>],
) -> Result<Vec<Fields>, StoreError> {
    // SQLite has one lock for the whole file and ignores the number.
    let lock = in_transaction.then_some(0);
    let call = Call { access, lock, statements, params };
    let rows = timeout(DEFAULT_DEADLINE, calls.run(call)).await;
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

/// An optional string as a parameter.
pub(super) fn text(text: Option<&str>) -> Param<'_> {
    Param::Text(text.map(Into::into))
}

/// A time as a parameter.
pub(super) fn time(time: NumericDate) -> Param<'static> {
    Param::Int(time.as_secs().cast_signed())
}
