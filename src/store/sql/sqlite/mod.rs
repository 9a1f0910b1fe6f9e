mod engine;
mod store;

#[cfg(any(feature = "django", feature = "password"))]
pub(crate) use engine::SqliteEngine;
pub use store::SqliteStore;
