//! Calls to a database, tried again while its connections fail.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use sqlx::{Database, Error, SqlStr};
use tokio::time::{Instant, sleep, timeout_at};

use super::{
    super::error::StoreError,
    engine::{Access, Engine, Param},
    lease::Lease,
};

/// How long to wait before trying again what would fail at once.
const RECONNECT_PAUSE: Duration = Duration::from_millis(20);

pub(crate) type Row<E> = <<E as Engine>::Db as Database>::Row;

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

    #[cfg(feature = "postgres")]
    pub(super) const fn engine(&self) -> &E {
        &self.engine
    }

    /// Whether the last call that would have written failed.
    ///
    /// What can be read while nothing can be written may be a stale copy, and nobody could have
    /// revoked anything meanwhile: not to be relied on before writing works again.
    pub(crate) fn cannot_write(&self) -> bool {
        self.cannot_write.load(Ordering::Relaxed)
    }

    /// Tries again while connections fail, as they all do after the server was restarted.
    pub(super) async fn retry<T, F>(
        &self,
        access: Access,
        mut attempt: impl FnMut(Instant) -> F,
    ) -> Result<T, StoreError>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let until = Instant::now() + self.engine.retry_for(access);
        let writes = matches!(access, Access::Write);
        loop {
            match attempt(until).await {
                Ok(answer) => {
                    if writes {
                        self.cannot_write.store(false, Ordering::Relaxed);
                    }
                    return Ok(answer);
                }
                Err(failure) if !failure.is_transient::<E>() || Instant::now() >= until => {
                    if writes {
                        self.cannot_write.store(true, Ordering::Relaxed);
                    }
                    return Err(StoreError::unavailable(failure.error));
                }
                // Idle connections of the pool may be dead as well: the next one at once. What a
                // server answers, it would answer again.
                Err(Failure { connected: true, error }) if !matches!(error, Error::Database(_)) => {
                }
                Err(_) => sleep(RECONNECT_PAUSE).await,
            }
        }
    }

    /// Runs one statement or, in a transaction with `lock`, several: each with the same parameters,
    /// and as long as there are rows. Returns the rows of the last one.
    #[cfg(feature = "django")]
    pub(crate) async fn run(
        &self,
        access: Access,
        lock: Option<i64>,
        statements: &[SqlStr],
        params: &[Param<'_>],
    ) -> Result<Vec<Row<E>>, StoreError> {
        let run = |until| self.run_once(until, access, lock, statements, params);
        Ok(self.retry(access, run).await?.pop().unwrap_or_default())
    }

    pub(super) async fn connect(
        &self,
        access: Access,
        until: Instant,
    ) -> Result<Lease<E::Db>, Failure> {
        let lease = timeout_at(until, Lease::take(self.engine.connections(access))).await;
        lease
            .unwrap_or(Err(Error::PoolTimedOut))
            .map_err(|error| Failure { error, connected: false })
    }

    /// Returns the rows of each statement that ran.
    pub(super) async fn run_once(
        &self,
        until: Instant,
        access: Access,
        lock: Option<i64>,
        statements: &[SqlStr],
        params: &[Param<'_>],
    ) -> Result<Vec<Vec<Row<E>>>, Failure> {
        let mut lease = self.connect(access, until).await?;
        let answer = async {
            let Some(lock) = lock else {
                let connection = lease.connection()?;
                let mut all = Vec::with_capacity(statements.len());
                for sql in statements {
                    all.push(E::fetch(connection, sql, params).await?);
                }
                return Ok(all);
            };
            let mut transaction = lease.begin(E::begin(lock)).await?;
            let mut all = Vec::with_capacity(statements.len());
            for sql in statements {
                let rows = E::fetch(&mut transaction, sql, params).await?;
                let is_last = rows.is_empty();
                all.push(rows);
                if is_last {
                    break;
                }
            }
            transaction.commit().await?;
            Ok(all)
        }
        .await;
        conclude::<E, _>(lease, answer)
    }
}

/// Why a try failed.
pub(super) struct Failure {
    error: Error,
    /// Whether there was a connection.
    connected: bool,
}

impl Failure {
    fn is_transient<E: Engine>(&self) -> bool {
        match &self.error {
            Error::Database(error) => error.code().is_some_and(|code| E::is_transient(&code)),
            error => is_broken(error),
        }
    }
}

/// Whether the connection is of no more use after `error`.
fn is_broken(error: &Error) -> bool {
    matches!(error, Error::Io(_) | Error::Tls(_) | Error::Protocol(_) | Error::WorkerCrashed)
        || matches!(error, Error::BeginFailed)
}

pub(super) fn conclude<E: Engine, T>(
    lease: Lease<E::Db>,
    answer: Result<T, Error>,
) -> Result<T, Failure> {
    let reusable = match &answer {
        Ok(_) => true,
        Err(Error::Database(error)) => !error.code().is_some_and(|code| E::is_transient(&code)),
        Err(error) => !is_broken(error),
    };
    if reusable {
        lease.give_back();
    } else {
        lease.discard();
    }
    answer.map_err(|error| Failure { error, connected: true })
}
