mod engine;
mod feed;
mod message;
mod parameters;
mod store;

#[cfg(feature = "django")]
pub(crate) use engine::PostgresEngine;
pub use store::PostgresStore;
