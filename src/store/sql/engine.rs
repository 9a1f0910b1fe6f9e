//! What each database engine does in its own way.

use std::{borrow::Cow, fmt, time::Duration};

use sqlx::{Connection, Database, Error, SqlStr, error::DatabaseError};

use super::{connections::Connections, dialect::Dialect, lease::Lease, statement::Statement};

/// A value in a statement.
#[derive(Clone)]
pub(crate) enum Param<'a> {
    Text(Option<Cow<'a, str>>),
    Int(i64),
}

impl fmt::Debug for Param<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Param").finish_non_exhaustive()
    }
}

/// What a call does with the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Access {
    /// It reads, and must see all that was committed: a standby is not enough.
    Read,
    Write,
}

/// Statements that run in one step.
#[derive(Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) access: Access,
    /// Waits for all other calls with the same number before the first statement.
    pub(crate) lock: Option<i64>,
    /// Each runs if the one before it returned rows. Several need a lock.
    pub(crate) statements: &'a [Statement],
    /// The parameters of each statement.
    pub(crate) params: &'a [Param<'a>],
}

pub(crate) type Row<E> = <<E as Engine>::Db as Database>::Row;

/// A database engine, with its connections. Cheap to clone.
pub(crate) trait Engine: Clone + fmt::Debug + Send + Sync + 'static {
    /// The engine as sqlx knows it.
    type Db: Database<Connection: Connection<Database = Self::Db>>;

    /// How it writes SQL.
    const DIALECT: Dialect;

    /// The connections for `access`.
    fn connections(&self, access: Access) -> &Connections<Self::Db>;

    /// For how long after its begin a call is retried.
    fn retry_for(&self, access: Access) -> Duration {
        self.connections(access).acquire_timeout()
    }

    /// Whether a call that failed with this error code may succeed on another connection.
    fn is_transient(code: &str) -> bool;

    /// Whether the server cannot be used before somebody corrects a password or a name.
    fn is_misconfigured(code: &str) -> bool;

    /// Whether the server has closed the connection with this error.
    fn ends_connection(error: &dyn DatabaseError) -> bool;

    /// Runs a call to its end, so that all it wrote is committed. Returns the rows of each statement
    /// that ran.
    fn run<'a>(
        lease: &'a mut Lease<Self::Db>,
        call: Call<'a>,
    ) -> impl Future<Output = Result<Vec<Vec<Row<Self>>>, Error>> + Send + 'a;

    /// The statement that begins a transaction and waits for all others with the same `lock`.
    fn begin(lock: i64) -> SqlStr;

    /// Runs a statement without parameters.
    fn execute<'a>(
        connection: &'a mut <Self::Db as Database>::Connection,
        sql: SqlStr,
    ) -> impl Future<Output = Result<Vec<Row<Self>>, Error>> + Send + 'a;

    /// The text in a column.
    fn text(row: &Row<Self>, column: usize) -> Result<Option<String>, Error>;

    /// The number in a column.
    fn int(row: &Row<Self>, column: usize) -> Result<Option<i64>, Error>;
}

/// The methods of [`Engine`] that differ in the types of sqlx only.
macro_rules! common_methods {
    ($connection:ty, $row:ty) => {
        async fn execute(
            connection: &mut $connection,
            sql: sqlx::SqlStr,
        ) -> Result<Vec<$row>, sqlx::Error> {
            sqlx::raw_sql(sql).fetch_all(connection).await
        }

        fn text(row: &$row, column: usize) -> Result<Option<String>, sqlx::Error> {
            sqlx::Row::try_get(row, column)
        }

        fn int(row: &$row, column: usize) -> Result<Option<i64>, sqlx::Error> {
            sqlx::Row::try_get(row, column)
        }
    };
}
pub(super) use common_methods;
