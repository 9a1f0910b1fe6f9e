use std::{
    fmt, slice,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use crate::store::sql::statement::Statement;
use tokio::time::{Instant, sleep};

use crate::{
    clock::{Clock, NumericDate},
    store::{Purger, StoreError, sql::engine::Param},
};

use super::{
    connection::{Fields, text, time},
    statements::Statements,
    users::DjangoUsers,
};

/// The length of the column of token ids.
const MAX_JTI_CHARS: usize = 255;
/// How many tokens one statement examines.
const PAGE: usize = 5_000;
/// How many tokens one statement deletes.
const PURGE_BATCH: usize = 500;

/// A token for the table of outstanding tokens.
#[derive(Clone, Copy)]
pub struct Outstanding<'a> {
    /// The token's id.
    pub jti: &'a str,
    /// The user's `USER_ID_FIELD`. The row has no user if there is none with this id.
    pub user_id: Option<&'a str>,
    /// The token's `exp`.
    pub expires_at: NumericDate,
}

/// The tables of SimpleJWT's blacklist app, which must be installed. Cheap to clone.
///
/// Any number of Rust and Django processes may use them at the same time. A token is blacklisted by
/// the process that inserts its row, which is unique.
#[derive(Clone)]
pub struct DjangoStore {
    users: DjangoUsers,
    leeway: Duration,
    sliding_lifetime: Duration,
    /// The id up to which this round has purged tokens.
    purged_to: Arc<AtomicI64>,
}

impl DjangoStore {
    /// The tokens of `users`, in their database.
    #[must_use]
    pub fn new(users: DjangoUsers) -> Self {
        Self {
            users,
            leeway: Duration::ZERO,
            sliding_lifetime: Duration::ZERO,
            purged_to: Arc::default(),
        }
    }

    /// Sets how long after its `exp` a token stays valid, SimpleJWT's `LEEWAY`. Default: zero.
    #[must_use]
    pub const fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Sets for how long a sliding token may be refreshed: `SLIDING_TOKEN_REFRESH_LIFETIME`.
    /// Default: zero, for projects without sliding tokens.
    ///
    /// [`purge`](Self::purge) keeps rows for this much longer, because Django writes into them when
    /// the *first* copy of a token expires.
    #[must_use]
    pub const fn with_sliding_lifetime(mut self, sliding_lifetime: Duration) -> Self {
        self.sliding_lifetime = sliding_lifetime;
        self
    }

    /// Records a new token.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable) if the database is, and
    /// [`InvalidInput`](crate::store::StoreErrorKind::InvalidInput) if it cannot hold the id.
    pub async fn outstand(
        &self,
        token: &Outstanding<'_>,
        now: NumericDate,
    ) -> Result<(), StoreError> {
        self.write(token, now, |sql| slice::from_ref(&sql.outstand)).await.map(drop)
    }

    /// Whether the token `jti` is blacklisted. `true` for an id that the table cannot hold, because
    /// such a token could never be revoked.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database is unavailable.
    pub async fn is_blacklisted(&self, jti: &str) -> Result<bool, StoreError> {
        if !is_storable(jti) {
            return Ok(true);
        }
        let sql = self.users.statements().await?;
        let rows = self.users.database().read(&sql.is_blacklisted, &[text(Some(jti))]).await?;
        Ok(!rows.is_empty())
    }

    /// Blacklists a token, whether or not it was recorded. Returns `false` if it was blacklisted
    /// before.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable) if the database is, and
    /// [`InvalidInput`](crate::store::StoreErrorKind::InvalidInput) if it cannot hold the id.
    pub async fn blacklist(
        &self,
        token: &Outstanding<'_>,
        now: NumericDate,
    ) -> Result<bool, StoreError> {
        Ok(!self.write(token, now, |sql| &sql.blacklist).await?.is_empty())
    }

    /// Blacklists `old` and records `new`, its successor, in one step. Returns `false` if `old` is
    /// blacklisted already. Exactly one of any number of concurrent calls returns `true`.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable) if the database is, and
    /// [`InvalidInput`](crate::store::StoreErrorKind::InvalidInput) if it cannot hold the ids. The
    /// call may be repeated with the same tokens.
    pub async fn rotate(
        &self,
        old: &Outstanding<'_>,
        new: &Outstanding<'_>,
        now: NumericDate,
    ) -> Result<bool, StoreError> {
        let sql = self.users.statements().await?;
        let [jti, .., expires_at] = self.params(sql, new, now)?;
        let [old_jti, user, at, old_expires_at] = self.params(sql, old, now)?;
        let params = [old_jti, user, at, old_expires_at, jti, expires_at];
        Ok(!self.users.database().write(&sql.rotate, &params).await?.is_empty())
    }

