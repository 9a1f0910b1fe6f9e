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
pub use database::SqlDatabase;
pub use extra::{ExtraColumn, ExtraColumns, ExtraValues};
pub use ids::AccountIds;
pub use table::{AccountColumn, AccountTable};
pub use users::{LoginBy, SqlUsers};
