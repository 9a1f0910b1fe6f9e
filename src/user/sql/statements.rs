//! The SQL about accounts. Names in braces are columns.

use crate::store::sql::statement::Statement;

use super::{
    dialect::Dialect,
    extra::{ExtraColumn, Kind},
    ids::AccountIds,
    table::{AccountColumn, AccountTable},
};

/// Where parameter 13 of `CREATE`, the first column of the application, is.
const FIRST_EXTRA: usize = 13;

const BY_ID: &str = "SELECT {account} FROM {table} WHERE {id} = {id$1}";
const BY_USERNAME: &str = "SELECT {account} FROM {table} WHERE {username_key} = $1";
const BY_EMAIL: &str = "SELECT {account} FROM {table} WHERE {email_key} = $1";
/// One of the accounts, if others have written to the table.
const BY_EITHER: &str =
    "SELECT {account} FROM {table} WHERE {username_key} = $1 OR {email_key} = $1 LIMIT 1";

const SECRET_BY_ID: &str = "SELECT {account}, {password_hash} FROM {table} WHERE {id} = {id$1}";
const SECRET_BY_USERNAME: &str =
    "SELECT {account}, {password_hash} FROM {table} WHERE {username_key} = $1";
const SECRET_BY_EMAIL: &str =
    "SELECT {account}, {password_hash} FROM {table} WHERE {email_key} = $1";
/// At most one account matches, unless others have written to the table.
const SECRET_BY_EITHER: &str = "SELECT {account}, {password_hash} FROM {table}
    WHERE {username_key} = $1 OR {email_key} = $1
    ORDER BY CASE WHEN {email_key} = $1 THEN 0 ELSE 1 END LIMIT 1";

/// Whether another account has the user name $3 or the e-mail address $5. $11 marks the account of
/// this call, if it was created by an earlier attempt.
const CREATE_CONFLICTS: &str = "SELECT
    CASE WHEN EXISTS (SELECT 1 FROM {table}
        WHERE ({username_key} = $3 OR {email_key} = $3) AND {generation} <> $11)
        THEN '1' ELSE '0' END,
    CASE WHEN EXISTS (SELECT 1 FROM {table}
        WHERE ({username_key} = $5 OR {email_key} = $5) AND {generation} <> $11)
        THEN '1' ELSE '0' END";
const CREATE: &str = "INSERT INTO {table} ({columns}) SELECT {values} WHERE NOT EXISTS (
        SELECT 1 FROM {table} WHERE {username_key} IN ($3, $5) OR {email_key} IN ($3, $5))
    ON CONFLICT DO NOTHING RETURNING {account}";

/// Whether an account other than $1 has the user name or e-mail address $3.
const RENAME_CONFLICTS: &str = "SELECT CASE WHEN EXISTS (SELECT 1 FROM {table}
        WHERE ({username_key} = $3 OR {email_key} = $3) AND {id} <> {id$1})
        THEN '1' ELSE '0' END";
const SET_USERNAME: &str = "UPDATE {table} SET {username} = $2, {username_key} = $3
    WHERE {id} = {id$1} AND NOT {is_taken} RETURNING {account}";
const SET_EMAIL: &str =
    "UPDATE {table} SET {email} = $2, {email_key} = $3, {is_verified} = ($4 = 1)
    WHERE {id} = {id$1} AND NOT {is_taken} RETURNING {account}";
const IS_TAKEN: &str = "EXISTS (SELECT 1 FROM {table} o
        WHERE (o.{username_key} = $3 OR o.{email_key} = $3) AND o.{id} <> {id$1})";

/// Sets the hash $2 and the generation $3 if the generation is $4, or if an earlier attempt has.
const SET_PASSWORD: &str = "UPDATE {table} SET {password_hash} = $2, {generation} = $3
    WHERE {id} = {id$1} AND {generation} IN ($3, $4) RETURNING {account}";
