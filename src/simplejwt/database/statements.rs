//! The SQL about users and tokens.

use crate::store::sql::statement::Statement;

use super::{
    connection::Fields,
    dialect::{Dialect, Kind, quoted, statement},
    table::UserTable,
    times::Times,
};

/// The tables of the blacklist app.
pub(super) const BLACKLIST_TABLES: [&str; 2] =
    ["token_blacklist_outstandingtoken", "token_blacklist_blacklistedtoken"];

const OUTSTANDING: &str = "\"token_blacklist_outstandingtoken\"";
const BLACKLISTED: &str = "\"token_blacklist_blacklistedtoken\"";
/// The column `token` must not be null.
const NO_TOKEN: &str = "'not stored'";

/// The statements for one table of users, and the kinds of its columns.
pub(super) struct Statements {
    pub(super) primary_key: Kind,
    pub(super) user_id: Kind,
    pub(super) username: Kind,

    /// The user called $1.
    pub(super) by_username: Statement,
    /// The user with id $1.
    pub(super) by_id: Statement,
    /// Sets the hash of the user with primary key $1 to $2, if it still is $3.
    pub(super) rehash: Statement,
    /// Sets the last login of the user with primary key $1 to $2.
    pub(super) record_login: Option<Statement>,

    /// Records token $1 of user $2, issued at $3, until $4.
    pub(super) outstand: Statement,
    /// Whether token $1 is blacklisted.
    pub(super) is_blacklisted: Statement,
    /// Blacklists token $1 of user $2 at $3, and records it until $4. Returns a row if it was not
    /// blacklisted.
    pub(super) blacklist: Vec<Statement>,
    /// The same. If it was not blacklisted, also records token $5 of the same user until $6, and
    /// returns a row.
    pub(super) rotate: Vec<Statement>,
    /// Records token $1 of user $2, issued at $3, until at least $4. Returns whether it is
    /// blacklisted.
    pub(super) slide: Statement,

    /// The highest of the $3 ids after $1, and how many of these tokens have expired at $2.
    pub(super) page: Statement,
    /// Deletes from the blacklist up to $4 tokens with ids above $1 and up to $2, expired at $3.
    pub(super) purge_blacklisted: Statement,
    /// Deletes the same tokens from the outstanding tokens.
    pub(super) purge_outstanding: Statement,
}

