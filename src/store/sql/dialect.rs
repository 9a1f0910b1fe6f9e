//! The few places where the SQL of the engines differs.

use super::schema::Migration;

/// How an engine writes what the other one writes differently.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// The type of an id: text that is compared byte by byte, whatever the locale of the database.
    pub(super) text: &'static str,
    /// What follows the columns of a table.
    pub(super) table: &'static str,
    /// The function that returns the greater of two numbers.
    pub(super) greatest: &'static str,
    /// The function that returns the lesser of two numbers.
    pub(super) least: &'static str,
    /// What comes before and after a query whose rows are looked up by a key, one by one.
    pub(super) any: (&'static str, &'static str),
    /// Whether a statement may contain others that write.
    pub(super) writing_ctes: bool,
    /// Whether statements that revoke something also notify listeners.
    pub(super) notices: bool,
    pub(super) migrations: &'static [Migration],
    /// The time until which rows are due: $1, and also by the database's clock if $4 is 0.
    pub(super) due: &'static str,
    /// Deletes rows of {table} that are due, by their {key}.
    pub(super) purge: &'static str,
    /// Deletes revocations of users that are due, unless the users have sessions.
    pub(super) purge_users: &'static str,
    /// Postpones revocations of users that are due, if the users have sessions.
    pub(super) postpone_users: &'static str,
}
