//! A pool of connections that nobody else uses.
//!
//! The pool of sqlx waits for a response of the server before it takes a connection back. A call that
//! has just got its own response can do without that, and so with half of the round trips. And if
//! the server refuses more connections, calls must share those that there are, where sqlx waits in
//! vain.

use std::{
    collections::HashSet,
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError, Weak},
    time::Duration,
};

use sqlx::{ConnectOptions, Connection, Database, Error};
use tokio::{
    sync::{Semaphore, oneshot},
    time::{Instant, sleep, timeout},
};

/// The longest time that a connection is used.
const MAX_LIFETIME: Duration = Duration::from_secs(30 * 60);
/// The longest time that a connection is kept without being used.
const MAX_IDLE: Duration = Duration::from_secs(10 * 60);
/// How often unused connections are looked for.
const REAP_EVERY: Duration = Duration::from_secs(60);
/// How long no other connection is opened after the server has refused one.
const REFUSED_PAUSE: Duration = Duration::from_secs(1);
/// How often a waiting call looks whether it may open a connection itself.
const RECHECK_EVERY: Duration = Duration::from_millis(50);

type Options<Db> = <<Db as Database>::Connection as Connection>::Options;

pub(crate) struct OwnPool<Db: Database> {
    options: Options<Db>,
    max_connections: usize,
    acquire_timeout: Duration,
    /// One permit for each idle connection.
    available: Semaphore,
    state: Mutex<State<Db>>,
}

struct State<Db: Database> {
    /// The connections that no call uses. The last one was used last.
    idle: Vec<OwnConnection<Db>>,
    /// How many connections there are, including those that are being opened.
    open: usize,
    /// No other connection is opened before.
    refused_until: Option<Instant>,
    has_reaper: bool,
}

pub(super) struct OwnConnection<Db: Database> {
    pub(super) connection: Db::Connection,
    /// The names of the statements that were prepared on it.
    pub(super) prepared: HashSet<Arc<str>>,
    opened_at: Instant,
    used_at: Instant,
}

impl<Db: Database<Connection: Connection<Database = Db>>> OwnPool<Db> {
    pub(super) fn new(
        options: Options<Db>,
        max_connections: usize,
        acquire_timeout: Duration,
    ) -> Arc<Self> {
        let state = State { idle: Vec::new(), open: 0, refused_until: None, has_reaper: false };
        Arc::new(Self {
            options,
            max_connections,
            acquire_timeout,
            available: Semaphore::new(0),
            state: Mutex::new(state),
        })
    }

    pub(super) const fn options(&self) -> &Options<Db> {
        &self.options
    }

    pub(super) const fn acquire_timeout(&self) -> Duration {
        self.acquire_timeout
    }

    /// Waits for a connection. The caller limits the time.
    pub(super) async fn take(self: &Arc<Self>) -> Result<OwnConnection<Db>, Error> {
        loop {
            if let Ok(permit) = self.available.try_acquire() {
                permit.forget();
                match self.pop() {
                    Some(connection) => return Ok(connection),
                    None => continue,
                }
            }
            // The connection is opened by a task, so that it is there for others if a connection is
            // given back before.
            let opened = self.open();
            let opened = async {
                match opened {
                    Some(opened) => opened.await.unwrap_or(Err(Error::WorkerCrashed)),
                    None => {
                        sleep(RECHECK_EVERY).await;
                        Ok(())
                    }
                }
            };
            tokio::select! {
                biased;
                permit = self.available.acquire() => {
                    permit.map_err(|_| Error::PoolClosed)?.forget();
                    if let Some(connection) = self.pop() {
                        return Ok(connection);
                    }
                }
                opened = opened => match opened {
                    Err(error) if self.state().open == 0 => return Err(error),
                    Ok(()) | Err(_) => {}
                },
            }
        }
    }

    /// Takes an idle connection, for which the caller has taken the permit; `None` if it is not
    /// usable any more.
    fn pop(&self) -> Option<OwnConnection<Db>> {
        let mut state = self.state();
        let connection = state.idle.pop()?;
        if connection.is_usable() {
            return Some(connection);
        }
        state.open -= 1;
        None
    }

    pub(super) fn give_back(&self, mut connection: OwnConnection<Db>) {
        connection.used_at = Instant::now();
        self.state().idle.push(connection);
        self.available.add_permits(1);
    }

    pub(super) fn close(&self, connection: OwnConnection<Db>) {
        self.state().open -= 1;
        drop(connection);
    }

    /// Opens another connection, unless there are enough or the server has refused one. It is given
    /// back when it is open.
    fn open(self: &Arc<Self>) -> Option<oneshot::Receiver<Result<(), Error>>> {
        {
            let mut state = self.state();
            let is_refused = state.refused_until.is_some_and(|until| Instant::now() < until);
            if state.open >= self.max_connections || (is_refused && state.open > 0) {
                return None;
            }
            state.open += 1;
            if !mem::replace(&mut state.has_reaper, true) {
                tokio::spawn(reap(Arc::downgrade(self)));
            }
        }
        let (sender, receiver) = oneshot::channel();
        let opening = Opening(Some(Arc::clone(self)));
        tokio::spawn(async move {
            // Nobody may be waiting any more.
            let _ = sender.send(opening.run().await);
        });
        Some(receiver)
    }

    /// Removes a connection that has not been used for long, or is too old.
    fn take_unusable(&self) -> Option<OwnConnection<Db>> {
        let permit = self.available.try_acquire().ok()?;
        let mut state = self.state();
        let index = state.idle.iter().position(|connection| !connection.is_usable())?;
        permit.forget();
        state.open -= 1;
        Some(state.idle.remove(index))
    }
}

/// A connection that is being opened. It is counted until this is dropped.
struct Opening<Db: Database>(Option<Arc<OwnPool<Db>>>);

impl<Db: Database<Connection: Connection<Database = Db>>> Opening<Db> {
    async fn run(mut self) -> Result<(), Error> {
        let Some(pool) = self.0.clone() else { return Ok(()) };
        let connection = timeout(pool.acquire_timeout, pool.options.connect()).await;
        match connection.unwrap_or(Err(Error::PoolTimedOut)) {
            Ok(connection) => {
                self.0 = None;
                pool.state().refused_until = None;
                pool.give_back(OwnConnection::new(connection));
                Ok(())
            }
            Err(error) => {
                pool.state().refused_until = Some(Instant::now() + REFUSED_PAUSE);
                Err(error)
            }
        }
    }
}

impl<Db: Database> Drop for Opening<Db> {
    fn drop(&mut self) {
        if let Some(pool) = &self.0 {
            pool.state().open -= 1;
        }
    }
}

impl<Db: Database> OwnPool<Db> {
    fn state(&self) -> MutexGuard<'_, State<Db>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<Db: Database> OwnConnection<Db> {
    fn new(connection: Db::Connection) -> Self {
        let now = Instant::now();
        Self { connection, prepared: HashSet::new(), opened_at: now, used_at: now }
    }

    fn is_usable(&self) -> bool {
        self.opened_at.elapsed() < MAX_LIFETIME && self.used_at.elapsed() < MAX_IDLE
    }
}

/// Closes unused connections for as long as there is a pool.
async fn reap<Db: Database<Connection: Connection<Database = Db>>>(pool: Weak<OwnPool<Db>>) {
    loop {
        sleep(REAP_EVERY).await;
        let Some(pool) = pool.upgrade() else { return };
        while let Some(unusable) = pool.take_unusable() {
            let _ = timeout(REFUSED_PAUSE, unusable.connection.close()).await;
        }
    }
}
