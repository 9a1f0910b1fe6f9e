//! A pool's connection for the time of one try, and what becomes of it afterwards.

use std::time::Duration;

use sqlx::{Connection, Database, Error, SqlStr, Transaction};
use tokio::runtime::Handle;

use super::connections::{Connections, Taken};

/// How long a connection whose call was dropped has to finish what it was doing.
const WIND_UP: Duration = Duration::from_secs(2);

/// A connection that goes back to its pool only if it is in order.
///
/// sqlx takes every connection back and waits, without end, until it answers. While the server
/// hangs or the network is cut, that would use up the pool, and the store would not recover with
/// the server.
pub(super) struct Lease<Db: Database> {
    taken: Option<Taken<Db>>,
    /// Set while a transaction begins, and for good if it does not. sqlx cannot tell then whether
    /// the server has begun one, in which all later calls would be made and never committed.
    is_beginning: bool,
}

impl<Db: Database> Lease<Db> {
    pub(super) async fn take(connections: &Connections<Db>) -> Result<Self, Error> {
        Ok(Self { taken: Some(connections.take().await?), is_beginning: false })
    }

    /// The connection; `None` never, since both ways to give it back consume the lease.
    pub(super) fn connection(&mut self) -> Result<&mut Db::Connection, Error> {
        self.taken.as_mut().map(|taken| &mut *taken.connection).ok_or(Error::PoolClosed)
    }

    /// Begins a transaction.
    pub(super) async fn begin(&mut self, statement: SqlStr) -> Result<Transaction<'_, Db>, Error> {
        let taken = self.taken.as_mut().ok_or(Error::PoolClosed)?;
        self.is_beginning = true;
        let transaction = taken.connection.begin_with(statement).await?;
        self.is_beginning = false;
        Ok(transaction)
    }

    /// Gives the connection back for further use.
    pub(super) fn give_back(mut self) {
        match self.taken.take() {
            Some(taken) if self.is_beginning => taken.close(),
            Some(taken) => taken.give_back(),
            None => {}
        }
    }

    /// Closes the connection, which makes room for another.
    pub(super) fn discard(mut self) {
        if let Some(taken) = self.taken.take() {
            taken.close();
        }
    }
}

impl<Db: Database> Drop for Lease<Db> {
    /// The call was dropped, be it by a deadline or by a client that went away.
    fn drop(&mut self) {
        let Some(mut taken) = self.taken.take() else { return };
        if self.is_beginning {
            return taken.close();
        }
        let Ok(runtime) = Handle::try_current() else { return taken.close() };
        runtime.spawn(async move {
            match tokio::time::timeout(WIND_UP, taken.connection.ping()).await {
                Ok(Ok(())) => taken.give_back(),
                _ => taken.close(),
            }
        });
    }
}