    /// Records until when the newest copy of a sliding token lives. All copies have one id. Returns
    /// `false` if the token is blacklisted.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::store::StoreErrorKind::Unavailable) if the database is, and
    /// [`InvalidInput`](crate::store::StoreErrorKind::InvalidInput) if it cannot hold the id.
    pub async fn slide(
        &self,
        token: &Outstanding<'_>,
        now: NumericDate,
    ) -> Result<bool, StoreError> {
        let rows = self.write(token, now, |sql| slice::from_ref(&sql.slide)).await?;
        Ok(rows.first().and_then(|row| row.first()?.as_deref()) == Some("0"))
    }

    /// Deletes up to `limit` expired tokens and returns how many. A number below the limit means
    /// that a round through the table is complete. The next call continues where this one stopped.
    ///
    /// It replaces Django's `flushexpiredtokens`, in small statements between which others can
    /// write. It deletes a token only when every copy of it has expired.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if the database is unavailable.
    pub async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        let sql = self.users.statements().await?;
        let database = self.users.database();
        let kept_longer = [self.leeway, self.sliding_lifetime, database.times.slack()];
        let expired_by = time(kept_longer.into_iter().fold(now, NumericDate::saturating_sub));
        let mut purged = 0;
        while purged < limit {
            let from = self.purged_to.load(Ordering::Relaxed);
            let page = [Param::Int(from), expired_by.clone(), count(PAGE)];
            let page = database.read(&sql.page, &page).await?;
            let number = |column: usize| page.first()?.get(column)?.as_deref()?.parse().ok();
            let (Some(to), Some(mut expired)) = (number(0), number(1)) else {
                self.purged_to.store(0, Ordering::Relaxed);
                break;
            };
            while expired > 0 && purged < limit {
                let batch = PURGE_BATCH.min(limit - purged);
                let params = [Param::Int(from), Param::Int(to), expired_by.clone(), count(batch)];
                let began = Instant::now();
                database.write(slice::from_ref(&sql.purge_blacklisted), &params).await?;
                let rows = database.write(slice::from_ref(&sql.purge_outstanding), &params);
                let deleted = rows.await?.len();
                purged += deleted;
                expired = if deleted < batch { 0 } else { expired - deleted as i64 };
                // Other processes poll for the lock, and need a pause to get it.
                sleep(began.elapsed()).await;
            }
            if expired <= 0 {
                self.purged_to.store(to, Ordering::Relaxed);
            }
        }
        Ok(purged)
    }

    /// Starts a task that [purges](Self::purge) at every `interval`, until the [`Purger`] is
    /// dropped. In place of a daily `flushexpiredtokens`:
    ///
    /// ```
    /// use std::time::Duration;
    /// # use tower_jwt_auth::simplejwt::{DjangoDatabase, DjangoStore, DjangoUsers};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower_jwt_auth::ConfigError> {
    /// # let database = DjangoDatabase::connect_lazy("sqlite:///srv/app/db.sqlite3")?;
    /// # let store = DjangoStore::new(DjangoUsers::new(database));
    /// let _purger = store.spawn_purger(Duration::from_secs(24 * 60 * 60));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime.
    pub fn spawn_purger(&self, interval: Duration) -> Purger {
        let store = self.clone();
        let purge = move |now, limit| {
            let store = store.clone();
            async move { store.purge(now, limit).await }
        };
        Purger::spawn_fn(purge, interval, Clock::system())
    }

    /// Checks that the database responds and accepts writes.
    ///
    /// # Errors
    ///
    /// [`StoreError`] if it does not.
    pub async fn ping(&self) -> Result<(), StoreError> {
        self.users.database().ping().await
    }

    /// Runs the chosen statements with `token` as their parameters.
    async fn write(
        &self,
        token: &Outstanding<'_>,
        now: NumericDate,
        choose: impl Fn(&Statements) -> &[Statement],
    ) -> Result<Vec<Fields>, StoreError> {
        let sql = self.users.statements().await?;
        let params = self.params(sql, token, now)?;
        self.users.database().write(choose(sql), &params).await
    }

    fn params<'a>(
        &self,
        sql: &Statements,
        token: &Outstanding<'a>,
        now: NumericDate,
    ) -> Result<[Param<'a>; 4], StoreError> {
        if !is_storable(token.jti) {
            return Err(StoreError::invalid_input(Unstorable));
        }
        let user_id = token.user_id.and_then(|user_id| sql.user_id.value(user_id));
        let keep_until = token.expires_at.saturating_add(self.leeway);
        Ok([text(Some(token.jti)), Param::Text(user_id), time(now), time(keep_until)])
    }
}

fn is_storable(jti: &str) -> bool {
    jti.chars().count() <= MAX_JTI_CHARS && !jti.contains('\0')
}

fn count(count: usize) -> Param<'static> {
    Param::Int(i64::try_from(count).unwrap_or(i64::MAX))
}

impl fmt::Debug for DjangoStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DjangoStore")
            .field("users", &self.users)
            .field("leeway", &self.leeway)
            .field("sliding_lifetime", &self.sliding_lifetime)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Outstanding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outstanding").finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct Unstorable;

impl fmt::Display for Unstorable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the token's id is longer than 255 characters or contains NUL")
    }
}

impl std::error::Error for Unstorable {}
