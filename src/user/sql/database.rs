use std::{fmt, sync::Arc, time::Duration};

use futures::future::BoxFuture;
#[cfg(feature = "postgres")]
use sqlx::PgPool;
use tokio::time::{Instant, timeout};

#[cfg(feature = "postgres")]
use crate::store::{PostgresStore, sql::postgres::PostgresEngine};
#[cfg(feature = "sqlite")]
use crate::store::{SqliteStore, sql::sqlite::SqliteEngine};
use crate::{
    error::ConfigError,
    store::{
        DEFAULT_DEADLINE, StoreError,
        sql::{
            calls::Calls,
            engine::{Access, Call, Engine, Row},
            migration::Migration,
        },
    },
};

use super::{dialect::Dialect, migrations::Migrations};

/// How long an automatic migration waits for a connection.
const MIGRATION_CONNECT: Duration = Duration::from_secs(1);

/// The columns of a row, as strings.
pub(crate) type Fields = Vec<Option<String>>;

/// A SQL database, PostgreSQL or SQLite. Cheap to clone.
///
/// A reference to a [`PostgresStore`](crate::store::PostgresStore) or a
/// [`SqliteStore`](crate::store::SqliteStore) converts to its database, whose connections are then
/// shared. A `sqlx::PgPool` converts too: see
/// [`PostgresStore::from_pool`](crate::store::PostgresStore::from_pool) for its settings.
///
/// ```
/// use tower_jwt_auth::{store::SqliteStore, user::SqlDatabase};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_jwt_auth::ConfigError> {
/// let store = SqliteStore::connect_lazy("sqlite:/var/lib/app/app.db")?;
/// let shared = SqlDatabase::from(&store);
/// let own = SqlDatabase::connect_lazy("postgres://app:secret@db.example/app")?;
/// # drop((shared, own));
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqlDatabase(Backend);

#[derive(Clone)]
enum Backend {
    #[cfg(feature = "postgres")]
    Postgres(Calls<PostgresEngine>),
    #[cfg(feature = "sqlite")]
    Sqlite(Calls<SqliteEngine>),
}

impl SqlDatabase {
    /// The database at `url`, which is connected to when it is needed.
    ///
    /// The forms of URLs are those of
    /// [`PostgresStore::connect_lazy`](crate::store::PostgresStore::connect_lazy) and
    /// [`SqliteStore::connect_lazy`](crate::store::SqliteStore::connect_lazy).
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ConfigErrorKind::OutOfRange) if `url` is malformed, has an unknown
    /// parameter, or has another scheme than `postgres:` and `sqlite:`. The feature of the database
    /// must be enabled. An unreachable database is not an error here.
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime.
    pub fn connect_lazy(url: &str) -> Result<Self, ConfigError> {
        match url.split_once(':').map(|(scheme, _)| scheme) {
            #[cfg(feature = "postgres")]
            Some("postgres" | "postgresql") => {
                PostgresEngine::connect_lazy(url).map(Calls::new).map(Backend::Postgres).map(Self)
            }
            #[cfg(feature = "sqlite")]
            Some("sqlite") => {
                SqliteEngine::connect_lazy(url).map(Calls::new).map(Backend::Sqlite).map(Self)
            }
            _ => Err(ConfigError::out_of_range(
                "the database URL must begin with postgres:// or sqlite:, and the feature of the \
                 database must be enabled",
            )),
        }
    }

    pub(crate) const fn dialect(&self) -> Dialect {
        match self.0 {
            #[cfg(feature = "postgres")]
            Backend::Postgres(_) => Dialect::Postgres,
            #[cfg(feature = "sqlite")]
            Backend::Sqlite(_) => Dialect::Sqlite,
        }
    }
}

#[cfg(feature = "postgres")]
impl From<&PostgresStore> for SqlDatabase {
    fn from(store: &PostgresStore) -> Self {
        Self(Backend::Postgres(store.0.calls.clone()))
    }
}

