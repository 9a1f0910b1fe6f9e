use std::{error::Error, fmt};

use super::dialect::quoted;

/// How the database differs from the configuration.
#[derive(Debug)]
pub(in crate::simplejwt) enum SchemaMismatch {
    /// The table of users has no such column, or does not exist.
    NoColumn(String),
    /// This table of the blacklist app does not exist.
    NoBlacklistApp(&'static str),
    /// This table of the blacklist app exists. Tokens that it lists would be accepted.
    UnusedBlacklistApp(&'static str),
}

impl fmt::Display for SchemaMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoColumn(column) => {
                write!(f, "the table of users has no column {}", quoted(column))
            }
            Self::NoBlacklistApp(table) => {
                write!(f, "the blacklist app is set, but its table {table} does not exist")
            }
            Self::UnusedBlacklistApp(table) => write!(
                f,
                "the table {table} exists, but the blacklist app is not set: set it, or drop the \
                 tables if Django no longer uses them"
            ),
        }
    }
}

impl Error for SchemaMismatch {}
