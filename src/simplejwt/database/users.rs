use std::{fmt, sync::Arc};

use tokio::sync::OnceCell;

use crate::{
    clock::NumericDate,
    error::ConfigError,
    password::django::DjangoHasher,
    store::StoreError,
    trace::{error, warn},
    user::BackendError,
};

use super::{
    connection::{DjangoDatabase, Fields, text, time},
    mismatch::SchemaMismatch,
    statements::{BLACKLIST_TABLES, Statements},
    table::UserTable,
    user::DjangoUser,
};

/// Django's users, in `auth_user` or another table. Cheap to clone.
///
/// ```
/// use tower_jwt_auth::simplejwt::{DjangoDatabase, DjangoUsers};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_jwt_auth::ConfigError> {
/// let database = DjangoDatabase::connect_lazy("sqlite:///srv/app/db.sqlite3")?;
/// let users = DjangoUsers::new(database);
/// # drop(users);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct DjangoUsers {
    database: DjangoDatabase,
    table: Arc<UserTable>,
    hasher: DjangoHasher,
    /// Whether the tables of the blacklist app must exist; `None` if that is not checked.
    has_blacklist_app: Option<bool>,
    /// Set when the columns of the table are known.
    statements: Arc<OnceCell<Statements>>,
}

impl DjangoUsers {
    /// The users in `auth_user`, with the password hashes of Django 5.2.
    #[must_use]
    pub fn new(database: DjangoDatabase) -> Self {
        Self {
            database,
            table: Arc::default(),
            hasher: DjangoHasher::new(),
            has_blacklist_app: None,
            statements: Arc::default(),
        }
    }

    /// Sets the table of the users. Default: `auth_user`.
    ///
    /// The first call reads from the database which columns the table has, and whether they hold
    /// integers, UUIDs or strings. Calls fail while a column is missing.
    ///
    /// # Errors
    ///
    /// [`OutOfRange`](crate::ConfigErrorKind::OutOfRange) if a name is empty, longer than 63 bytes,
    /// or contains NUL.
    pub fn with_table(mut self, table: UserTable) -> Result<Self, ConfigError> {
        table.check()?;
        self.table = Arc::new(table);
        self.statements = Arc::default();
        Ok(self)
    }

    /// Sets the column by which tokens identify users, and whether the tables of the blacklist app
    /// must exist or must not.
    pub(in crate::simplejwt) fn with_settings(
        mut self,
        user_id: &str,
        has_blacklist_app: bool,
    ) -> Result<Self, ConfigError> {
        self.has_blacklist_app = Some(has_blacklist_app);
        let table = (*self.table).clone().with_user_id(user_id);
        self.with_table(table)
    }

    /// Django's `USERNAME_FIELD`.
    pub(in crate::simplejwt) fn username_field(&self) -> &str {
        &self.table.username
    }

    /// Sets the password hasher. Default: [`DjangoHasher::new`].
    #[must_use]
    pub fn with_hasher(mut self, hasher: DjangoHasher) -> Self {
        self.hasher = hasher;
        self
    }

    /// The active user with these credentials, as Django's `ModelBackend` finds it.
    ///
    /// User names are compared exactly: Django normalizes them when it creates users. An unknown
    /// user costs as much work as a wrong password. If the password is correct and its hash is
    /// outdated, it is hashed again, as in Django. A failure to store the new hash is logged.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the database is unavailable, or too many passwords are being checked.
    pub async fn authenticate(
        &self,
        username: &str,
        password: &str,
    ) -> Result<Option<DjangoUser>, BackendError> {
        let mut may_retry = true;
        loop {
            let user = self.by_username(username).await.map_err(BackendError::unavailable)?;
            let hash = user.as_ref().map(DjangoUser::password_hash);
            let matches = self.hasher.verify(password, hash).await?;
            let Some(mut user) = user.filter(|_| matches) else { return Ok(None) };
            if self.hasher.needs_rehash(user.password_hash()) {
                match self.rehash(&user, password).await {
                    Ok(Some(hash)) => user.password_hash = hash.into(),
                    // The hash was changed in the meantime, maybe to another one of the same password.
                    Ok(None) if may_retry => {
                        may_retry = false;
                        continue;
                    }
                    Ok(None) | Err(_) => warn!("an outdated password hash could not be replaced"),
                }
            }
            return Ok(Some(user).filter(DjangoUser::is_active));
        }
    }

    /// The user that tokens identify as `id`, active or not. `None` also if the column cannot hold
    /// such a value.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the database is unavailable.
    pub async fn find(&self, id: &str) -> Result<Option<DjangoUser>, BackendError> {
        self.by_id(id).await.map_err(BackendError::unavailable)
    }