impl Statements {
    /// `columns` are the names and types of the existing columns. `Err` names a missing column.
    pub(super) fn new(
        dialect: Dialect,
        times: &Times,
        table: &UserTable,
        columns: &[Fields],
    ) -> Result<Self, String> {
        let kind = |name: &str| {
            let column = columns.iter().find(|column| column[0].as_deref() == Some(name));
            let column = column.ok_or_else(|| name.to_owned())?;
            Ok::<_, String>(dialect.kind(column[1].as_deref().unwrap_or_default()))
        };
        // SQLite would take the name of a missing column for a string.
        for name in table.columns() {
            kind(name)?;
        }
        let (primary_key, user_id) = (kind(&table.primary_key)?, kind(&table.user_id)?);
        let username = kind(&table.username)?;

        let users = quoted(&table.name);
        let column = |name: &String| format!("u.{}", quoted(name));
        let [pk, id, name, password] =
            [&table.primary_key, &table.user_id, &table.username, &table.password].map(column);
        let is_active = table.is_active.as_ref().map_or("TRUE".to_owned(), column);
        let user = format!(
            "SELECT CAST({pk} AS text), CAST({id} AS text), CAST({name} AS text),
                CAST({password} AS text), CASE WHEN {is_active} THEN '1' ELSE '0' END
            FROM {users} AS u"
        );
        let key = primary_key.cast("$1");

        let [t2, t3, t4, t6] = ["$2", "$3", "$4", "$6"].map(|param| times.of_token(dialect, param));
        let [login, blacklisted_at] = ["$2", "$3"].map(|param| times.of_django(dialect, param));
        let greatest = dialect.greatest();
        // The user may have been deleted in the meantime.
        let owner = format!("(SELECT {pk} FROM {users} AS u WHERE {id} = {})", user_id.cast("$2"));
        let insert = format!(
            "INSERT INTO {OUTSTANDING} (user_id, jti, token, created_at, expires_at)
            VALUES ({owner}, $1, {NO_TOKEN}, {t3}, {t4}) ON CONFLICT (jti)"
        );
        let keep_longer = format!(
            "{insert} DO UPDATE SET expires_at = {greatest}({OUTSTANDING}.expires_at, excluded.expires_at)"
        );
        let spend = |from: &str| {
            format!(
                "INSERT INTO {BLACKLISTED} (blacklisted_at, token_id) SELECT {blacklisted_at}, {from}
                ON CONFLICT (token_id) DO NOTHING RETURNING '1'"
            )
        };
        let successor = |from: &str| {
            format!(
                "INSERT INTO {OUTSTANDING} (user_id, jti, token, created_at, expires_at)
                SELECT {owner}, $5, {NO_TOKEN}, {t3}, {t6} {from} RETURNING '1'"
            )
        };
        let (blacklist, rotate) = match dialect {
            Dialect::Postgres => {
                let remembered = format!("WITH old AS ({keep_longer} RETURNING id)");
                let spend = spend("old.id FROM old");
                // The second row is that of this rotation itself, repeated after its response was lost.
                let rotate = format!(
                    "{remembered}, spent AS ({spend}), new AS ({})
                    SELECT '1' FROM new
                    UNION ALL SELECT '1' FROM {OUTSTANDING} WHERE jti = $5",
                    successor("FROM spent")
                );
                (vec![format!("{remembered} {spend}")], vec![rotate])
            }
            Dialect::Sqlite => {
                let blacklist = [
                    format!("{keep_longer} RETURNING '1'"),
                    spend(&format!("o.id FROM {OUTSTANDING} AS o WHERE o.jti = $1")),
                ];
                (blacklist.to_vec(), [&blacklist[..], &[successor("")]].concat())
            }
        };
        let is_blacklisted = format!("SELECT '1' FROM {BLACKLISTED} AS b WHERE b.token_id = o.id");
        let expired = format!(
            "SELECT o.id FROM {OUTSTANDING} AS o WHERE o.id > $1 AND o.id <= $2
                AND o.expires_at <= {t3} ORDER BY o.id LIMIT $4"
        );
        Ok(Self {
            by_username: statement(format!("{user} WHERE {name} = {}", username.cast("$1"))),
            by_id: statement(format!("{user} WHERE {id} = {}", user_id.cast("$1"))),
            rehash: statement(format!(
                "UPDATE {users} AS u SET {} = $2 WHERE {pk} = {key} AND {password} = $3
                RETURNING '1'",
                quoted(&table.password)
            )),
            record_login: table.last_login.as_ref().map(|last_login| {
                let column = quoted(last_login);
                statement(format!("UPDATE {users} AS u SET {column} = {login} WHERE {pk} = {key}"))
            }),
            outstand: statement(format!("{insert} DO NOTHING")),
            is_blacklisted: statement(format!(
                "SELECT '1' FROM {OUTSTANDING} AS o WHERE o.jti = $1 AND EXISTS ({is_blacklisted})"
            )),
            blacklist: blacklist.into_iter().map(statement).collect(),
            rotate: rotate.into_iter().map(statement).collect(),
            slide: statement(format!(
                "{keep_longer} RETURNING CASE WHEN EXISTS (
                    SELECT 1 FROM {BLACKLISTED} AS b WHERE b.token_id = {OUTSTANDING}.id
                ) THEN '1' ELSE '0' END"
            )),
            page: statement(format!(
                "SELECT CAST(max(p.id) AS text),
                    CAST(sum(CASE WHEN p.expires_at <= {t2} THEN 1 ELSE 0 END) AS text)
                FROM (SELECT o.id, o.expires_at FROM {OUTSTANDING} AS o
                    WHERE o.id > $1 ORDER BY o.id LIMIT $3) AS p"
            )),
            purge_blacklisted: statement(format!(
                "DELETE FROM {BLACKLISTED} WHERE token_id IN ({expired})"
            )),
            purge_outstanding: statement(format!(
                "DELETE FROM {OUTSTANDING} AS o WHERE o.id IN ({expired})
                    AND NOT EXISTS ({is_blacklisted}) RETURNING '1'"
            )),
            primary_key,
            user_id,
            username,
        })
    }
}
