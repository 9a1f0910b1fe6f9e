//! Connections to a database, for one call each.

#[cfg(feature = "postgres")]
use std::sync::Arc;
use std::{fmt, time::Duration};

use sqlx::{Connection, Database, Error, Pool, pool::PoolConnection};

#[cfg(feature = "postgres")]
use super::own_pool::{OwnConnection, OwnPool};

/// Where connections come from. Cheap to clone.
pub(crate) enum Connections<Db: Database> {
    /// Only this store uses them.
    #[cfg(feature = "postgres")]
    Own(Arc<OwnPool<Db>>),
    /// The application may use them too.
    Shared(Pool<Db>),
}

impl<Db: Database> Clone for Connections<Db> {
    fn clone(&self) -> Self {
        match self {
            #[cfg(feature = "postgres")]
            Self::Own(pool) => Self::Own(Arc::clone(pool)),
            Self::Shared(pool) => Self::Shared(pool.clone()),
        }
    }
}

impl<Db: Database<Connection: Connection<Database = Db>>> Connections<Db> {
    /// How long a call waits for a connection.
    pub(super) fn acquire_timeout(&self) -> Duration {
        match self {
            #[cfg(feature = "postgres")]
            Self::Own(pool) => pool.acquire_timeout(),
            Self::Shared(pool) => pool.options().get_acquire_timeout(),
        }
    }

    pub(super) async fn take(&self) -> Result<Taken<Db>, Error> {
        Ok(match self {
            #[cfg(feature = "postgres")]
            Self::Own(pool) => Taken::Own(pool.take().await?, Arc::clone(pool)),
            Self::Shared(pool) => Taken::Shared(pool.acquire().await?),
        })
    }
}

/// A connection for one call.
pub(super) enum Taken<Db: Database> {
    #[cfg(feature = "postgres")]
    Own(OwnConnection<Db>, Arc<OwnPool<Db>>),
    Shared(PoolConnection<Db>),
}

impl<Db: Database<Connection: Connection<Database = Db>>> Taken<Db> {
    pub(super) fn connection(&mut self) -> &mut Db::Connection {
        match self {
            #[cfg(feature = "postgres")]
            Self::Own(own, _) => &mut own.connection,
            Self::Shared(connection) => connection,
        }
    }

    /// Makes the connection available to the next call.
    pub(super) fn give_back(self) {
        match self {
            #[cfg(feature = "postgres")]
            Self::Own(own, pool) => pool.give_back(own),
            // It gives itself back.
            Self::Shared(connection) => drop(connection),
        }
    }

    /// Closes the connection without waiting for the server, which may not respond.
    pub(super) fn close(self) {
        match self {
            #[cfg(feature = "postgres")]
            Self::Own(own, pool) => pool.close(own),
            Self::Shared(connection) => drop(connection.detach()),
        }
    }
}

impl<Db: Database> fmt::Debug for Connections<Db> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}
