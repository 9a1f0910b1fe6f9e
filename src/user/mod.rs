//! How the application provides its users: [`UserBackend`] and [`User`].
//!
//! [`UserBackend`] is the port that logins and refreshes use. [`AccountBackend`] adds what sign-up,
//! changes of passwords and the verification of e-mail addresses need. Implement them for tables of
//! your own, with any database library, or use `SqlUsers`.
//!
#![cfg_attr(
    all(feature = "password", feature = "postgres", feature = "sqlite"),
    doc = include_str!("sql.md")
)]

mod accounts;
mod authentication;
mod backend;
mod continued_session;
mod credentials;
mod fields;
mod generation;
#[cfg(all(feature = "password", any(feature = "postgres", feature = "sqlite")))]
mod hashing;
mod second_factor;
#[cfg(all(feature = "password", any(feature = "postgres", feature = "sqlite")))]
mod sql;
mod token_user;

#[cfg(any(feature = "password", feature = "throttle"))]
pub use accounts::login_key;
pub use accounts::{
    Account, AccountBackend, AccountError, FieldProblem, FieldProblems, NewAccount,
};
pub use authentication::Authentication;
pub use backend::{BackendError, UserBackend};
pub use credentials::{Credentials, UsernamePassword};
pub use fields::{FieldErrors, Fields};
pub use generation::new_generation;
#[cfg(all(feature = "password", any(feature = "postgres", feature = "sqlite")))]
pub use hashing::PasswordHashing;
#[cfg(feature = "routes")]
pub(crate) use second_factor::DynSecondFactor;
pub use second_factor::SecondFactor;
#[cfg(all(feature = "password", any(feature = "postgres", feature = "sqlite")))]
pub use sql::{
    AccountColumn, AccountIds, AccountTable, ExtraColumn, ExtraColumns, ExtraValues, LoginBy,
    SqlDatabase, SqlUsers, SqlUsersBuilder,
};
#[cfg(all(
    feature = "totp",
    feature = "password",
    any(feature = "postgres", feature = "sqlite")
))]
pub(crate) use sql::{Dialect, Migrated, Migrations, is_table_name};
pub use token_user::User;
