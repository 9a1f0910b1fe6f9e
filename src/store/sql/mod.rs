//! Stores in SQL databases: one implementation for all engines.

pub(crate) mod calls;
mod connections;
mod delegate;
mod dialect;
pub(crate) mod engine;
pub(crate) mod lease;
pub(crate) mod migration;
#[cfg(feature = "postgres")]
mod own_pool;
mod params;
#[cfg(feature = "postgres")]
pub(crate) mod postgres;
mod purge;
mod schema;
#[cfg(feature = "sqlite")]
pub(crate) mod sqlite;
pub(crate) mod statement;
mod statements;
pub(crate) mod store;
mod throttle_store;
mod token_store;

#[cfg(feature = "postgres")]
pub use postgres::PostgresStore;
#[cfg(feature = "sqlite")]
pub use sqlite::SqliteStore;
