use std::fmt;

use crate::{clock::NumericDate, error::ConfigError, token::UserId};

use super::{
    super::{
        super::{
            error::StoreError,
            facts::{
                Attempt, Attempted, Begun, Consume, Consumed, Generation, NewSession, Page,
                Revocation, SessionPage, Spend, Spent, TokenRef,
            },
            throttle_store::ThrottleStore,
            token_store::TokenStore,
        },
        delegate::delegate_to_sql_store,
        store::SqlStore,
    },
    engine::SqliteEngine,
};

/// A [`TokenStore`](crate::store::TokenStore) in a SQLite file.
///
/// Processes on one machine may share the file. It must be on a local disk, because write-ahead
/// logging does not work over a network.
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
/// The tables are `jwt_sessions`, `jwt_tokens`, `jwt_users`, `jwt_generation`,
/// `jwt_attempts` and `jwt_migrations`.
/// They are created at the [first use](Self::with_automatic_migration). All statements use a
/// primary key or the index on `keep_until`. The tables contain ids and times, never a token. The
/// umask of the process and the permissions of the folder decide which users can read the file.
///
/// Entries are kept until no token depends on them. Then a [`Purger`](crate::store::Purger) deletes
/// them.
///
/// # What a crash can lose
///
/// A crash loses no call that has returned. This store sets `synchronous = FULL`, which flushes the
/// log to the disk with every write. `NORMAL` is often recommended for write-ahead logging, but a
/// power failure would lose the last writes. A token that they spent or revoked would be valid
/// again.
///
/// # When the file is locked
///
/// One call writes at a time, and others wait in order. Reads do not wait for writes. While another
/// process holds the lock, a call that writes fails with a
/// [`StoreError`](crate::store::StoreError) after at most 1.9 seconds. This is below the default
/// deadline of two seconds. After such a failure, calls that only read fail too until a write
/// succeeds, because nothing can be revoked in the meantime.
#[derive(Clone)]
pub struct SqliteStore(pub(crate) SqlStore<SqliteEngine>);

impl SqliteStore {
    /// A store in the file at `url`. The file is created at the first use.
    ///
    /// | URL | file |
    /// |---|---|
    /// | `sqlite:/var/lib/app.db`, also with two more slashes, or three | `/var/lib/app.db` |
    /// | `sqlite:app.db`, `sqlite://app.db` | `app.db` in the current folder |
    ///
    /// `%` followed by two hexadecimal digits is a byte. With `?mode=rw` the file must exist. The
    /// default is `?mode=rwc`. There are no other parameters.
    ///
    /// # Errors
    ///
    /// If `url` is malformed, or names a database in memory. Each connection would have its own
    /// database in memory. Use [`MemoryStore`](crate::MemoryStore) instead.
    pub fn connect_lazy(url: &str) -> Result<Self, ConfigError> {
        SqliteEngine::connect_lazy(url).map(SqlStore::with_engine).map(Self)
    }
}

delegate_to_sql_store!(SqliteStore);

#[cfg(test)]
mod tests {
    use std::{env, error::Error, fs, process, sync::Arc, time::Duration};

    use super::{
        super::super::{
            super::machine_clock::tests::ManualSource,
            connections::Connections,
            engine::{Access, Engine},
        },
        *,
    };

    /// A public test would require a power failure.
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

    /// A public test would require a real clock that jumps.
    #[tokio::test]
    async fn purging_with_a_clock_that_has_jumped_ahead_deletes_nothing()
    -> Result<(), Box<dyn Error>> {
        let folder = env::temp_dir().join(format!("tower-jwt-auth-clock-{}", process::id()));
        fs::create_dir_all(&folder)?;
        let url = format!("sqlite:{}", folder.join("sessions.db").display());
        let source = ManualSource::default();
        let mut store = SqliteStore::connect_lazy(&url)?;
        store.0.clock = Arc::new(source.clock());
        let keep_until = source.now().saturating_add(Duration::from_secs(600));
        let token = Revocation::Token { jti: "1", user_id: &UserId::from("ada"), keep_until };
        store.revoke(&token, source.now()).await?;
        source.set_ahead(86_400);
        assert_eq!(store.purge(source.now(), 100).await?, 0);
        source.set_ahead(0);
        source.wait(600);
        assert_eq!(store.purge(source.now(), 100).await?, 1);
        Ok(fs::remove_dir_all(&folder)?)
    }
}