/// Replaces the hash $4 by $3, if it has not been replaced since.
const RECORD_LOGIN: &str = "UPDATE {table} SET
    {last_login} = CASE WHEN {last_login} > $2 THEN {last_login} ELSE $2 END,
    {password_hash} = CASE WHEN $3 IS NOT NULL AND {password_hash} = $4 THEN $3
        ELSE {password_hash} END
    WHERE {id} = {id$1}";
const MARK_VERIFIED: &str = "UPDATE {table} SET {is_verified} = TRUE
    WHERE {id} = {id$1} AND {email_key} = $2 RETURNING {account}";
const SET_ACTIVE: &str = "UPDATE {table} SET {is_active} = ($2 = 1),
    {generation} = CASE WHEN $2 = 1 THEN {generation} ELSE $3 END
    WHERE {id} = {id$1} RETURNING {account}";
const SET_STAFF: &str = "UPDATE {table} SET {is_staff} = ($2 = 1)
    WHERE {id} = {id$1} RETURNING {account}";
const SET_ROLES: &str = "UPDATE {table} SET {roles} = $2 WHERE {id} = {id$1} RETURNING {account}";
const SET_EXTRA: &str = "UPDATE {table} SET {assignments}
    WHERE {id} = {id$1} RETURNING {account}";
const DELETE: &str = "DELETE FROM {table} WHERE {id} = {id$1}";
/// Writes nothing, but fails where a write would.
const PING: &str = "DELETE FROM {table} WHERE {generation} = '' AND {username_key} = ''";

pub(super) struct Statements {
    pub(super) by_id: Statement,
    pub(super) by_username: Statement,
    pub(super) by_email: Statement,
    pub(super) by_either: Statement,
    pub(super) secret_by_id: Statement,
    pub(super) secret_by_username: Statement,
    pub(super) secret_by_email: Statement,
    pub(super) secret_by_either: Statement,
    /// These three run in a transaction with a lock. The first statement returns which names are
    /// taken.
    pub(super) create: [Statement; 2],
    pub(super) set_username: [Statement; 2],
    pub(super) set_email: [Statement; 2],
    pub(super) set_password: Statement,
    pub(super) record_login: Statement,
    pub(super) mark_verified: Statement,
    pub(super) set_active: Statement,
    pub(super) set_staff: Statement,
    pub(super) set_roles: Statement,
    /// `None` if the application has no columns.
    pub(super) set_extra: Option<Statement>,
    pub(super) delete: Statement,
    pub(super) ping: Statement,
}

impl Statements {
    pub(super) fn new(
        dialect: Dialect,
        table: &AccountTable,
        ids: AccountIds,
        extra: &[ExtraColumn],
    ) -> Self {
        let fill = |sql: &str| Statement::new(fill(dialect, table, ids, extra, sql));
        let set_extra = (!extra.is_empty()).then(|| {
            let assignments = extra.iter().zip(2..).map(|(column, number)| {
                format!("{} = {}", dialect.quoted(column.name), extra_value(column.kind, number))
            });
            let assignments = assignments.collect::<Vec<_>>().join(", ");
            fill(&SET_EXTRA.replace("{assignments}", &assignments))
        });
        Self {
            by_id: fill(BY_ID),
            by_username: fill(BY_USERNAME),
            by_email: fill(BY_EMAIL),
            by_either: fill(BY_EITHER),
            secret_by_id: fill(SECRET_BY_ID),
            secret_by_username: fill(SECRET_BY_USERNAME),
            secret_by_email: fill(SECRET_BY_EMAIL),
            secret_by_either: fill(SECRET_BY_EITHER),
            create: [fill(CREATE_CONFLICTS), fill(CREATE)],
            set_username: [fill(RENAME_CONFLICTS), fill(SET_USERNAME)],
            set_email: [fill(RENAME_CONFLICTS), fill(SET_EMAIL)],
            set_password: fill(SET_PASSWORD),
            record_login: fill(RECORD_LOGIN),
            mark_verified: fill(MARK_VERIFIED),
            set_active: fill(SET_ACTIVE),
            set_staff: fill(SET_STAFF),
            set_roles: fill(SET_ROLES),
            set_extra,
            delete: fill(DELETE),
            ping: fill(PING),
        }
    }

