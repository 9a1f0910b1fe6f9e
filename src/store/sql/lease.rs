//! A pool's connection for the time of one try, and what becomes of it afterwards.

use std::time::Duration;

use sqlx::{Connection, Database, Error, Pool, pool::PoolConnection};
use tokio::runtime::Handle;

/// How long a connection whose call was dropped has to finish what it was doing.
const WIND_UP: Duration = Duration::from_secs(2);

/// A connection that goes back to its pool only if it is in order.
///
/// sqlx takes every connection back and waits, without end, until it answers. While the server
/// hangs or the network is cut, that would use up the pool, and the store would not recover with
/// the server.
pub(super) struct Lease<Db: Database>(Option<PoolConnection<Db>>);

impl<Db: Database> Lease<Db> {
    pub(super) async fn take(pool: &Pool<Db>) -> Result<Self, Error> {
        Ok(Self(Some(pool.acquire().await?)))
    }

    /// The connection; `None` never, since both ways to give it back consume the lease.
    pub(super) fn connection(&mut self) -> Result<&mut Db::Connection, Error> {
        self.0.as_deref_mut().ok_or(Error::PoolClosed)
    }

    /// Gives the connection back for further use.
    pub(super) fn give_back(mut self) {
        drop(self.0.take());
    }

    /// Closes the connection, which makes room for another.
    pub(super) fn discard(mut self) {
        close(self.0.take());
    }
}

impl<Db: Database> Drop for Lease<Db> {
    /// The call was dropped, be it by a deadline or by a client that went away.
    fn drop(&mut self) {
        let Some(mut connection) = self.0.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return close(Some(connection)) };
        runtime.spawn(async move {
            match tokio::time::timeout(WIND_UP, connection.ping()).await {
                Ok(Ok(())) => drop(connection),
                _ => close(Some(connection)),
            }
        });
    }
}

/// Closes without a farewell, for which there may be nobody to wait.
fn close<Db: Database>(connection: Option<PoolConnection<Db>>) {
    drop(connection.map(PoolConnection::detach));
}
