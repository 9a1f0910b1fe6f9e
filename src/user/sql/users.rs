use std::{fmt, slice, sync::Arc};

use sqlx::error::DatabaseError;

use crate::{
    clock::Clock,
    store::{
        StoreError,
        sql::{
            engine::{Access, Call, Param},
            statement::Statement,
        },
    },
    token::{NoClaims, UserId},
    user::{accounts::Account, backend::BackendError, hashing::DynHashing},
};

use super::{
    database::{Fields, Migrated},
    extra::ExtraColumns,
    ids::AccountIds,
    name::key_to_find,
    params::{is_set, text},
    record::{SecretAccount, account, secret_account},
    statements::Statements,
};

/// What is built from an account.
pub(super) type FromAccount<T, X> = Arc<dyn Fn(&Account<X>) -> T + Send + Sync>;

/// By what users log in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum LoginBy {
    /// By the user name, which each account must have.
    Username,
    /// By the e-mail address, which each account must have.
    Email,
    /// By either. Each account must have one of them. The default.
    #[default]
    UsernameOrEmail,
}

/// Users whose accounts are in a SQL database. Cheap to clone.
///
/// `C` is the type of the claims in access tokens, `R` that in refresh tokens, and `X` holds columns
/// of the application. See the [module docs](crate::user#accounts-in-a-sql-database).
pub struct SqlUsers<C = NoClaims, R = NoClaims, X = ()>(pub(super) Arc<Inner<C, R, X>>);

pub(super) struct Inner<C, R, X> {
    pub(super) database: Migrated,
    pub(super) statements: Statements,
    pub(super) hasher: Box<dyn DynHashing>,
    /// The number of the lock that all calls wait for that give a name to an account. A user name
    /// must not equal the e-mail address of another account, which no index can ensure.
    pub(super) lock: i64,
    pub(super) ids: AccountIds,
    pub(super) login_by: LoginBy,
    pub(super) requires_verified_email: bool,
    pub(super) clock: Clock,
    pub(super) claims: FromAccount<C, X>,
    pub(super) refresh_claims: FromAccount<R, X>,
    pub(super) scopes: FromAccount<Vec<Box<str>>, X>,
}

impl<C, R, X> From<Inner<C, R, X>> for SqlUsers<C, R, X> {
    fn from(inner: Inner<C, R, X>) -> Self {
        Self(Arc::new(inner))
    }
}

impl<C, R, X> SqlUsers<C, R, X> {
    /// Creates the table, or upgrades that of an earlier version of this crate, and adds missing
    /// columns of the application.
    ///
    /// May be called repeatedly, and by several processes at once. A table of a later version is left
    /// as it is, and can be used.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the database is unavailable, or if its role has to create the table and
    /// may not.
    pub async fn migrate(&self) -> Result<(), BackendError> {
        self.0.database.migrate().await.map_err(BackendError::unavailable)
    }

    /// Returns the statements that [`migrate`](Self::migrate) runs on an empty database: one on each
    /// line.
    ///
    /// For teams that apply such statements with a tool of their own, and whose service has a role
    /// that may not create tables. Run them in one transaction. The statements of an upgrade are in
    /// [`migrations`](Self::migrations).
    #[must_use]
    pub fn schema(&self) -> String {
        self.migrations().collect()
    }

    /// Returns the statements that create or upgrade the table, a script for each version.
    ///
    /// A script records its version in a table of versions: if that contains a 2, the first two
    /// scripts were applied. Scripts never change, and later versions of this crate only add more.
    /// Columns of the application are in the first script. If you add one later, add it to the table
    /// yourself, or let [`migrate`](Self::migrate) do it.
    pub fn migrations(&self) -> impl Iterator<Item = String> {
        self.0.database.migrations().scripts()
    }

    /// The statements that are run, for `EXPLAIN` and for review. They may change with any version of
    /// this crate.
    pub fn statements(&self) -> impl Iterator<Item = &str> {
        self.0.statements.iter()
    }

    /// Checks that the database responds and accepts writes.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if it does not.
    pub async fn ping(&self) -> Result<(), BackendError> {
        self.write(&self.0.statements.ping, &[]).await.map(drop).map_err(BackendError::unavailable)
    }

