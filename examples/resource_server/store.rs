//! The store that copies of this service share.

use std::pin::Pin;

use tower_jwt_auth::{
    MemoryStore,
    store::{PostgresStore, RedisStore, SqliteStore, TokenStore},
};

use crate::{
    settings::setting,
    store_check::{check_sqlite_file, check_store},
};

/// What needs a store, of any type.
pub(crate) trait UseStore {
    type Output;

    fn use_store(self, store: impl TokenStore + Clone) -> Self::Output;
}

/// Opens the store at `STORE_URL`. Connections are made when they are needed.
pub(crate) fn with_store<U: UseStore>(user: U) -> Result<U::Output, String> {
    let url = setting("STORE_URL")?.unwrap_or_else(|| "memory:".to_owned());
    let invalid = |error| format!("STORE_URL: {error}");
    match url.split(':').next() {
        Some("memory") if url == "memory:" => Ok(user.use_store(MemoryStore::new())),
        Some("sqlite") => {
            check_sqlite_file("STORE_URL", &url)?;
            Ok(user.use_store(SqliteStore::connect_lazy(&url).map_err(invalid)?))
        }
        Some("postgres" | "postgresql") => {
            Ok(user.use_store(PostgresStore::connect_lazy(&url).map_err(invalid)?))
        }
        Some("redis" | "rediss") => {
            Ok(user.use_store(RedisStore::connect_lazy(&url).map_err(invalid)?))
        }
        // The URL may contain a password, so the message does not show it.
        _ => Err("STORE_URL must be memory:, sqlite:…, postgres://… or redis://…".to_owned()),
    }
}

/// Fails if the store can never work.
pub(crate) async fn check() -> Result<(), String> {
    with_store(Check)?.await
}

struct Check;

impl UseStore for Check {
    type Output = Pin<Box<dyn Future<Output = Result<(), String>>>>;

    fn use_store(self, store: impl TokenStore + Clone) -> Self::Output {
        Box::pin(async move { check_store("STORE_URL", &store).await })
    }
}
