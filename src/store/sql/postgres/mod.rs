mod engine;
mod feed;
mod message;
mod parameters;
mod store;

#[cfg(any(feature = "django", feature = "password"))]
pub(crate) use engine::PostgresEngine;
pub use store::PostgresStore;