    pub(super) async fn read(
        &self,
        statement: &Statement,
        params: &[Param<'_>],
    ) -> Result<Option<Fields>, StoreError> {
        self.run(Access::Read, statement, params).await
    }

    pub(super) async fn write(
        &self,
        statement: &Statement,
        params: &[Param<'_>],
    ) -> Result<Option<Fields>, StoreError> {
        self.run(Access::Write, statement, params).await
    }

    /// Returns the first row.
    async fn run(
        &self,
        access: Access,
        statement: &Statement,
        params: &[Param<'_>],
    ) -> Result<Option<Fields>, StoreError> {
        let statements = slice::from_ref(statement);
        let call = Call { access, lock: None, statements, params };
        Ok(self.0.database.run(call).await?.into_iter().flatten().next())
    }

    /// Gives a name to an account. Returns which names are taken, and the account if none is.
    pub(super) async fn name(
        &self,
        statements: &[Statement; 2],
        params: &[Param<'_>],
    ) -> Result<(Fields, Option<Fields>), StoreError> {
        let call = Call { access: Access::Write, lock: Some(self.0.lock), statements, params };
        // Others may write to the table without the lock, and take the name at the same time.
        let mut may_retry = true;
        loop {
            match self.0.database.run(call).await {
                Err(error) if may_retry && is_unique_violation(&error) => {}
                Err(error) => return Err(error),
                Ok(sets) => {
                    let mut rows = sets.into_iter().map(|rows| rows.into_iter().next());
                    let taken = rows.next().flatten().unwrap_or_default();
                    let account = rows.next().flatten();
                    if account.is_some()
                        || (0..taken.len()).any(|it| is_set(&taken, it))
                        || !may_retry
                    {
                        return Ok((taken, account));
                    }
                }
            }
            may_retry = false;
        }
    }
}

impl<C, R, X: ExtraColumns> SqlUsers<C, R, X> {
    /// Runs a statement that changes the account `id` and returns it.
    pub(super) async fn change<'a>(
        &self,
        statement: &Statement,
        id: &'a UserId,
        params: impl IntoIterator<Item = Param<'a>>,
    ) -> Result<Option<Account<X>>, BackendError> {
        if !self.0.ids.accepts(id.as_str()) {
            return Ok(None);
        }
        let params: Vec<_> = [text(id.as_str())].into_iter().chain(params).collect();
        let row = self.write(statement, &params).await.map_err(BackendError::unavailable)?;
        row.map(account).transpose().map_err(BackendError::unavailable)
    }

    pub(super) async fn by_id(&self, id: &UserId) -> Result<Option<Account<X>>, BackendError> {
        if !self.0.ids.accepts(id.as_str()) {
            return Ok(None);
        }
        self.read_account(&self.0.statements.by_id, id.as_str()).await
    }

    pub(super) async fn by_key(
        &self,
        statement: &Statement,
        name: &str,
    ) -> Result<Option<Account<X>>, BackendError> {
        let Some(key) = key_to_find(name) else { return Ok(None) };
        self.read_account(statement, &key).await
    }

    pub(super) async fn read_account(
        &self,
        statement: &Statement,
        key: &str,
    ) -> Result<Option<Account<X>>, BackendError> {
        let row = self.read(statement, &[text(key)]).await.map_err(BackendError::unavailable)?;
        row.map(account).transpose().map_err(BackendError::unavailable)
    }

    /// Reads an account with its hash, so that both are of one moment.
    pub(super) async fn read_secret(
        &self,
        statement: &Statement,
        key: Option<&str>,
    ) -> Result<Option<SecretAccount<X>>, BackendError> {
        let Some(key) = key else { return Ok(None) };
        let row = self.read(statement, &[text(key)]).await.map_err(BackendError::unavailable)?;
        row.map(secret_account).transpose().map_err(BackendError::unavailable)
    }
}

fn is_unique_violation(error: &StoreError) -> bool {
    let source = std::error::Error::source(error);
    let source = source.and_then(|source| source.downcast_ref::<Arc<sqlx::Error>>());
    let error = source.and_then(|error| error.as_database_error());
    error.is_some_and(DatabaseError::is_unique_violation)
}

impl<C, R, X> Clone for SqlUsers<C, R, X> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C, R, X> fmt::Debug for SqlUsers<C, R, X> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlUsers")
            .field("database", self.0.database.database())
            .field("login_by", &self.0.login_by)
            .finish_non_exhaustive()
    }
}