    /// Sets the last login of `user`, if there is a column for it.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the database is unavailable.
    pub async fn record_login(
        &self,
        user: &DjangoUser,
        now: NumericDate,
    ) -> Result<(), BackendError> {
        let sql = self.statements().await.map_err(BackendError::unavailable)?;
        let Some(record_login) = &sql.record_login else { return Ok(()) };
        let key = sql.primary_key.value(&user.primary_key);
        let params = [text(key.as_deref()), time(now)];
        let recorded = self.database.write(std::slice::from_ref(record_login), &params).await;
        recorded.map(drop).map_err(BackendError::unavailable)
    }

    async fn by_id(&self, id: &str) -> Result<Option<DjangoUser>, StoreError> {
        let sql = self.statements().await?;
        let Some(id) = sql.user_id.value(id) else { return Ok(None) };
        let rows = self.database.read(&sql.by_id, &[text(Some(&id))]).await?;
        Ok(user_of(sql, rows))
    }

    async fn by_username(&self, username: &str) -> Result<Option<DjangoUser>, StoreError> {
        let sql = self.statements().await?;
        let Some(username) = sql.username.value(username) else { return Ok(None) };
        let rows = self.database.read(&sql.by_username, &[text(Some(&username))]).await?;
        Ok(user_of(sql, rows))
    }

    /// The new hash; `None` if the stored hash is no longer that of `user`.
    async fn rehash(
        &self,
        user: &DjangoUser,
        password: &str,
    ) -> Result<Option<String>, Box<dyn std::error::Error + Send + Sync>> {
        let hash = self.hasher.hash(password).await?;
        let sql = self.statements().await?;
        let key = sql.primary_key.value(&user.primary_key);
        let params = [text(key.as_deref()), text(Some(&hash)), text(Some(user.password_hash()))];
        let rows = self.database.write(std::slice::from_ref(&sql.rehash), &params).await?;
        Ok((!rows.is_empty()).then_some(hash))
    }

    pub(super) const fn database(&self) -> &DjangoDatabase {
        &self.database
    }

    pub(super) async fn statements(&self) -> Result<&Statements, StoreError> {
        let statements = self.statements.get_or_try_init(|| async {
            self.read_schema().await?.map_err(|mismatch| {
                error!(%mismatch, "the database does not match the configuration");
                StoreError::unavailable(mismatch)
            })
        });
        statements.await
    }

    /// Fails unless the schema matches the configuration.
    pub(in crate::simplejwt) async fn require_schema(&self) -> Result<(), StoreError> {
        self.statements().await.map(drop)
    }

    /// Whether it is known already that the schema matches the configuration.
    pub(in crate::simplejwt) fn has_read_schema(&self) -> bool {
        self.statements.initialized()
    }

    /// Whether the schema matches the configuration.
    pub(in crate::simplejwt) async fn check_schema(
        &self,
    ) -> Result<Result<(), SchemaMismatch>, StoreError> {
        if self.has_read_schema() {
            return Ok(Ok(()));
        }
        Ok(self.read_schema().await?.map(drop))
    }

    async fn read_schema(&self) -> Result<Result<Statements, SchemaMismatch>, StoreError> {
        let users = self.columns_of(&self.table.name).await?;
        if let Some(expected) = self.has_blacklist_app {
            for table in BLACKLIST_TABLES {
                match (expected, self.columns_of(table).await?.is_empty()) {
                    (true, true) => return Ok(Err(SchemaMismatch::NoBlacklistApp(table))),
                    (false, false) => return Ok(Err(SchemaMismatch::UnusedBlacklistApp(table))),
                    _ => {}
                }
            }
        }
        let statements =
            Statements::new(self.database.dialect(), &self.database.times, &self.table, &users);
        Ok(statements.map_err(SchemaMismatch::NoColumn))
    }

    /// The names and types of the columns of `table`. None if it does not exist.
    async fn columns_of(&self, table: &str) -> Result<Vec<Fields>, StoreError> {
        self.database.read(&self.database.dialect().columns(), &[text(Some(table))]).await
    }
}

fn user_of(sql: &Statements, rows: Vec<Fields>) -> Option<DjangoUser> {
    let mut fields = rows.into_iter().next()?.into_iter().map(Option::unwrap_or_default);
    let mut next = || fields.next().unwrap_or_default();
    Some(DjangoUser {
        primary_key: sql.primary_key.shown(next()),
        id: sql.user_id.shown(next()),
        username: next().into(),
        password_hash: next().into(),
        is_active: next() == "1",
    })
}

impl fmt::Debug for DjangoUsers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DjangoUsers")
            .field("database", &self.database)
            .field("table", &self.table)
            .field("hasher", &self.hasher)
            .finish_non_exhaustive()
    }
}
