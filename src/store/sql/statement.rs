use std::sync::Arc;

#[cfg(feature = "postgres")]
use aws_lc_rs::digest::{SHA256, digest};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

/// A statement. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    sql: SqlStr,
    /// The name under which PostgreSQL prepares it.
    #[cfg(feature = "postgres")]
    name: Arc<str>,
}

impl Statement {
    /// `sql` must contain no values from outside the program.
    pub(crate) fn new(sql: impl Into<String>) -> Self {
        let sql: Arc<str> = sql.into().into();
        Self {
            #[cfg(feature = "postgres")]
            name: name_of(&sql),
            sql: AssertSqlSafe(sql).into_sql_str(),
        }
    }

    #[cfg(feature = "sqlite")]
    pub(super) const fn sql(&self) -> &SqlStr {
        &self.sql
    }

    pub(crate) fn as_str(&self) -> &str {
        self.sql.as_str()
    }

    #[cfg(feature = "postgres")]
    pub(super) const fn name(&self) -> &Arc<str> {
        &self.name
    }
}

/// A hash of the statement. One name never stands for two statements, not even if several processes
/// share a connection through a pooler.
#[cfg(feature = "postgres")]
fn name_of(sql: &str) -> Arc<str> {
    let hash = digest(&SHA256, sql.as_bytes());
    let mut name = String::from("jwt_");
    for byte in &hash.as_ref()[..16] {
        for nibble in [byte >> 4, byte & 15] {
            name.push(char::from(b"0123456789abcdef"[usize::from(nibble)]));
        }
    }
    name.into()
}
