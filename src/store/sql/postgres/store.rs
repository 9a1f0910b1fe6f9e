use std::fmt;

use sqlx::PgPool;

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
    engine::PostgresEngine,
};

/// A [`TokenStore`](crate::store::TokenStore) in PostgreSQL, version 11 or later.
///
/// Any number of processes may share a database. Each call is one statement and one round trip; a
/// login with a [limit](crate::store::NewSession::limit) takes four.
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
/// The tables are `jwt_sessions`, `jwt_tokens`, `jwt_users`, `jwt_generation` and `jwt_migrations`.
/// They are created at the [first use](Self::with_automatic_migration), in the first schema of the
/// connection's `search_path`. For another schema, append `?options[search_path]=auth` to the URL.
/// The tables contain ids and times, never a token. All statements use a primary key or an index.
///
/// The role needs `SELECT`, `INSERT`, `UPDATE` and `DELETE` on the first four tables, and `SELECT`
/// on the last. To create the tables it also needs `CREATE` on the schema.
///
/// Entries are kept until no token depends on them. Then a [`Purger`](crate::store::Purger) deletes
/// them.
///
/// # Asking less
///
/// With a [`RevocationReplica`](crate::store::replica::RevocationReplica) in front, requests are checked
/// without asking the database. It is told of revocations by `NOTIFY`, over a connection of its own
/// that must not go through a pooler in transaction mode, such as PgBouncer's: no beat would come
/// back then, and the database be asked as before.
///
/// # What a crash can lose
///
/// Nothing that was answered, with PostgreSQL's default `synchronous_commit = on`. With `off` the
/// last fraction of a second is lost when the *server* crashes: a token spent or revoked just then
/// would be good again. After a failover to an asynchronous replica the same holds for what it had
/// not received; `synchronous_standby_names` prevents that.
///
/// # When the server is away
///
/// A call tries for up to a second to get a connection, and a statement may take 0.9 seconds, which
/// together stay below the default deadline of two; then it fails with a
/// [`StoreError`](crate::store::StoreError). A connection that turns out to be dead is replaced
/// within the call, so a server that is back is used at once.
#[derive(Clone)]
pub struct PostgresStore(pub(super) SqlStore<PostgresEngine>);

impl PostgresStore {
    /// A store at `url`, in the form `postgres://user:password@host:port/database`, with up to ten
    /// connections, which are made when they are needed. To have a program stop at its start if the
    /// database is not there, let it [`migrate`](Self::migrate) first.
    ///
    /// Certificates and the rest are set by
    /// [parameters of the URL](https://docs.rs/sqlx/0.9/sqlx/postgres/struct.PgConnectOptions.html).
    /// What it leaves out is taken from the environment (`PGHOST`, `PGPASSWORD`, …).
    ///
    /// # Errors
    ///
    /// When `url` is malformed. That the server cannot be reached is no error here.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn connect_lazy(url: &str) -> Result<Self, ConfigError> {
        PostgresEngine::connect_lazy(url).map(SqlStore::with_engine).map(Self)
    }

    /// A store that shares the connections of `pool`, which must be one of sqlx 0.9.
    ///
    /// Set its `acquire_timeout` and a `statement_timeout`, which together should stay below the
    /// [deadline](crate::issue::IssuerBuilder::store_deadline), and `test_before_acquire(false)`,
    /// which saves a round trip.
    #[must_use]
    pub fn from_pool(pool: PgPool) -> Self {
        Self(SqlStore::with_engine(PostgresEngine::from_pool(pool)))
    }
}

delegate_to_sql_store!(PostgresStore);
