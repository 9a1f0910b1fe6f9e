//! A connection for one attempt, and what becomes of it afterwards.

use std::time::Duration;

use sqlx::{Connection, Database, Error, SqlStr, Transaction};
use tokio::runtime::Handle;

use super::connections::{Connections, Taken};

/// How long a connection may take to finish its work after its call was dropped.
const WIND_UP: Duration = Duration::from_secs(2);

/// A connection that is given back only if it still works.
///
/// sqlx takes every connection back, and waits without limit until the server responds. If the server
/// hangs or the network is cut, this would use up the pool, and the store would not recover with the
/// server.
pub(crate) struct Lease<Db: Database<Connection: Connection<Database = Db>>> {
    taken: Option<Taken<Db>>,
    /// Set while a transaction begins, and for good if it fails to. sqlx does not know then whether
    /// the server has begun one, in which all later calls would run and never be committed.
    is_beginning: bool,
}

impl<Db: Database<Connection: Connection<Database = Db>>> Lease<Db> {
    pub(super) async fn take(connections: &Connections<Db>) -> Result<Self, Error> {
        Ok(Self { taken: Some(connections.take().await?), is_beginning: false })
    }

    /// Never fails: whatever gives the connection back consumes the lease.
    pub(super) fn taken(&mut self) -> Result<&mut Taken<Db>, Error> {
        self.taken.as_mut().ok_or(Error::PoolClosed)
    }

    pub(crate) fn connection(&mut self) -> Result<&mut Db::Connection, Error> {
        self.taken().map(Taken::connection)
    }

    /// Begins a transaction.
    pub(crate) async fn begin(&mut self, statement: SqlStr) -> Result<Transaction<'_, Db>, Error> {
        let taken = self.taken.as_mut().ok_or(Error::PoolClosed)?;
        self.is_beginning = true;
        let transaction = taken.connection().begin_with(statement).await?;
        self.is_beginning = false;
        Ok(transaction)
    }

    /// Gives the connection back.
    pub(super) fn give_back(mut self) {
        match self.taken.take() {
            Some(taken) if self.is_beginning => taken.close(),
            Some(taken) => taken.give_back(),
            None => {}
        }
    }

    /// Closes the connection.
    pub(super) fn discard(mut self) {
        if let Some(taken) = self.taken.take() {
            taken.close();
        }
    }
}

impl<Db: Database<Connection: Connection<Database = Db>>> Drop for Lease<Db> {
    /// The call was dropped, by a deadline or because its client is gone.
    fn drop(&mut self) {
        let Some(mut taken) = self.taken.take() else { return };
        if self.is_beginning {
            return taken.close();
        }
        let Ok(runtime) = Handle::try_current() else { return taken.close() };
        runtime.spawn(async move {
            match tokio::time::timeout(WIND_UP, taken.connection().ping()).await {
                Ok(Ok(())) => taken.give_back(),
                _ => taken.close(),
            }
        });
    }
}
