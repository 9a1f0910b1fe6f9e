use std::borrow::Cow;

use crate::store::sql::statement::Statement;

/// The differences between the databases.
#[derive(Clone, Copy, Debug)]
pub(super) enum Dialect {
    Postgres,
    Sqlite,
}

impl Dialect {
    /// The function that returns the greater of two values.
    pub(super) const fn greatest(self) -> &'static str {
        match self {
            Self::Postgres => "greatest",
            Self::Sqlite => "max",
        }
    }

    /// Returns a row if the database accepts writes. In SQLite, beginning the transaction around it
    /// already shows that.
    pub(super) fn ping(self) -> Statement {
        Statement::new(match self {
            Self::Postgres => "SELECT '1' WHERE current_setting('transaction_read_only') = 'off'",
            Self::Sqlite => "SELECT '1'",
        })
    }

    /// The names and types of the columns of table $1.
    pub(super) fn columns(self) -> Statement {
        Statement::new(match self {
            // Without the modifier: a cast to `varchar(150)` would truncate longer values.
            Self::Postgres => {
                "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
                WHERE attrelid = to_regclass(quote_ident($1)) AND attnum > 0 AND NOT attisdropped"
            }
            Self::Sqlite => "SELECT name, type FROM pragma_table_info($1)",
        })
    }

    /// The kind of a column of type `name`.
    pub(super) fn kind(self, name: &str) -> Kind {
        match (self, name) {
            (Self::Postgres, "smallint" | "integer" | "bigint") => Kind::Integer,
            (Self::Postgres, "uuid") => Kind::Uuid("uuid"),
            (Self::Postgres, "text" | "character varying" | "character") => {
                Kind::Text("text".into())
            }
            (Self::Postgres, other) => Kind::Text(other.into()),
            // The type of a `UUIDField`. A `CharField` is a `varchar`.
            (Self::Sqlite, "char(32)") => Kind::Uuid("text"),
            (Self::Sqlite, other) if other.to_ascii_lowercase().contains("int") => Kind::Integer,
            (Self::Sqlite, _) => Kind::Text("text".into()),
        }
    }
}

/// What a column holds by which users are found.
#[derive(Debug)]
pub(super) enum Kind {
    Integer,
    /// With the type of the column.
    Uuid(&'static str),
    /// With the type for comparisons.
    Text(Box<str>),
}

impl Kind {
    /// A parameter that holds a [`value`](Self::value), to be compared with the column.
    pub(super) fn cast(&self, param: &str) -> String {
        let name = match self {
            Self::Integer => "bigint",
            Self::Uuid(name) => name,
            Self::Text(name) => name,
        };
        format!("CAST({param} AS {name})")
    }

    /// The column's value for `text`; `None` if the column cannot hold it.
    pub(super) fn value<'a>(&self, text: &'a str) -> Option<Cow<'a, str>> {
        match self {
            Self::Integer => Some(text.parse::<i64>().ok()?.to_string().into()),
            Self::Uuid(_) => {
                let digits: String = text.chars().filter(|char| *char != '-').collect();
                let is_uuid = digits.len() == 32 && digits.bytes().all(|b| b.is_ascii_hexdigit());
                is_uuid.then(|| digits.to_ascii_lowercase().into())
            }
            Self::Text(_) => (!text.contains('\0')).then_some(text.into()),
        }
    }

    /// A value from the column, as Python's `str` shows it.
    pub(super) fn shown(&self, value: String) -> Box<str> {
        match self {
            Self::Uuid(_) if value.len() == 32 && value.is_ascii() => {
                let parts = [&value[..8], &value[8..12], &value[12..16], &value[16..20]];
                [&parts.join("-"), "-", &value[20..]].concat().into()
            }
            _ => value.into(),
        }
    }
}

/// A name, quoted for a statement.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A statement whose variable parts are quoted names, types that the database listed, and numbers
/// of parameters.
pub(super) fn statement(sql: impl Into<String>) -> Statement {
    Statement::new(sql)
}
