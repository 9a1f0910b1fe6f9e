//! The store that all engines share: its tables, and how it runs statements.

use std::{slice, sync::Arc, time::Duration};

use sqlx::Error;
use tokio::time::Instant;

use crate::error::ConfigError;

use super::{
    super::{error::StoreError, machine_clock::MachineClock},
    calls::{Calls, Failure, conclude},
    engine::{Access, Call, Engine, Param, Row},
    migration::Migration,
    statement::Statement,
    statements::Statements,
};

/// How long an automatic migration waits for a connection.
const MIGRATION_CONNECT: Duration = Duration::from_secs(1);
const DEFAULT_PREFIX: &str = "jwt_";
/// PostgreSQL cuts names off after 63 bytes, and `sessions_keep_until` follows.
const MAX_PREFIX_LEN: usize = 40;

/// What the public stores have in common.
#[derive(Clone)]
pub(crate) struct SqlStore<E> {
    pub(crate) calls: Calls<E>,
    pub(super) statements: Arc<Statements>,
    prefix: Arc<str>,
    migration: Migration,
    automatic: bool,
    pub(super) clock: Arc<MachineClock>,
}

impl<E: Engine> SqlStore<E> {
    pub(super) fn with_engine(engine: E) -> Self {
        Self {
            calls: Calls::new(engine),
            statements: Arc::new(Statements::new(&E::DIALECT, DEFAULT_PREFIX)),
            prefix: DEFAULT_PREFIX.into(),
            migration: Migration::default(),
            automatic: true,
            clock: Arc::new(MachineClock::new()),
        }
    }

    pub(super) fn with_table_prefix(mut self, prefix: &str) -> Result<Self, ConfigError> {
        let is_letter = |byte| matches!(byte, b'a'..=b'z' | b'_');
        if prefix.len() > MAX_PREFIX_LEN
            || !prefix.bytes().next().is_some_and(is_letter)
            || !prefix.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
            || prefix.starts_with("pg_")
            || prefix.starts_with("sqlite_")
        {
            return Err(ConfigError::out_of_range(
                "a table prefix must have 1 to 40 characters of a-z, 0-9 and _, none of 0-9 first",
            ));
        }
        self.statements = Arc::new(Statements::new(&E::DIALECT, prefix));
        self.prefix = prefix.into();
        self.migration = Migration::default();
        Ok(self)
    }

    pub(super) fn with_automatic_migration(mut self, automatic: bool) -> Self {
        self.automatic = automatic;
        self
    }

    /// Without a limit of time: large tables take long.
    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        self.calls.retry(Access::Write, |until| self.migrate_once(until)).await
    }

    pub(super) fn migrations(&self) -> impl Iterator<Item = String> {
        let sql = &*self.statements;
        sql.migrations.iter().enumerate().map(|(index, statements)| {
            let create = (index == 0).then_some(&sql.create_migrations);
            let lines = create.into_iter().chain(statements);
            lines.fold(String::new(), |script, line| script + line.as_str() + ";\n")
        })
    }

    pub(super) fn statements(&self) -> impl Iterator<Item = &str> {
        self.statements.iter()
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) async fn read(
        &self,
        statement: &Statement,
        params: &[Param<'_>],
    ) -> Result<Vec<Row<E>>, StoreError> {
        if self.calls.cannot_write() {
            self.ping().await?;
        }
        let statements = slice::from_ref(statement);
        self.run(Call { access: Access::Read, lock: None, statements, params }).await
    }

    pub(super) async fn write(
        &self,
        statement: &Statement,
        params: &[Param<'_>],
    ) -> Result<Vec<Row<E>>, StoreError> {
        let statements = slice::from_ref(statement);
        self.run(Call { access: Access::Write, lock: None, statements, params }).await
    }

    /// Returns the rows of all statements that ran.
    pub(super) async fn run(&self, call: Call<'_>) -> Result<Vec<Row<E>>, StoreError> {
        let run = async |until| {
            if self.automatic {
                let migrate = || {
                    let store = self.clone();
                    async move { store.migrate_once(Instant::now() + MIGRATION_CONNECT).await }
                };
                self.migration.ensure(migrate).await?;
            }
            self.calls.run_once(until, call).await
        };
        Ok(self.calls.retry(call.access, run).await?.into_iter().flatten().collect())
    }

    async fn migrate_once(&self, until: Instant) -> Result<(), Failure> {
        let mut lease = self.calls.connect(Access::Write, until).await?;
        let outcome = async {
            let sql = &*self.statements;
            let latest = sql.migrations.len() as i64;
            // Usually there is nothing to do. That needs no right to do it.
            match E::execute(lease.connection()?, sql.version.clone()).await {
                Ok(rows) if single_int::<E>(&rows)? >= latest => return Ok(()),
                Ok(_) | Err(Error::Database(_)) => {}
                Err(error) => return Err(error),
            }
            let begin = E::begin(lock_of(&[&self.prefix, "migrations"]));
            let mut transaction = lease.begin(begin).await?;
            E::execute(&mut transaction, sql.create_migrations.clone()).await?;
            let applied = E::execute(&mut transaction, sql.version.clone()).await?;
            let applied = single_int::<E>(&applied)?;
            for (statements, number) in sql.migrations.iter().zip(1..) {
                if number > applied {
                    for statement in statements {
                        E::execute(&mut transaction, statement.clone()).await?;
                    }
                }
            }
            transaction.commit().await
        }
        .await;
        conclude::<E, _>(lease, outcome)
    }
}

/// The number in a single row.
pub(super) fn single_int<E: Engine>(rows: &[Row<E>]) -> Result<i64, Error> {
    E::int(rows.first().ok_or(Error::RowNotFound)?, 0)?.ok_or(Error::RowNotFound)
}

/// A number for `names`, the same in every process and version: FNV-1a.
pub(crate) fn lock_of(names: &[&str]) -> i64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for name in names {
        for byte in name.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash.cast_signed()
}
