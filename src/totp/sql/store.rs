use std::{fmt, slice, sync::Arc};

use crate::{
    store::sql::{
        engine::{Access, Call, Param},
        statement::Statement,
    },
    token::UserId,
    user::{BackendError, Migrated},
};

use super::{
    super::store::{Confirmation, TotpRecord, TotpStore},
    statements::{RECOVERY_CODE_LEN, Statements},
};

/// The columns of a row.
type Row = Vec<Option<String>>;

/// A [`TotpStore`] in a SQL database, for example the one of
/// [`SqlUsers`](crate::user::SqlUsers). Cheap to clone.
///
/// It has a table of its own, with the id of each user as its key and no reference to the table of
/// accounts: [disable](super::super::Totp::disable) the second factor of a user who is deleted.
///
/// ```
/// use tower_jwt_auth::{store::SqliteStore, totp::{SqlTotpStore, Totp}};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), tower_jwt_auth::ConfigError> {
/// # let key: Vec<u8> = (0..32).collect();
/// let sessions = SqliteStore::connect_lazy("sqlite:/var/lib/app/app.db")?;
/// let secrets = SqlTotpStore::builder(&sessions).build()?;
/// let totp = Totp::builder(secrets, key).issuer("Example Notes").build()?;
/// # drop(totp);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SqlTotpStore(Arc<Inner>);

pub(super) struct Inner {
    pub(super) database: Migrated,
    pub(super) statements: Statements,
}

impl SqlTotpStore {
    pub(super) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Creates the table, or upgrades that of an earlier version of this crate.
    ///
    /// May be called repeatedly, and by several processes at once.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the database is unavailable, or if its role has to create the table and may
    /// not.
    pub async fn migrate(&self) -> Result<(), BackendError> {
        self.0.database.migrate().await.map_err(BackendError::unavailable)
    }

    /// Returns the statements that [`migrate`](Self::migrate) runs on an empty database: one on each
    /// line. Run them in one transaction.
    #[must_use]
    pub fn schema(&self) -> String {
        self.migrations().collect()
    }

    /// Returns the statements that create or upgrade the table, a script for each version. Scripts
    /// never change, and later versions of this crate only add more.
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
        self.run(Access::Write, &self.0.statements.ping, &[]).await.map(drop)
    }

    /// Returns the first row.
    async fn run(
        &self,
        access: Access,
        statement: &Statement,
        params: &[Param<'_>],
    ) -> Result<Option<Row>, BackendError> {
        let call = Call { access, lock: None, statements: slice::from_ref(statement), params };
        let rows = self.0.database.run(call).await.map_err(BackendError::unavailable)?;
        Ok(rows.into_iter().flatten().next())
    }

    /// Returns whether a row was changed.
    async fn change(
        &self,
        statement: &Statement,
        params: &[Param<'_>],
    ) -> Result<bool, BackendError> {
        Ok(self.run(Access::Write, statement, params).await?.is_some())
    }
}

impl TotpStore for SqlTotpStore {
    async fn find(&self, user_id: &UserId) -> Result<Option<TotpRecord>, BackendError> {
        if !is_storable(user_id) {
            return Ok(None);
        }
        let row = self.run(Access::Read, &self.0.statements.find, &[id(user_id)]).await?;
        let Some(mut row) = row.map(Vec::into_iter) else { return Ok(None) };
        let mut next = || row.next().flatten();
        let malformed = || BackendError::unavailable("a row of the table of secrets is malformed");
        let secret = next().ok_or_else(malformed)?;
        let last_step = next().map(|step| step.parse()).transpose().map_err(|_| malformed())?;
        let codes: usize = next().and_then(|len| len.parse().ok()).ok_or_else(malformed)?;
        Ok(Some(TotpRecord::new(secret, last_step, codes / RECOVERY_CODE_LEN)))
    }

    async fn begin(&self, user_id: &UserId, secret: &str) -> Result<bool, BackendError> {
        if !is_storable(user_id) {
            return Err(BackendError::unavailable("a user id with a null character"));
        }
        self.change(&self.0.statements.begin, &[id(user_id), text(secret)]).await
    }

    async fn confirm(
        &self,
        user_id: &UserId,
        confirmation: &Confirmation<'_>,
        use_id: &str,
    ) -> Result<bool, BackendError> {
        let codes =
            confirmation.recovery_codes.iter().fold(String::new(), |all, hash| all + hash + ",");
        let params = [
            id(user_id),
            text(confirmation.secret),
            step(confirmation.step),
            text(&codes),
            text(use_id),
        ];
        self.change(&self.0.statements.confirm, &params).await
    }

    async fn use_step(
        &self,
        user_id: &UserId,
        secret: &str,
        number: u64,
        use_id: &str,
    ) -> Result<bool, BackendError> {
        let params = [id(user_id), text(secret), step(number), text(use_id)];
        self.change(&self.0.statements.use_step, &params).await
    }

    async fn use_recovery_code(
        &self,
        user_id: &UserId,
        hash: &str,
        use_id: &str,
    ) -> Result<bool, BackendError> {
        let is_hash = !hash.is_empty() && hash.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_hash || !is_storable(user_id) {
            return Ok(false);
        }
        let params = [id(user_id), text(hash), text(use_id)];
        self.change(&self.0.statements.use_recovery_code, &params).await
    }

    async fn replace_secret(
        &self,
        user_id: &UserId,
        old: &str,
        new: &str,
    ) -> Result<bool, BackendError> {
        let params = [id(user_id), text(old), text(new)];
        self.change(&self.0.statements.replace_secret, &params).await
    }

    async fn remove(&self, user_id: &UserId) -> Result<bool, BackendError> {
        if !is_storable(user_id) {
            return Ok(false);
        }
        let row = self.run(Access::Write, &self.0.statements.remove, &[id(user_id)]).await?;
        Ok(row.is_some_and(|row| row.into_iter().flatten().next().is_some()))
    }
}

/// PostgreSQL's text holds no null character, and no token has such an id.
fn is_storable(user_id: &UserId) -> bool {
    !user_id.as_str().contains('\0')
}

fn id(user_id: &UserId) -> Param<'_> {
    text(user_id.as_str())
}

fn text(text: &str) -> Param<'_> {
    Param::Text(Some(text.into()))
}

fn step(step: u64) -> Param<'static> {
    Param::Int(i64::try_from(step).unwrap_or(i64::MAX))
}

impl fmt::Debug for SqlTotpStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqlTotpStore").finish_non_exhaustive()
    }
}
