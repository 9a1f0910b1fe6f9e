//! The few places where the SQL of the engines differs.

/// How an engine writes what the other one writes differently.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// The type of an id: text that is compared byte by byte, whatever the database's locale.
    pub(super) text: &'static str,
    /// What follows the columns of a table.
    pub(super) table: &'static str,
    /// The function that gives the greater of two numbers.
    pub(super) greatest: &'static str,
    /// Whether a statement may hold another one that writes.
    pub(super) writing_ctes: bool,
    /// Whether statements that revoke something also tell it to whoever listens.
    pub(super) notices: bool,
    /// Migrations of this engine alone, after those of all.
    pub(super) migrations: &'static [&'static [&'static str]],
    /// Of {table}, the rows that are over: how `DELETE` takes some of them by their {key}.
    pub(super) purge: &'static str,
}
