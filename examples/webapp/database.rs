//! The database with accounts, sessions and notes.

use std::{
    error::Error,
    path::{Path, PathBuf},
};

use tower_jwt_auth::store::{PostgresStore, SqliteStore};

use crate::{
    notes::Notes,
    store_check::{check_sqlite_file, sqlite_path},
};

/// The sessions, and the accounts beside them.
pub(crate) enum Sessions {
    Sqlite(SqliteStore),
    Postgres(PostgresStore),
}

/// What the application itself keeps.
pub(crate) struct Files {
    pub(crate) notes: Notes,
    /// The folder for files that belong to the database.
    pub(crate) folder: PathBuf,
}

/// Connects to the database at `url` on first use, so the server starts while it is down.
pub(crate) fn connect_lazy(url: &str) -> Result<(Sessions, Files), Box<dyn Error>> {
    let invalid = |error| format!("DATABASE_URL: {error}");
    let (sessions, folder) = match url.split(':').next() {
        Some("sqlite") => {
            check_sqlite_file("DATABASE_URL", url)?;
            let store = SqliteStore::connect_lazy(url).map_err(invalid)?;
            let folder = sqlite_path(url).parent().unwrap_or(Path::new(""));
            (Sessions::Sqlite(store), folder)
        }
        Some("postgres" | "postgresql") => {
            let store = PostgresStore::connect_lazy(url).map_err(invalid)?;
            (Sessions::Postgres(store), Path::new(""))
        }
        // The URL may contain a password, so the message does not show it.
        _ => return Err("DATABASE_URL must be sqlite:… or postgres://…".into()),
    };
    let notes = Notes::connect_lazy(url).map_err(|error| format!("DATABASE_URL: {error}"))?;
    Ok((sessions, Files { notes, folder: folder.to_owned() }))
}
