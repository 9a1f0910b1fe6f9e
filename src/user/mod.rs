//! How the application provides its users: [`UserBackend`] and [`User`].

mod account;
mod backend;
mod credentials;
mod fields;

pub use account::User;
pub use backend::{BackendError, UserBackend};
pub use credentials::{Credentials, UsernamePassword};
pub use fields::{FieldErrors, Fields};
