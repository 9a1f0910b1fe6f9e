use std::{fmt, sync::Arc};

use crate::{
    clock::Clock,
    error::ConfigError,
    store::sql::store::lock_of,
    token::NoClaims,
    user::{
        accounts::Account,
        hashing::{DynHashing, PasswordHashing},
    },
};

use super::{
    database::{Migrated, SqlDatabase},
    extra::ExtraColumns,
    ids::AccountIds,
    migrations::Migrations,
    statements::Statements,
    table::AccountTable,
    users::{FromAccount, Inner, LoginBy, SqlUsers},
};

/// Builds [`SqlUsers`].
///
/// `C` is the type of the claims in access tokens, `R` that in refresh tokens, and `X` holds columns
/// of the application.
#[must_use]
pub struct SqlUsersBuilder<C = NoClaims, R = NoClaims, X = ()> {
    settings: Settings,
    claims: FromAccount<C, X>,
    refresh_claims: FromAccount<R, X>,
    scopes: FromAccount<Vec<Box<str>>, X>,
}

struct Settings {
    database: SqlDatabase,
    hasher: Box<dyn DynHashing>,
    table: AccountTable,
    ids: AccountIds,
    login_by: LoginBy,
    requires_verified_email: bool,
    automatic_migration: bool,
    clock: Clock,
}

impl SqlUsers {
    /// Starts to build users in `database`, whose passwords `hasher` hashes.
    pub fn builder(
        database: impl Into<SqlDatabase>,
        hasher: impl PasswordHashing,
    ) -> SqlUsersBuilder {
        Self::builder_with_columns(database, hasher)
    }

    /// Starts to build users whose accounts also have the columns of `X`.
    pub fn builder_with_columns<X: ExtraColumns>(
        database: impl Into<SqlDatabase>,
        hasher: impl PasswordHashing,
    ) -> SqlUsersBuilder<NoClaims, NoClaims, X> {
        SqlUsersBuilder {
            settings: Settings {
                database: database.into(),
                hasher: Box::new(hasher),
                table: AccountTable::default(),
                ids: AccountIds::default(),
                login_by: LoginBy::default(),
                requires_verified_email: false,
                automatic_migration: true,
                clock: Clock::system(),
            },
            claims: Arc::new(|_| NoClaims::default()),
            refresh_claims: Arc::new(|_| NoClaims::default()),
            scopes: Arc::new(|_| Vec::new()),
        }
    }
}

impl<C, R, X> SqlUsersBuilder<C, R, X> {
    /// Sets how the claims of access tokens are built. Default: no claims.
    ///
    /// It is called at each login and each refresh, so claims are at most one access token's lifetime
    /// old.
    pub fn claims<C2>(
        self,
        claims: impl Fn(&Account<X>) -> C2 + Send + Sync + 'static,
    ) -> SqlUsersBuilder<C2, R, X> {
        let Self { settings, claims: _, refresh_claims, scopes } = self;
        SqlUsersBuilder { settings, claims: Arc::new(claims), refresh_claims, scopes }
    }

    /// Sets how the claims of refresh tokens are built. Default: no claims.
    pub fn refresh_claims<R2>(
        self,
        refresh_claims: impl Fn(&Account<X>) -> R2 + Send + Sync + 'static,
    ) -> SqlUsersBuilder<C, R2, X> {
        let Self { settings, claims, refresh_claims: _, scopes } = self;
        SqlUsersBuilder { settings, claims, refresh_claims: Arc::new(refresh_claims), scopes }
    }

    /// Sets which [scopes](crate::user::User::with_scopes) a user may have, for example by the roles
    /// of the account. Default: none.
    pub fn scopes<I>(mut self, scopes: impl Fn(&Account<X>) -> I + Send + Sync + 'static) -> Self
    where
        I: IntoIterator<Item: Into<Box<str>>>,
    {
        self.scopes =
            Arc::new(move |account| scopes(account).into_iter().map(Into::into).collect());
        self
    }

    /// Sets the names of the table and its columns. Default: `jwt_accounts`, and the names that
    /// [`AccountColumn`](super::AccountColumn) lists.
    pub fn table(mut self, table: AccountTable) -> Self {
        self.settings.table = table;
        self
    }

    /// Sets what ids are. Default: [`AccountIds::UuidV7`].
    ///
    /// This cannot be changed once there is a table.
    pub fn ids(mut self, ids: AccountIds) -> Self {
        self.settings.ids = ids;
        self
    }

    /// Sets by what users log in. Default: [`LoginBy::UsernameOrEmail`].
    pub fn login_by(mut self, login_by: LoginBy) -> Self {
        self.settings.login_by = login_by;
        self
    }

    /// Sets whether users are inactive until their e-mail address is verified. A login is then
    /// rejected like one with a wrong password. Default: `false`.
    pub fn require_verified_email(mut self, required: bool) -> Self {
        self.settings.requires_verified_email = required;
        self
    }

    /// Sets whether the first call that reaches the database creates or upgrades the table.
    /// Default: `true`, so that a program can start before its database.
    ///
    /// If `false`, call [`SqlUsers::migrate`] or apply [`SqlUsers::schema`], for example with a role
    /// that may create tables when the role of the service may not.
    pub fn automatic_migration(mut self, automatic: bool) -> Self {
        self.settings.automatic_migration = automatic;
        self
    }

    /// Sets the clock for the times of creation and of the last login. Default: the system's.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.settings.clock = clock.into();
        self
    }
}

impl<C, R, X: ExtraColumns> SqlUsersBuilder<C, R, X> {
    /// Builds the users. The database is connected to when it is needed.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ConfigErrorKind::OutOfRange) if the name of the table or a column is not
    /// allowed, and [`Conflict`](crate::ConfigErrorKind::Conflict) if two columns have the same name.
    pub fn build(self) -> Result<SqlUsers<C, R, X>, ConfigError> {
        let Self { settings, claims, refresh_claims, scopes } = self;
        let Settings { database, hasher, table, ids, login_by, clock, .. } = settings;
        table.check(X::COLUMNS)?;
        let dialect = database.dialect();
        let migrations = Migrations::new(dialect, &table, ids, X::COLUMNS);
        Ok(SqlUsers::from(Inner {
            database: Migrated::new(database, migrations, settings.automatic_migration),
            statements: Statements::new(dialect, &table, ids, X::COLUMNS),
            hasher,
            lock: lock_of(&[&table.name, "accounts"]),
            ids,
            login_by,
            requires_verified_email: settings.requires_verified_email,
            clock,
            claims,
            refresh_claims,
            scopes,
        }))
    }
}

impl<C, R, X> fmt::Debug for SqlUsersBuilder<C, R, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlUsersBuilder")
            .field("database", &self.settings.database)
            .field("table", &self.settings.table.name)
            .finish_non_exhaustive()
    }
}
