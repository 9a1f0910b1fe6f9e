mod engine;
mod store;

#[cfg(feature = "django")]
pub(crate) use engine::SqliteEngine;
pub use store::SqliteStore;