#[cfg(feature = "sqlite")]
impl From<&SqliteStore> for SqlDatabase {
    fn from(store: &SqliteStore) -> Self {
        Self(Backend::Sqlite(store.0.calls.clone()))
    }
}

#[cfg(feature = "postgres")]
impl From<PgPool> for SqlDatabase {
    fn from(pool: PgPool) -> Self {
        Self(Backend::Postgres(Calls::new(PostgresEngine::from_pool(pool))))
    }
}

impl From<&Self> for SqlDatabase {
    fn from(database: &Self) -> Self {
        database.clone()
    }
}

impl fmt::Debug for SqlDatabase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SqlDatabase").field(&self.dialect()).finish()
    }
}

/// A database and the migrations of its table.
pub(crate) struct Migrated {
    database: SqlDatabase,
    migrations: Arc<Migrations>,
    /// Set if calls migrate.
    automatic: Option<Migration>,
}

impl Migrated {
    pub(crate) fn new(database: SqlDatabase, migrations: Migrations, automatic: bool) -> Self {
        let automatic = automatic.then(Migration::default);
        Self { database, migrations: Arc::new(migrations), automatic }
    }

    pub(super) const fn database(&self) -> &SqlDatabase {
        &self.database
    }

    pub(crate) fn migrations(&self) -> &Migrations {
        &self.migrations
    }

    /// Without a limit of time: large tables take long.
    pub(crate) async fn migrate(&self) -> Result<(), StoreError> {
        let migrate: BoxFuture<'_, _> = match &self.database.0 {
            #[cfg(feature = "postgres")]
            Backend::Postgres(calls) => Box::pin(migrate(calls, &self.migrations)),
            #[cfg(feature = "sqlite")]
            Backend::Sqlite(calls) => Box::pin(migrate(calls, &self.migrations)),
        };
        migrate.await
    }

    /// Returns the rows of each statement that ran.
    pub(crate) async fn run(&self, call: Call<'_>) -> Result<Vec<Vec<Fields>>, StoreError> {
        // Boxed, because the futures of handlers would exceed the compiler's limit on nesting.
        let run: BoxFuture<'_, _> = match &self.database.0 {
            #[cfg(feature = "postgres")]
            Backend::Postgres(calls) => Box::pin(self.run_on(calls, call)),
            #[cfg(feature = "sqlite")]
            Backend::Sqlite(calls) => Box::pin(self.run_on(calls, call)),
        };
        let rows = timeout(DEFAULT_DEADLINE, run).await;
        rows.unwrap_or_else(|elapsed| Err(StoreError::unavailable(elapsed)))
    }

    async fn run_on<E: Engine>(
        &self,
        calls: &Calls<E>,
        call: Call<'_>,
    ) -> Result<Vec<Vec<Fields>>, StoreError> {
        let run = async |until| {
            if let Some(migration) = &self.automatic {
                let apply = || {
                    let (calls, migrations) = (calls.clone(), Arc::clone(&self.migrations));
                    let until = Instant::now() + MIGRATION_CONNECT;
                    async move { migrations.apply(&calls, until).await }
                };
                migration.ensure(apply).await?;
            }
            calls.run_once(until, call).await
        };
        let sets = calls.retry(call.access, run).await?;
        let sets = sets.iter().map(|rows| rows.iter().map(fields::<E>).collect());
        sets.collect::<Result<_, _>>().map_err(StoreError::unavailable)
    }
}

async fn migrate<E: Engine>(calls: &Calls<E>, migrations: &Migrations) -> Result<(), StoreError> {
    calls.retry(Access::Write, |until| migrations.apply(calls, until)).await
}

fn fields<E: Engine>(row: &Row<E>) -> Result<Fields, sqlx::Error> {
    (0..sqlx::Row::len(row)).map(|column| E::text(row, column)).collect()
}
