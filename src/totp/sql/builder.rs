use std::fmt;

use crate::{
    error::ConfigError,
    user::{Migrated, Migrations, SqlDatabase, is_table_name},
};

use super::{
    statements::{MIGRATIONS, Statements},
    store::{Inner, SqlTotpStore},
};

/// Configures a [`SqlTotpStore`].
#[must_use]
pub struct SqlTotpStoreBuilder {
    database: SqlDatabase,
    table: String,
    automatic_migration: bool,
}

impl SqlTotpStore {
    /// Starts a builder, for a table in `database`.
    pub fn builder(database: impl Into<SqlDatabase>) -> SqlTotpStoreBuilder {
        SqlTotpStoreBuilder {
            database: database.into(),
            table: "jwt_totp".to_owned(),
            automatic_migration: true,
        }
    }
}

impl SqlTotpStoreBuilder {
    /// Sets the name of the table. Default: `jwt_totp`.
    ///
    /// Applications whose user ids mean different users need a table each.
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = name.into();
        self
    }

    /// Sets whether the first call that reaches the database creates or upgrades the table. Default:
    /// `true`, so that a program can start before its database.
    ///
    /// If `false`, call [`SqlTotpStore::migrate`] or apply [`SqlTotpStore::schema`], for example with a
    /// role that may create tables when the role of the service may not.
    pub fn automatic_migration(mut self, automatic: bool) -> Self {
        self.automatic_migration = automatic;
        self
    }

    /// Builds the store. The database is connected to when it is needed.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ConfigErrorKind::OutOfRange) if the name of the table is not allowed.
    pub fn build(self) -> Result<SqlTotpStore, ConfigError> {
        let Self { database, table, automatic_migration } = self;
        if !is_table_name(&table) {
            return Err(ConfigError::out_of_range(
                "the table of TOTP secrets must have a name of 1 to 40 characters of a-z, 0-9 and _, \
                 none of 0-9 first, that does not begin with pg_ or sqlite_",
            ));
        }
        let dialect = database.dialect();
        let migrations = Migrations::of_table(dialect, &table, "TOTP migrations", MIGRATIONS);
        Ok(SqlTotpStore::new(Inner {
            database: Migrated::new(database, migrations, automatic_migration),
            statements: Statements::new(dialect, &table),
        }))
    }
}

impl fmt::Debug for SqlTotpStoreBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlTotpStoreBuilder")
            .field("database", &self.database)
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}
