//! Creates and upgrades a table: that of accounts, and that of second factors.
//!
//! A migration that was published is never changed. It leaves the table usable by processes of the
//! version before it, which run on while a new version is rolled out.

use sqlx::{AssertSqlSafe, Error, SqlSafeStr, SqlStr};
use tokio::time::Instant;

use crate::store::sql::{
    calls::{Calls, Failure, conclude},
    engine::{Access, Engine, Row},
    store::lock_of,
};

use super::{
    dialect::Dialect,
    extra::ExtraColumn,
    ids::AccountIds,
    table::{AccountColumn, AccountTable},
};

/// The first version of the table.
const ACCOUNTS: &[&str] = &[
    "CREATE TABLE {table} (
        {id} {primary_key},
        {username} TEXT,
        {username_key} {key},
        {email} TEXT,
        {email_key} {key},
        {password_hash} TEXT,
        {is_active} BOOLEAN NOT NULL,
        {is_verified} BOOLEAN NOT NULL,
        {is_staff} BOOLEAN NOT NULL,
        {roles} TEXT NOT NULL,
        {generation} TEXT NOT NULL,
        {created_at} BIGINT NOT NULL,
        {last_login} BIGINT{extra}
    )",
    "CREATE UNIQUE INDEX {table_}username_key ON {table} ({username_key})",
    "CREATE UNIQUE INDEX {table_}email_key ON {table} ({email_key})",
];
const MIGRATIONS: &[&[&str]] = &[ACCOUNTS];

/// The statements that create or upgrade a table.
pub(crate) struct Migrations {
    /// The number of the lock that migrations of this table wait for.
    lock: i64,
    create_versions: SqlStr,
    version: SqlStr,
    scripts: Vec<Vec<SqlStr>>,
    /// Whether a column can be added that may be there already.
    adds_if_missing: bool,
    /// The columns of the application. They have no version, since the application changes them.
    extra: Vec<AddColumn>,
}

struct AddColumn {
    /// Fails if the table has no such column.
    probe: SqlStr,
    add: SqlStr,
}

impl Migrations {
    /// The migrations of a table without columns of the application. `{table}` in a statement is its
    /// name, and `{key}` the type of a column whose strings are compared byte by byte.
    #[cfg(feature = "totp")]
    pub(crate) fn of_table(
        dialect: Dialect,
        table: &str,
        purpose: &str,
        scripts: &[&[&str]],
    ) -> Self {
        let quoted_table = dialect.quoted(table);
        let fill =
            |sql: &str| sql.replace("{key}", dialect.key()).replace("{table}", &quoted_table);
        Self::with_scripts(dialect, table, purpose, scripts, fill)
    }

    pub(super) fn new(
        dialect: Dialect,
        table: &AccountTable,
        ids: AccountIds,
        extra: &[ExtraColumn],
    ) -> Self {
        let quoted_table = dialect.quoted(&table.name);
        let definition =
            |column: &ExtraColumn| format!("{} {}", dialect.quoted(column.name), column.kind.sql());
        let definitions: String =
            extra.iter().map(|column| format!(", {}", definition(column))).collect();
        let fill = |sql: &str| {
            let mut filled = sql
                .replace("{primary_key}", dialect.primary_key(ids))
                .replace("{key}", dialect.key())
                .replace("{extra}", &definitions)
                .replace("{table_}", &format!("{}_", table.name))
                .replace("{table}", &quoted_table);
            for column in AccountColumn::ALL {
                let placeholder = format!("{{{}}}", column.default_name());
                filled = filled.replace(&placeholder, &dialect.quoted(table.column(column)));
            }
            filled
        };
        let extra = extra.iter().map(|column| AddColumn {
            probe: raw(format!(
                "SELECT {} FROM {quoted_table} LIMIT 0",
                dialect.quoted(column.name)
            )),
            add: raw(format!(
                "ALTER TABLE {quoted_table} {} {}",
                dialect.add_column(),
                definition(column)
            )),
        });
        let extra = extra.collect();
        let migrations =
            Self::with_scripts(dialect, &table.name, "account migrations", MIGRATIONS, fill);
        Self { extra, ..migrations }
    }

