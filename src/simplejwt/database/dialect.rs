use std::borrow::Cow;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// How a database writes what the other one writes differently.
#[derive(Clone, Copy, Debug)]
pub(super) enum Dialect {
    Postgres,
    Sqlite,
}

impl Dialect {
    /// The function that gives the greater of two values.
    pub(super) const fn greatest(self) -> &'static str {
        match self {
            Self::Postgres => "greatest",
            Self::Sqlite => "max",
        }
    }

    /// Gives a row if the database can be written. In SQLite, because the transaction began that it
    /// is in.
    pub(super) const fn ping(self) -> SqlStr {
        SqlStr::from_static(match self {
            Self::Postgres => "SELECT '1' WHERE current_setting('transaction_read_only') = 'off'",
            Self::Sqlite => "SELECT '1'",
        })
    }

    /// The names and types of the columns of table $1.
    pub(super) const fn columns(self) -> SqlStr {
        SqlStr::from_static(match self {
            // Without its modifier: a cast to `varchar(150)` would cut what is longer.
            Self::Postgres => {
                "SELECT attname::text, format_type(atttypid, NULL) FROM pg_attribute
                WHERE attrelid = to_regclass(quote_ident($1)) AND attnum > 0 AND NOT attisdropped"
            }
            Self::Sqlite => "SELECT name, type FROM pragma_table_info($1)",
        })
    }

    /// What a column of the type `name` holds.
    pub(super) fn kind(self, name: &str) -> Kind {
        match (self, name) {
            (Self::Postgres, "smallint" | "integer" | "bigint") => Kind::Integer,
            (Self::Postgres, "uuid") => Kind::Uuid("uuid"),
            (Self::Postgres, "text" | "character varying" | "character") => {
                Kind::Text("text".into())
            }
            (Self::Postgres, other) => Kind::Text(other.into()),
            // What Django gives a `UUIDField`; a `CharField` gets a `varchar`.
            (Self::Sqlite, "char(32)") => Kind::Uuid("text"),
            (Self::Sqlite, other) if other.to_ascii_lowercase().contains("int") => Kind::Integer,
            (Self::Sqlite, _) => Kind::Text("text".into()),
        }
    }
}

/// What a column holds that users are found by.
#[derive(Debug)]
pub(super) enum Kind {
    Integer,
    /// With the type that the database keeps it in.
    Uuid(&'static str),
    /// With the type that the database compares it as.
    Text(Box<str>),
}

impl Kind {
    /// A parameter with what [`value`](Self::value) gave, to be compared with the column.
    pub(super) fn cast(&self, param: &str) -> String {
        let name = match self {
            Self::Integer => "bigint",
            Self::Uuid(name) => name,
            Self::Text(name) => name,
        };
        format!("CAST({param} AS {name})")
    }

    /// What stands in the column for `text`; `None` when the column cannot hold it.
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

    /// What Python's `str` makes of `value` from the column.
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

/// A name as it stands in a statement, whatever it is.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A statement whose variable parts are quoted names, types that the database told, and numbers of
/// parameters.
pub(super) fn statement(sql: impl Into<String>) -> SqlStr {
    AssertSqlSafe(std::sync::Arc::<str>::from(sql.into())).into_sql_str()
}
