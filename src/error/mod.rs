//! The two error types: [`AuthError`] for requests, [`ConfigError`] for settings.

mod auth;
#[cfg(feature = "tracing")]
mod causes;
mod config;
mod details;
mod kind;
mod log;

pub use auth::AuthError;
pub(crate) use auth::{ChallengeParameters, is_scope_token};
#[cfg(feature = "tracing")]
pub(crate) use causes::Causes;
pub use config::{ConfigError, ConfigErrorKind};
pub(crate) use details::{ErrorDetails, escape};
pub use kind::AuthErrorKind;
pub(crate) use log::log_rejection;
