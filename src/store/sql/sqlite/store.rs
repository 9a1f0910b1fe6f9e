use std::fmt;

use crate::{clock::NumericDate, error::ConfigError, token::UserId};

use super::{
    super::{
        super::{
            error::StoreError,
            facts::{
                Begun, Generation, NewSession, Page, Revocation, SessionPage, Spend, Spent,
                TokenRef,
            },
            token_store::TokenStore,
        },
        delegate::delegate_to_sql_store,
        store::SqlStore,
    },
    engine::SqliteEngine,
};

/// A [`TokenStore`](crate::store::TokenStore) in a SQLite file.
///
/// For services of one machine, whose processes may share the file. It must lie on a local disk,
/// since write-ahead logging does not work over a network.
///
/// ```
/// use std::time::Duration;
/// use tower_jwt_auth::{
///     Issuer, SigningKey,
///     store::{Purger, SqliteStore},
///     token::NoClaims,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = [7, 9].repeat(16);
/// let store = SqliteStore::connect_lazy("sqlite:/var/lib/app/sessions.db")?;
/// let purger = Purger::spawn(store.clone(), Duration::from_secs(300));
/// let issuer = Issuer::builder(SigningKey::hs256(secret)?)
///     .rotate_refresh_tokens(true)
///     .store(store)
///     .build()?;
/// # drop((purger, issuer));
/// # Ok(())
/// # }
/// ```
///
/// # Tables
///
/// `jwt_sessions`, `jwt_tokens`, `jwt_users`, `jwt_generation` and `jwt_migrations`, made at the
/// [first use](Self::with_automatic_migration). Every statement is served by a primary key or
/// by the index on `keep_until`. They hold ids and times, never a token; who may read the file
/// is decided by the process' umask and the folder.
///
/// Entries are kept as long as a token could be good by them. Start a
/// [`Purger`](crate::store::Purger), which deletes them afterwards.
///
/// # What a crash can lose
///
/// Nothing that was answered: the log is flushed to the disk with every write (`synchronous = FULL`,
/// which this store sets). With `NORMAL`, which many recommend for write-ahead logging, a power
/// failure would lose the last writes, and a token spent or revoked just then would be good again.
///
/// # When the file is locked
///
/// Writers queue up, one at a time; reading goes on meanwhile. While another process holds the
/// lock, a call that writes fails with a [`StoreError`](crate::store::StoreError) after at most 1.9
/// seconds, which is below the default deadline of two, and the next one tries again. Once one has
/// failed, calls that only read fail as well until writing works again: nobody can be logged out
/// meanwhile, so nobody is let in.
#[derive(Clone)]
pub struct SqliteStore(SqlStore<SqliteEngine>);

impl SqliteStore {
    /// A store in the file at `url`, which is made when it is first needed.
    ///
    /// | URL | file |
    /// |---|---|
    /// | `sqlite:/var/lib/app.db`, also with two more slashes, or three | `/var/lib/app.db` |
    /// | `sqlite:app.db`, `sqlite://app.db` | `app.db` in the current folder |
    ///
    /// `%` followed by two digits stands for a byte. `?mode=rw` demands that the file exists;
    /// `?mode=rwc` says what is the default. There are no other parameters.
    ///
    /// # Errors
    ///
    /// When `url` is malformed, or names a database in memory: that would be one for each
    /// connection, and is what [`MemoryStore`](crate::MemoryStore) is for.
    pub fn connect_lazy(url: &str) -> Result<Self, ConfigError> {
        SqliteEngine::connect_lazy(url).map(SqlStore::with_engine).map(Self)
    }
}

delegate_to_sql_store!(SqliteStore);

#[cfg(test)]
mod tests {
    use std::{env, error::Error, fs, process};

    use super::{
        super::super::{
            connections::Connections,
            engine::{Access, Engine},
        },
        *,
    };

    /// A test from outside would need a power failure.
    #[tokio::test]
    async fn every_write_reaches_the_disk() -> Result<(), Box<dyn Error>> {
        let folder = env::temp_dir().join(format!("tower-jwt-auth-{}", process::id()));
        fs::create_dir_all(&folder)?;
        let url = format!("sqlite:{}", folder.join("sessions.db").display());
        let store = SqliteStore::connect_lazy(&url)?;
        store.migrate().await?;
        for access in [Access::Write, Access::Read] {
            let Connections::Shared(pool) = store.0.calls.engine().connections(access) else {
                return Err("the pool is sqlx's".into());
            };
            let mode: String = sqlx::query_scalar("PRAGMA journal_mode").fetch_one(pool).await?;
            let level: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(pool).await?;
            assert_eq!((&*mode, level), ("wal", 2), "2 is FULL");
        }
        Ok(fs::remove_dir_all(&folder)?)
    }
}
