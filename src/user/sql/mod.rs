//! Accounts in a SQL database.

mod accounts;
mod administration;
mod builder;
mod database;
mod dialect;
mod extra;
mod ids;
mod login;
mod migrations;
mod name;
mod params;
mod record;
mod statements;
mod table;
mod users;

pub use builder::SqlUsersBuilder;
#[cfg(feature = "totp")]
pub(crate) use database::Migrated;
pub use database::SqlDatabase;
#[cfg(feature = "totp")]
pub(crate) use dialect::Dialect;
pub use extra::{ExtraColumn, ExtraColumns, ExtraValues};
pub use ids::AccountIds;
#[cfg(feature = "totp")]
pub(crate) use migrations::Migrations;
#[cfg(feature = "totp")]
pub(crate) use table::is_table_name;
pub use table::{AccountColumn, AccountTable};
pub use users::{LoginBy, SqlUsers};
