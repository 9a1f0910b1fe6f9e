use std::fmt;

use sqlx::PgPool;

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
    engine::PostgresEngine,
};

/// A [`TokenStore`](crate::store::TokenStore) in PostgreSQL, version 11 or later.
///
/// Any number of processes may share a database. Checking, spending or revoking a token takes one
/// round trip.
///
/// ```
/// use std::time::Duration;
/// use tower_jwt_auth::{
///     Issuer, SigningKey,
///     store::{PostgresStore, Purger},
///     token::NoClaims,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = [7, 9].repeat(16);
/// let store = PostgresStore::connect_lazy("postgres://app:secret@db.example/app")?;
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
/// They are created at the [first use](Self::with_automatic_migration), in the first schema of the
/// connection's `search_path`. For another schema, append `?options[search_path]=auth` to the URL.
/// The tables contain ids and times, never a token. All statements use a primary key or an index.
///
/// The role needs `SELECT`, `INSERT`, `UPDATE` and `DELETE` on the first four tables, and `SELECT`
/// on the last. To create the tables it also needs `CREATE` on the schema.
///
/// Entries are kept until no token depends on them, by the clock of the server and by that of the
/// process that deletes them. Then a [`Purger`](crate::store::Purger) deletes them.
///
/// # Fewer queries
///
/// A [`RevocationReplica`](crate::store::replica::RevocationReplica) checks requests without a
/// query. It receives revocations by `LISTEN` and `NOTIFY`, over a connection of its own. This
/// connection does not work behind a pooler in transaction mode: no heartbeat returns, and the
/// replica queries the database for each request.
///
/// # Connection poolers
///
/// This store works behind PgBouncer in session and in transaction mode. PgBouncer's own support
/// for prepared statements is not needed.
///
/// - This store sends no startup options of its own. Poolers refuse or ignore
///   `?options[search_path]` in the URL. Set the `search_path` on the role instead:
///   `ALTER ROLE app SET search_path = auth`.
/// - In session mode, `default_pool_size` must allow at least 10 connections for each process, and
///   one more for a `RevocationReplica`.
/// - On a [pool of the application](Self::from_pool), PostgreSQL logs one error `26000` for each
///   connection and statement. The store then prepares the statement and tries again.
/// - On such a pool, sqlx also logs statements with the ids in them. Call
///   `disable_statement_logging()` on the options of its connections to prevent that.
///
/// # What a crash can lose
///
/// A crash loses no call that has returned, with PostgreSQL's default `synchronous_commit = on`.
/// With `off`, a crash of the server loses the last fraction of a second. Tokens that were spent or
/// revoked in it are valid again. A failover to an asynchronous standby loses the writes that the
/// standby has not received. `synchronous_standby_names` prevents that.
///
/// # When the server is unavailable
///
/// A call waits for a connection for up to one second. The server works on a statement that writes
/// for up to 0.9 seconds. The sum is below the default deadline of two seconds. After these times
/// the call fails with a [`StoreError`](crate::store::StoreError). A call replaces dead
/// connections, so it succeeds as soon as the server is available again.
#[derive(Clone)]
pub struct PostgresStore(pub(crate) SqlStore<PostgresEngine>);

impl PostgresStore {
    /// A store at `url`, in the form `postgres://user:password@host:port/database`, with up to ten
    /// connections. They are opened when they are needed. To fail at startup if the database is
    /// unavailable, call [`migrate`](Self::migrate).
    ///
    /// [Parameters of the URL](https://docs.rs/sqlx/0.9/sqlx/postgres/struct.PgConnectOptions.html)
    /// set certificates and other options. Environment variables (`PGHOST`, `PGPASSWORD`, …) are
    /// the defaults. Parameters of other clients, such as `connect_timeout` or `channel_binding`, are
    /// errors.
    ///
    /// # Errors
    ///
    /// If `url` is malformed or has an unknown parameter. An unreachable server is not an error here.
    pub fn connect_lazy(url: &str) -> Result<Self, ConfigError> {
        PostgresEngine::connect_lazy(url).map(SqlStore::with_engine).map(Self)
    }

    /// A store that shares the connections of `pool`, a pool of sqlx 0.9.
    ///
    /// Set `acquire_timeout` so that it stays below the
    /// [deadline](crate::issue::IssuerBuilder::store_deadline) by more than 0.9 seconds, the limit
    /// for statements that write. Set `test_before_acquire(false)` to save a round trip. Behind a
    /// pooler, also call `extra_float_digits(None)` on the options of the connections.
    #[must_use]
    pub fn from_pool(pool: PgPool) -> Self {
        Self(SqlStore::with_engine(PostgresEngine::from_pool(pool)))
    }
}

delegate_to_sql_store!(PostgresStore);
