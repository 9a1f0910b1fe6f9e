use std::{fmt, sync::Arc};

use tokio::sync::OnceCell;

use crate::{
    clock::NumericDate, error::ConfigError, password::django::DjangoHasher, store::StoreError,
    trace::warn, user::BackendError,
};

use super::{
    connection::{DjangoDatabase, Fields, text, time},
    dialect::quoted,
    statements::Statements,
    table::UserTable,
    user::DjangoUser,
};

/// Django's users, in `auth_user` or a table of one's own. Cheap to clone.
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
    /// Made when the columns of the table are known.
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
            statements: Arc::default(),
        }
    }

    /// Sets the table they are in. Default: `auth_user`.
    ///
    /// Whether it has these columns, and what they hold (integers, UUIDs or text), is asked when it
    /// is first used; while it has not, every call fails.
    ///
    /// # Errors
    ///
    /// When a name is empty, longer than 63 bytes, or has a NUL in it.
    pub fn with_table(mut self, table: UserTable) -> Result<Self, ConfigError> {
        table.check()?;
        self.table = Arc::new(table);
        self.statements = Arc::default();
        Ok(self)
    }

    /// The same with another column by which tokens name users.
    pub(in crate::simplejwt) fn with_user_id(self, column: &str) -> Result<Self, ConfigError> {
        let table = (*self.table).clone().with_user_id(column);
        self.with_table(table)
    }

    /// What users log in by, Django's `USERNAME_FIELD`.
    pub(in crate::simplejwt) fn username_field(&self) -> &str {
        &self.table.username
    }

    /// Sets what checks and makes password hashes. Default: [`DjangoHasher::new`].
    #[must_use]
    pub fn with_hasher(mut self, hasher: DjangoHasher) -> Self {
        self.hasher = hasher;
        self
    }

    /// The active user with these credentials, as Django's `ModelBackend` finds it.
    ///
    /// User names are compared exactly, without normalization: Django normalizes them where users
    /// are made. An unknown user costs as much work as a wrong password. A right password whose
    /// hash is not like new ones is hashed again, as Django does, unless the database refuses.
    ///
    /// # Errors
    ///
    /// When the database is out of reach, or too many passwords are being checked.
    pub async fn authenticate(
        &self,
        username: &str,
        password: &str,
    ) -> Result<Option<DjangoUser>, BackendError> {
        let mut may_look_again = true;
        loop {
            let user = self.by_username(username).await.map_err(BackendError::unavailable)?;
            let hash = user.as_ref().map(DjangoUser::password_hash);
            let matches = self.hasher.verify(password, hash).await?;
            let Some(mut user) = user.filter(|_| matches) else { return Ok(None) };
            if self.hasher.needs_rehash(user.password_hash()) {
                match self.rehash(&user, password).await {
                    Ok(Some(hash)) => user.password_hash = hash.into(),
                    // It has been changed meanwhile, be it to another hash of the same password.
                    Ok(None) if may_look_again => {
                        may_look_again = false;
                        continue;
                    }
                    Ok(None) | Err(_) => warn!("a password hash could not be brought up to date"),
                }
            }
            return Ok(Some(user).filter(DjangoUser::is_active));
        }
    }

    /// The user, active or not, that tokens name `id`; `None` also when the column cannot hold such
    /// a text.
    ///
    /// # Errors
    ///
    /// When the database is out of reach.
    pub async fn find(&self, id: &str) -> Result<Option<DjangoUser>, BackendError> {
        self.by_id(id).await.map_err(BackendError::unavailable)
    }

    /// Writes that `user` has logged in, where there is a column for it.
    ///
    /// # Errors
    ///
    /// When the database is out of reach.
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

    /// The new hash, or `None` when the stored one is no longer that of `user`.
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
        let make = || async {
            let dialect = self.database.dialect();
            let table = [text(Some(&self.table.name))];
            let columns = self.database.read(&dialect.columns(), &table).await?;
            Statements::new(dialect, &self.database.times, &self.table, &columns)
                .map_err(|column| StoreError::unavailable(Missing(column)))
        };
        self.statements.get_or_try_init(make).await
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

/// The table of users is missing, or this column of it.
#[derive(Debug)]
struct Missing(String);

impl fmt::Display for Missing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the table of users has no column {}", quoted(&self.0))
    }
}

impl std::error::Error for Missing {}