    /// All statements, except the migrations.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let single = [
            &self.by_id,
            &self.by_username,
            &self.by_email,
            &self.by_either,
            &self.secret_by_id,
            &self.secret_by_username,
            &self.secret_by_email,
            &self.secret_by_either,
            &self.set_password,
            &self.record_login,
            &self.mark_verified,
            &self.set_active,
            &self.set_staff,
            &self.set_roles,
            &self.delete,
            &self.ping,
        ];
        let locked = [&self.create, &self.set_username, &self.set_email];
        let all = single.into_iter().chain(locked.into_iter().flatten()).chain(&self.set_extra);
        all.map(Statement::as_str)
    }
}

/// Fills in the names of `table`. All values are read as strings.
fn fill(
    dialect: Dialect,
    table: &AccountTable,
    ids: AccountIds,
    extra: &[ExtraColumn],
    sql: &str,
) -> String {
    let account = [
        "CAST({id} AS TEXT)",
        "{generation}",
        "{username}",
        "{email}",
        "CASE WHEN {is_active} THEN '1' ELSE '0' END",
        "CASE WHEN {is_verified} THEN '1' ELSE '0' END",
        "CASE WHEN {is_staff} THEN '1' ELSE '0' END",
        "{roles}",
        "CAST({created_at} AS TEXT)",
        "CAST({last_login} AS TEXT)",
    ]
    .map(str::to_owned);
    let shown = extra.iter().map(|column| {
        let name = dialect.quoted(column.name);
        match column.kind {
            Kind::Text => name,
            Kind::Integer => format!("CAST({name} AS TEXT)"),
            Kind::Boolean => format!("CASE {name} WHEN TRUE THEN '1' WHEN FALSE THEN '0' END"),
        }
    });
    let account = account.into_iter().chain(shown).collect::<Vec<_>>().join(", ");
    let (columns, values) = inserted(dialect, ids, extra);
    let mut filled = sql
        .replace("{is_taken}", IS_TAKEN)
        .replace("{account}", &account)
        .replace("{columns}", &columns)
        .replace("{values}", &values)
        .replace("{id$1}", dialect.id(ids));
    for column in AccountColumn::ALL {
        let placeholder = format!("{{{}}}", column.default_name());
        filled = filled.replace(&placeholder, &dialect.quoted(table.column(column)));
    }
    let filled = filled.replace("{table}", &dialect.quoted(&table.name));
    filled.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The columns of a new account, and their values.
fn inserted(dialect: Dialect, ids: AccountIds, extra: &[ExtraColumn]) -> (String, String) {
    let mut columns = vec![
        "{username}",
        "{username_key}",
        "{email}",
        "{email_key}",
        "{password_hash}",
        "{is_active}",
        "{is_verified}",
        "{is_staff}",
        "{roles}",
        "{generation}",
        "{created_at}",
    ]
    .into_iter()
    .map(str::to_owned)
    .collect::<Vec<_>>();
    let mut values = ["$2", "$3", "$4", "$5", "$6", "($7 = 1)", "($8 = 1)", "($9 = 1)"]
        .into_iter()
        .chain(["$10", "$11", "$12"])
        .map(str::to_owned)
        .collect::<Vec<_>>();
    if ids != AccountIds::Integer {
        columns.push("{id}".to_owned());
        values.push(dialect.id(ids).to_owned());
    }
    for (column, number) in extra.iter().zip(FIRST_EXTRA..) {
        columns.push(dialect.quoted(column.name));
        values.push(extra_value(column.kind, number));
    }
    (columns.join(", "), values.join(", "))
}

/// A value of the application, which the parameter holds as a string.
fn extra_value(kind: Kind, number: usize) -> String {
    match kind {
        Kind::Text => format!("${number}"),
        Kind::Integer => format!("CAST(${number} AS BIGINT)"),
        Kind::Boolean => format!("(${number} = '1')"),
    }
}
