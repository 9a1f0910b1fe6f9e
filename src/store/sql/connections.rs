//! A pool, and connections of it that go from call to call.

use std::{
    fmt, mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use sqlx::{Database, Error, Pool, pool::PoolConnection};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

/// How long a connection goes from call to call before it goes back to its pool, which looks
/// whether it is too old or too many.
const TERM: Duration = Duration::from_secs(1);

/// A pool, whose connections need not go back to it after each call. Cheap to clone.
///
/// Before it takes one back, sqlx waits for an answer of the server. A call that has just had its
/// own answer can do without, and so with half of the round trips.
pub(crate) struct Connections<Db: Database> {
    pool: Pool<Db>,
    /// `None` where others may be waiting for what goes back.
    at_hand: Option<Arc<AtHand<Db>>>,
}

impl<Db: Database> Clone for Connections<Db> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), at_hand: self.at_hand.clone() }
    }
}

impl<Db: Database> Connections<Db> {
    /// Those of a pool that nobody else uses, which go from call to call.
    #[cfg(feature = "postgres")]
    pub(super) fn handed_on(pool: Pool<Db>) -> Self {
        let turns = Semaphore::new(pool.options().get_max_connections() as usize);
        let at_hand = AtHand { turns: Arc::new(turns), idle: Mutex::default() };
        Self { pool, at_hand: Some(Arc::new(at_hand)) }
    }

    /// Those of a pool that has each of them back after a call.
    pub(super) const fn returned(pool: Pool<Db>) -> Self {
        Self { pool, at_hand: None }
    }

    pub(super) const fn pool(&self) -> &Pool<Db> {
        &self.pool
    }

    pub(super) async fn take(&self) -> Result<Taken<Db>, Error> {
        let Some(at_hand) = &self.at_hand else {
            return Ok(Taken { connection: self.pool.acquire().await?, term: None });
        };
        let turn = Arc::clone(&at_hand.turns).acquire_owned().await;
        let turn = turn.map_err(|_| Error::PoolClosed)?;
        let idle = at_hand.idle().pop();
        let (connection, until) = match idle {
            Some(idle) => idle,
            None => (self.pool.acquire().await?, AtHand::begin_term(at_hand)),
        };
        let term = Some(Term { at_hand: Arc::clone(at_hand), until, _turn: turn });
        Ok(Taken { connection, term })
    }
}

/// A connection for the time of one call.
pub(super) struct Taken<Db: Database> {
    pub(super) connection: PoolConnection<Db>,
    term: Option<Term<Db>>,
}

struct Term<Db: Database> {
    at_hand: Arc<AtHand<Db>>,
    until: Instant,
    _turn: OwnedSemaphorePermit,
}

impl<Db: Database> Taken<Db> {
    /// Lays it down for the next call, or gives it back to its pool.
    pub(super) fn give_back(self) {
        if let Some(term) = self.term.filter(|term| Instant::now() < term.until) {
            // Before the turn ends, and somebody else's begins.
            term.at_hand.idle().push((self.connection, term.until));
        }
    }

    /// Closes it without a farewell, for which there may be nobody to wait.
    pub(super) fn close(self) {
        drop(self.connection.detach());
    }
}

struct AtHand<Db: Database> {
    /// One for each connection that the pool may have.
    turns: Arc<Semaphore>,
    /// What nobody uses at the moment, with the end of its term.
    idle: Mutex<Vec<(PoolConnection<Db>, Instant)>>,
}

impl<Db: Database> AtHand<Db> {
    fn idle(&self) -> MutexGuard<'_, Vec<(PoolConnection<Db>, Instant)>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The end of a term that begins now; what is idle then goes back to the pool.
    fn begin_term(this: &Arc<Self>) -> Instant {
        let (until, this) = (Instant::now() + TERM, Arc::downgrade(this));
        tokio::spawn(async move {
            sleep_until(until).await;
            if let Some(this) = this.upgrade() {
                let over = |(_, until): &mut (_, Instant)| *until <= Instant::now();
                let over: Vec<_> = this.idle().extract_if(.., over).collect();
                drop(over);
            }
        });
        until
    }
}

impl<Db: Database> Drop for AtHand<Db> {
    fn drop(&mut self) {
        let idle = mem::take(&mut *self.idle());
        // Without a runtime a pool takes nothing back.
        if Handle::try_current().is_err() {
            idle.into_iter().for_each(|(connection, _)| drop(connection.detach()));
        }
    }
}

impl<Db: Database> fmt::Debug for Connections<Db> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connections").finish_non_exhaustive()
    }
}
