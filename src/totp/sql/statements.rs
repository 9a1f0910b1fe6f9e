//! The SQL about secrets.
//!
//! `last_step` is null until the secret is confirmed. `recovery_codes` has the hash of each code that is
//! left, and a comma after each. `last_use` is the id of the last call that used something: a call that
//! is repeated after its reply was lost finds its own id.

use crate::{store::sql::statement::Statement, user::Dialect};

/// A migration that was published is never changed.
const SECRETS: &[&str] = &["CREATE TABLE {table} (
    user_id {key} NOT NULL PRIMARY KEY,
    secret TEXT NOT NULL,
    last_step BIGINT,
    recovery_codes TEXT NOT NULL,
    last_use TEXT NOT NULL
)"];
pub(super) const MIGRATIONS: &[&[&str]] = &[SECRETS];

/// How many characters of `recovery_codes` a code has.
pub(super) const RECOVERY_CODE_LEN: usize = 65;

const FIND: &str = "SELECT secret, CAST(last_step AS TEXT), CAST(length(recovery_codes) AS TEXT)
    FROM {table} WHERE user_id = $1";
const BEGIN: &str = "INSERT INTO {table} (user_id, secret, last_step, recovery_codes, last_use)
    VALUES ($1, $2, NULL, '', '')
    ON CONFLICT (user_id) DO UPDATE SET secret = excluded.secret
    WHERE {table}.last_step IS NULL RETURNING user_id";
const CONFIRM: &str = "UPDATE {table} SET last_step = $3, recovery_codes = $4, last_use = $5
    WHERE user_id = $1 AND secret = $2 AND (last_step IS NULL OR last_use = $5)
    RETURNING user_id";
const USE_STEP: &str = "UPDATE {table} SET last_step = $3, last_use = $4
    WHERE user_id = $1 AND secret = $2 AND (last_step < $3 OR last_use = $4)
    RETURNING user_id";
/// $2 has only hexadecimal digits, so nothing in it is a wildcard.
const USE_RECOVERY_CODE: &str =
    "UPDATE {table} SET recovery_codes = replace(recovery_codes, $2 || ',', ''), last_use = $3
    WHERE user_id = $1 AND last_step IS NOT NULL
        AND (recovery_codes LIKE '%' || $2 || ',%' OR last_use = $3)
    RETURNING user_id";
const REPLACE_SECRET: &str =
    "UPDATE {table} SET secret = $3 WHERE user_id = $1 AND secret IN ($2, $3) RETURNING user_id";
const REMOVE: &str = "DELETE FROM {table} WHERE user_id = $1 RETURNING CAST(last_step AS TEXT)";
/// Writes nothing, but fails where a write would.
const PING: &str = "DELETE FROM {table} WHERE user_id = ''";

pub(super) struct Statements {
    pub(super) find: Statement,
    pub(super) begin: Statement,
    pub(super) confirm: Statement,
    pub(super) use_step: Statement,
    pub(super) use_recovery_code: Statement,
    pub(super) replace_secret: Statement,
    pub(super) remove: Statement,
    pub(super) ping: Statement,
}

impl Statements {
    pub(super) fn new(dialect: Dialect, table: &str) -> Self {
        let fill = |sql: &str| {
            let filled = sql.replace("{table}", &dialect.quoted(table));
            Statement::new(filled.split_whitespace().collect::<Vec<_>>().join(" "))
        };
        Self {
            find: fill(FIND),
            begin: fill(BEGIN),
            confirm: fill(CONFIRM),
            use_step: fill(USE_STEP),
            use_recovery_code: fill(USE_RECOVERY_CODE),
            replace_secret: fill(REPLACE_SECRET),
            remove: fill(REMOVE),
            ping: fill(PING),
        }
    }

    /// All statements, except the migrations.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let all = [
            &self.find,
            &self.begin,
            &self.confirm,
            &self.use_step,
            &self.use_recovery_code,
            &self.replace_secret,
            &self.remove,
            &self.ping,
        ];
        all.into_iter().map(Statement::as_str)
    }
}
