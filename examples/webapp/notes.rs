//! The notes of each user, in a table of the application beside the accounts.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use serde::Serialize;
use sqlx::{
    AnyPool, AssertSqlSafe, Error, Row,
    any::{AnyPoolOptions, AnyRow, install_default_drivers},
};
use tokio::{sync::OnceCell, time::timeout};
use tower_jwt_auth::{NumericDate, token::UserId};

/// How many notes a user sees.
const MAX_NOTES: i64 = 1000;

/// How long the database may take. The stores of the crate have the same limit.
const DEADLINE: Duration = Duration::from_secs(2);

/// The notes of a deleted account are deleted with it. `{id}` stands for the type of account ids.
const CREATE_TABLE: &str = "
    CREATE TABLE IF NOT EXISTS notes (
        user_id {id} NOT NULL REFERENCES jwt_accounts (id) ON DELETE CASCADE,
        text TEXT NOT NULL,
        created_at BIGINT NOT NULL
    );
    CREATE INDEX IF NOT EXISTS notes_of_user ON notes (user_id, created_at)";
const INSERT: &str =
    "INSERT INTO notes (user_id, text, created_at) VALUES (CAST($1 AS {id}), $2, $3)";
const SELECT: &str = "SELECT text, created_at FROM notes WHERE user_id = CAST($1 AS {id})
    ORDER BY created_at DESC LIMIT $2";

#[derive(Clone)]
pub(crate) struct Notes {
    pool: AnyPool,
    id_type: &'static str,
    /// Set once the table exists.
    table: Arc<OnceCell<()>>,
}

#[derive(Serialize)]
pub(crate) struct Note {
    text: String,
    created_at: String,
}

impl Notes {
    /// Connects on first use, so the server starts while the database is down.
    pub(crate) fn connect_lazy(database_url: &str) -> Result<Self, Error> {
        install_default_drivers();
        let options = AnyPoolOptions::new().acquire_timeout(DEADLINE);
        let id_type = if database_url.starts_with("sqlite:") { "TEXT" } else { "UUID" };
        Ok(Self { pool: options.connect_lazy(database_url)?, id_type, table: Arc::default() })
    }

    pub(crate) async fn add(&self, user_id: &UserId, text: String) -> Result<Note, Error> {
        in_time(self.insert(user_id, text)).await
    }

    /// The newest note first.
    pub(crate) async fn of(&self, user_id: &UserId) -> Result<Vec<Note>, Error> {
        in_time(self.select(user_id)).await
    }

    async fn insert(&self, user_id: &UserId, text: String) -> Result<Note, Error> {
        self.create_table().await?;
        let since_epoch = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        let micros = i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX);
        let insert = sqlx::query(self.sql(INSERT));
        insert.bind(user_id.as_str()).bind(&text).bind(micros).execute(&self.pool).await?;
        Ok(Note::new(text, micros))
    }

    async fn select(&self, user_id: &UserId) -> Result<Vec<Note>, Error> {
        self.create_table().await?;
        let select = sqlx::query(self.sql(SELECT)).bind(user_id.as_str()).bind(MAX_NOTES);
        let note = |row: AnyRow| Ok(Note::new(row.try_get(0)?, row.try_get(1)?));
        select.try_map(note).fetch_all(&self.pool).await
    }

    async fn create_table(&self) -> Result<(), Error> {
        let create = async || {
            let create = sqlx::raw_sql(self.sql(CREATE_TABLE));
            create.execute(&self.pool).await.map(drop)
        };
        // If two copies create it at once, PostgreSQL may reject one of them.
        let create = async || match create().await {
            Err(Error::Database(_)) => create().await,
            result => result,
        };
        self.table.get_or_try_init(create).await.map(drop)
    }

    fn sql(&self, statement: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(statement.replace("{id}", self.id_type))
    }
}

async fn in_time<T>(call: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    timeout(DEADLINE, call).await.unwrap_or(Err(Error::PoolTimedOut))
}

impl Note {
    fn new(text: String, micros: i64) -> Self {
        let created_at = NumericDate::from_secs(micros.unsigned_abs() / 1_000_000).to_rfc3339();
        Self { text, created_at }
    }
}
