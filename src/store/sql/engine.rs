//! What each database engine does in its own way.

use std::{borrow::Cow, fmt, time::Duration};

use sqlx::{Connection, Database, Error, SqlStr};

use super::{connections::Connections, dialect::Dialect};

/// A value that goes into a statement.
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

/// What a statement may do.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Access {
    Read,
    Write,
}

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
        self.connections(access).pool().options().get_acquire_timeout()
    }

    /// Whether a call that failed with this error code may succeed on another connection.
    fn is_transient(code: &str) -> bool;

    /// The statement that begins a transaction and waits for all others with the same `lock`.
    fn begin(lock: i64) -> SqlStr;

    /// Runs a statement to its end, so that what it wrote is committed when there is an answer.
    fn fetch<'a>(
        connection: &'a mut <Self::Db as Database>::Connection,
        sql: &'a SqlStr,
        params: &'a [Param<'_>],
    ) -> impl Future<Output = Result<Vec<<Self::Db as Database>::Row>, Error>> + Send + 'a;

    /// The text in a column.
    fn text(row: &<Self::Db as Database>::Row, column: usize) -> Result<Option<String>, Error>;

    /// The number in a column.
    fn int(row: &<Self::Db as Database>::Row, column: usize) -> Result<Option<i64>, Error>;
}

/// The methods of [`Engine`] that read the same for each, but for sqlx's types.
macro_rules! statements_of {
    ($connection:ty, $row:ty) => {
        async fn fetch<'a>(
            connection: &'a mut $connection,
            sql: &'a sqlx::SqlStr,
            params: &'a [$crate::store::sql::engine::Param<'_>],
        ) -> Result<Vec<$row>, sqlx::Error> {
            let mut query = sqlx::query(sql.clone());
            for param in params {
                query = match param {
                    $crate::store::sql::engine::Param::Text(text) => query.bind(text.as_deref()),
                    $crate::store::sql::engine::Param::Int(int) => query.bind(*int),
                };
            }
            query.fetch_all(connection).await
        }

        fn text(row: &$row, column: usize) -> Result<Option<String>, sqlx::Error> {
            sqlx::Row::try_get(row, column)
        }

        fn int(row: &$row, column: usize) -> Result<Option<i64>, sqlx::Error> {
            sqlx::Row::try_get(row, column)
        }
    };
}
pub(super) use statements_of;
