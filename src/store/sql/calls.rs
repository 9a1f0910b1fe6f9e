//! Calls to a database, retried while connections fail.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{Connection, Database, Error, error::DatabaseError};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    super::error::StoreError,
    engine::{Access, Call, Engine, Row},
    lease::Lease,
};

/// How long to wait before a retry that would fail at once.
const RETRY_PAUSE: Duration = Duration::from_millis(20);

/// A database that is called. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Calls<E> {
    engine: E,
    /// Set while the last call that would have written failed.
    cannot_write: Arc<AtomicBool>,
}

impl<E: Engine> Calls<E> {
    pub(crate) fn new(engine: E) -> Self {
        Self { engine, cannot_write: Arc::default() }
    }

    #[cfg(any(test, feature = "postgres"))]
    pub(super) const fn engine(&self) -> &E {
        &self.engine
    }

    /// Whether the last call that would have written failed.
    ///
    /// Reads are not to be relied on then, until a write succeeds: the data may be a stale copy, and
    /// nobody can revoke anything in the meantime.
    pub(crate) fn cannot_write(&self) -> bool {
        self.cannot_write.load(Ordering::Relaxed)
    }

    /// Runs a call. Returns the rows of the last statement that ran.
    #[cfg(feature = "django")]
    pub(crate) async fn run(&self, call: Call<'_>) -> Result<Vec<Row<E>>, StoreError> {
        let run = |until| self.run_once(until, call);
        Ok(self.retry(call.access, run).await?.pop().unwrap_or_default())
    }

    /// Retries while connections fail. After a restart of the server, all of them do.
    pub(crate) async fn retry<T, F>(
        &self,
        access: Access,
        mut attempt: impl FnMut(Instant) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let until = Instant::now() + self.engine.retry_for(access);
        let writes = access == Access::Write;
        loop {
            match attempt(until).await {
                Ok(outcome) => {
                    if writes {
                        self.cannot_write.store(false, Ordering::Relaxed);
                    }
                    return Ok(outcome);
                }
                Err(failure) if failure.kind == FailureKind::Final || Instant::now() >= until => {
                    if writes {
                        self.cannot_write.store(true, Ordering::Relaxed);
                    }
                    return Err(failure.into_store_error::<E>());
                }
                // Other idle connections may be dead as well. The next one is tried at once.
                Err(Failure { kind: FailureKind::ConnectionLost, .. }) => {}
                Err(_) => sleep(RETRY_PAUSE).await,
            }
        }
    }

    pub(crate) async fn connect(
        &self,
        access: Access,
        until: Instant,
    ) -> Result<Lease<E::Db>, Failure> {
        let lease = timeout_at(until, Lease::take(self.engine.connections(access))).await;
        lease.unwrap_or(Err(Error::PoolTimedOut)).map_err(Failure::of_connecting::<E>)
    }

    /// Returns the rows of each statement that ran.
    pub(crate) async fn run_once(
        &self,
        until: Instant,
        call: Call<'_>,
    ) -> Result<Vec<Vec<Row<E>>>, Failure> {
        let mut lease = self.connect(call.access, until).await?;
        let outcome = E::run(&mut lease, call).await;
        conclude::<E, _>(lease, outcome)
    }
}

/// Why an attempt failed.
#[derive(Clone)]
pub(crate) struct Failure {
    error: Arc<Error>,
    kind: FailureKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum FailureKind {
    /// The call fails.
    Final,
    /// The same call may succeed a little later, on another connection.
    Transient,
    /// The connection turned out to be dead, or the server closed it.
    ConnectionLost,
}

impl Failure {
    /// The failure of a task whose runtime has ended.
    pub(super) fn aborted() -> Self {
        Self { error: Arc::new(Error::WorkerCrashed), kind: FailureKind::Final }
    }

    fn into_store_error<E: Engine>(self) -> StoreError {
        let code = self.error.as_database_error().and_then(DatabaseError::code);
        if code.is_some_and(|code| E::is_misconfigured(&code)) {
            StoreError::misconfigured(self.error)
        } else {
            StoreError::unavailable(self.error)
        }
    }

    fn of_connecting<E: Engine>(error: Error) -> Self {
        let kind = match &error {
            Error::Database(error) if error.code().is_some_and(|code| E::is_transient(&code)) => {
                FailureKind::Transient
            }
            error if is_broken(error) => FailureKind::Transient,
            _ => FailureKind::Final,
        };
        Self { error: Arc::new(error), kind }
    }

    fn of_running<E: Engine>(error: Error) -> Self {
        let kind = match &error {
            Error::Database(error) if E::ends_connection(&**error) => FailureKind::ConnectionLost,
            Error::Database(error) if error.code().is_some_and(|code| E::is_transient(&code)) => {
                FailureKind::Transient
            }
            error if is_broken(error) => FailureKind::ConnectionLost,
            _ => FailureKind::Final,
        };
        Self { error: Arc::new(error), kind }
    }
}

/// Whether a connection cannot be used any more after `error`.
const fn is_broken(error: &Error) -> bool {
    matches!(
        error,
        Error::Io(_)
            | Error::Tls(_)
            | Error::Protocol(_)
            | Error::WorkerCrashed
            | Error::BeginFailed
    )
}

/// Gives the connection back if it still works.
pub(crate) fn conclude<E: Engine, T>(
    lease: Lease<E::Db>,
    outcome: Result<T, Error>,
) -> Result<T, Failure>
where
    <E::Db as Database>::Connection: Connection<Database = E::Db>,
{
    let outcome = outcome.map_err(Failure::of_running::<E>);
    match &outcome {
        Ok(_) | Err(Failure { kind: FailureKind::Final, .. }) => lease.give_back(),
        Err(_) => lease.discard(),
    }
    outcome
}