    fn with_scripts(
        dialect: Dialect,
        table: &str,
        purpose: &str,
        scripts: &[&[&str]],
        fill: impl Fn(&str) -> String,
    ) -> Self {
        let versions = dialect.quoted(&format!("{table}_migrations"));
        let fill = |sql: &str| raw(fill(sql).split_whitespace().collect::<Vec<_>>().join(" "));
        let scripts = scripts.iter().zip(1..).map(|(statements, number)| {
            let statements = statements.iter().map(|sql| fill(sql));
            let set_version = format!("INSERT INTO {versions} (version) VALUES ({number})");
            statements.chain([raw(set_version)]).collect()
        });
        Self {
            lock: lock_of(&[table, purpose]),
            create_versions: raw(format!(
                "CREATE TABLE IF NOT EXISTS {versions} (version BIGINT NOT NULL PRIMARY KEY)"
            )),
            version: raw(format!(
                "SELECT COALESCE(max(version), CAST(0 AS BIGINT)) FROM {versions}"
            )),
            scripts: scripts.collect(),
            adds_if_missing: dialect.add_column().ends_with("EXISTS"),
            extra: Vec::new(),
        }
    }

    /// The statements of each version.
    pub(crate) fn scripts(&self) -> impl Iterator<Item = String> {
        self.scripts.iter().enumerate().map(|(index, statements)| {
            let create = (index == 0).then_some(&self.create_versions);
            let lines = create.into_iter().chain(statements);
            lines.fold(String::new(), |script, line| script + line.as_str() + ";\n")
        })
    }

    /// Brings the table up to date. Several processes may do so at once.
    pub(super) async fn apply<E: Engine>(
        &self,
        calls: &Calls<E>,
        until: Instant,
    ) -> Result<(), Failure> {
        let mut lease = calls.connect(Access::Write, until).await?;
        let outcome = async {
            // Usually there is nothing to do. That needs no right to do it.
            if self.is_current::<E>(lease.connection()?).await? {
                return Ok(());
            }
            let mut transaction = lease.begin(E::begin(self.lock)).await?;
            E::execute(&mut transaction, self.create_versions.clone()).await?;
            let applied = E::execute(&mut transaction, self.version.clone()).await?;
            let applied = single_int::<E>(&applied)?;
            for (statements, number) in self.scripts.iter().zip(1..) {
                if number > applied {
                    for statement in statements {
                        E::execute(&mut transaction, statement.clone()).await?;
                    }
                }
            }
            for column in &self.extra {
                // In PostgreSQL, a probe that fails would end the transaction.
                let exists = !self.adds_if_missing
                    && succeeds(E::execute(&mut transaction, column.probe.clone()).await)?;
                if !exists {
                    E::execute(&mut transaction, column.add.clone()).await?;
                }
            }
            transaction.commit().await
        }
        .await;
        conclude::<E, _>(lease, outcome)
    }

    async fn is_current<E: Engine>(
        &self,
        connection: &mut <E::Db as sqlx::Database>::Connection,
    ) -> Result<bool, Error> {
        match E::execute(connection, self.version.clone()).await {
            Ok(rows) if single_int::<E>(&rows)? >= self.scripts.len() as i64 => {}
            Ok(_) | Err(Error::Database(_)) => return Ok(false),
            Err(error) => return Err(error),
        }
        for column in &self.extra {
            if !succeeds(E::execute(connection, column.probe.clone()).await)? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether the database did not reject a statement.
fn succeeds<T>(outcome: Result<T, Error>) -> Result<bool, Error> {
    match outcome {
        Ok(_) => Ok(true),
        Err(Error::Database(_)) => Ok(false),
        Err(error) => Err(error),
    }
}

/// The number in a single row.
fn single_int<E: Engine>(rows: &[Row<E>]) -> Result<i64, Error> {
    E::int(rows.first().ok_or(Error::RowNotFound)?, 0)?.ok_or(Error::RowNotFound)
}

fn raw(sql: String) -> SqlStr {
    AssertSqlSafe(sql).into_sql_str()
}
