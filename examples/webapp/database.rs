//! The database with the sessions.

use std::{
    error::Error,
    path::{Path, PathBuf},
};

use tower_jwt_auth::store::{PostgresStore, SqliteStore};

use crate::{
    settings::setting,
    store_check::{check_sqlite_file, sqlite_path},
};

pub(crate) enum Database {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

impl Database {
    /// The database at `DATABASE_URL`, and the folder for what belongs to it. It connects on first
    /// use, so the server starts while the database is down.
    pub(crate) fn from_env() -> Result<(Self, PathBuf), Box<dyn Error>> {
        let url = setting("DATABASE_URL", "sqlite:webapp.db")?;
        let invalid = |error| format!("DATABASE_URL: {error}");
        match url.split(':').next() {
            Some("sqlite") => {
                check_sqlite_file("DATABASE_URL", &url)?;
                let store = SqliteStore::connect_lazy(&url).map_err(invalid)?;
                let folder = sqlite_path(&url).parent().unwrap_or(Path::new(""));
                Ok((Self::Sqlite(store), folder.to_owned()))
            }
            Some("postgres" | "postgresql") => {
                let store = PostgresStore::connect_lazy(&url).map_err(invalid)?;
                Ok((Self::Postgres(store), PathBuf::new()))
            }
            // The URL may contain a password, so the message does not show it.
            _ => Err("DATABASE_URL must be sqlite:… or postgres://…".into()),
        }
    }
}
