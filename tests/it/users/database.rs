//! Databases for one test, and users in them.

use std::sync::LazyLock;

use sqlx::{
    AssertSqlSafe, Connection, Executor, PgConnection, SqliteConnection, raw_sql,
    sqlite::SqliteConnectOptions,
};
use tower_jwt_auth::{
    password::PasswordHasher,
    user::{Account, AccountBackend, AccountError, NewAccount, SqlDatabase, SqlUsers},
};

use crate::support::{
    folder::Folder,
    postgres::{Server, shared},
    session::new_id,
};

pub(crate) const PASSWORD: &str = "analytical engine";

/// A hasher that costs little.
pub(crate) fn hasher() -> PasswordHasher {
    static HASHER: LazyLock<PasswordHasher> = LazyLock::new(|| {
        let builder = PasswordHasher::builder().memory_kib(7 * 1024).iterations(5);
        builder.max_waiting(1_000).build().unwrap()
    });
    HASHER.clone()
}

/// A SQLite file or a PostgreSQL schema of its own.
pub(crate) enum Database {
    File(Folder),
    Schema(&'static Server, String),
}

impl Database {
    pub(crate) fn file() -> Self {
        Self::File(Folder::new())
    }

    /// `None` if PostgreSQL is not installed.
    pub(crate) async fn schema() -> Option<Self> {
        let server = shared()?;
        let name = format!("users_{}", new_id().replace('-', "_"));
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        let sql = format!("CREATE SCHEMA {name}");
        connection.execute(AssertSqlSafe(sql)).await.unwrap();
        Some(Self::Schema(server, name))
    }

    pub(crate) fn url(&self) -> String {
        match self {
            Self::File(folder) => format!("sqlite:{}", folder.path().join("app.db").display()),
            Self::Schema(server, name) => {
                format!("{}&options[search_path]={name}", server.url())
            }
        }
    }

    /// A handle with connections of its own.
    pub(crate) fn connect(&self) -> SqlDatabase {
        SqlDatabase::connect_lazy(&self.url()).unwrap()
    }

    /// Users with connections of their own.
    pub(crate) fn users(&self) -> SqlUsers {
        SqlUsers::builder(self.connect(), hasher()).build().unwrap()
    }

    pub(crate) async fn execute(&self, sql: &str) {
        match self {
            Self::File(_) => {
                raw_sql(AssertSqlSafe(sql)).execute(&mut self.open_file().await).await.unwrap();
            }
            Self::Schema(..) => {
                raw_sql(AssertSqlSafe(sql)).execute(&mut self.open_schema().await).await.unwrap();
            }
        }
    }

    /// The strings in the only column of the rows.
    pub(crate) async fn strings(&self, sql: &str) -> Vec<Option<String>> {
        let query = sqlx::query_scalar;
        match self {
            Self::File(_) => {
                query(AssertSqlSafe(sql)).fetch_all(&mut self.open_file().await).await.unwrap()
            }
            Self::Schema(..) => sqlx::query_scalar(AssertSqlSafe(sql))
                .fetch_all(&mut self.open_schema().await)
                .await
                .unwrap(),
        }
    }

    pub(crate) async fn open_file(&self) -> SqliteConnection {
        let Self::File(folder) = self else { panic!("not a file") };
        let options = SqliteConnectOptions::new()
            .filename(folder.path().join("app.db"))
            .create_if_missing(true);
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    pub(crate) async fn open_schema(&self) -> PgConnection {
        PgConnection::connect(&self.url()).await.unwrap()
    }
}

/// Defines a test of each rule for both databases. Each rule is a function with a [`Database`].
macro_rules! on_both_databases {
    ($($rule:ident)*) => {
        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    super::$rule(crate::users::database::Database::file()).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    let Some(schema) = crate::users::database::Database::schema().await else {
                        return;
                    };
                    super::$rule(schema).await;
                }
            )*
        }
    };
}
pub(crate) use on_both_databases;

pub(crate) async fn create<'a>(
    users: &SqlUsers,
    username: impl Into<Option<&'a str>>,
    email: impl Into<Option<&'a str>>,
) -> Result<Account, AccountError> {
    let account = NewAccount::new().with_username(username).with_email(email);
    users.create(account.with_password(PASSWORD)).await
}
