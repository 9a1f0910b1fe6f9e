//! The two errors: [`AuthError`] when a request is refused, [`ConfigError`] when something is built.

mod auth;
mod config;

pub use auth::{AuthError, AuthErrorKind};
pub use config::{ConfigError, ConfigErrorKind};
