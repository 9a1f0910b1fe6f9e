//! Secrets in a SQL database.

mod builder;
mod statements;
mod store;

pub use builder::SqlTotpStoreBuilder;
pub use store::SqlTotpStore;
