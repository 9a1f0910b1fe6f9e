//! The two error types: [`AuthError`] for requests, [`ConfigError`] for settings.

mod auth;
mod config;
mod kind;

pub use auth::AuthError;
pub use config::{ConfigError, ConfigErrorKind};
pub use kind::AuthErrorKind;
