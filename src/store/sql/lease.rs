//! A pool's connection for the time of one try, and what becomes of it afterwards.

use std::time::Duration;

use sqlx::{Connection, Database, Error};
use tokio::runtime::Handle;

use super::connections::{Connections, Taken};

/// How long a connection whose call was dropped has to finish what it was doing.
const WIND_UP: Duration = Duration::from_secs(2);

/// A connection that goes back to its pool only if it is in order.
///
/// sqlx takes every connection back and waits, without end, until it answers. While the server
/// hangs or the network is cut, that would use up the pool, and the store would not recover with
/// the server.
pub(super) struct Lease<Db: Database>(Option<Taken<Db>>);

impl<Db: Database> Lease<Db> {
    pub(super) async fn take(connections: &Connections<Db>) -> Result<Self, Error> {
        Ok(Self(Some(connections.take().await?)))
    }

    /// The connection; `None` never, since both ways to give it back consume the lease.
    pub(super) fn connection(&mut self) -> Result<&mut Db::Connection, Error> {
        self.0.as_mut().map(|taken| &mut *taken.connection).ok_or(Error::PoolClosed)
    }

    /// Gives the connection back for further use.
    pub(super) fn give_back(mut self) {
        if let Some(taken) = self.0.take() {
            taken.give_back();
        }
    }

    /// Closes the connection, which makes room for another.
    pub(super) fn discard(mut self) {
        if let Some(taken) = self.0.take() {
            taken.close();
        }
    }
}

impl<Db: Database> Drop for Lease<Db> {
    /// The call was dropped, be it by a deadline or by a client that went away.
    fn drop(&mut self) {
        let Some(mut taken) = self.0.take() else { return };
        let Ok(runtime) = Handle::try_current() else { return taken.close() };
        runtime.spawn(async move {
            match tokio::time::timeout(WIND_UP, taken.connection.ping()).await {
                Ok(Ok(())) => taken.give_back(),
                _ => taken.close(),
            }
        });
    }
}
