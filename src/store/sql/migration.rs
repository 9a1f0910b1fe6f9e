//! The migration of a store, shared by all calls that wait for it.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use futures::{
    FutureExt,
    future::{BoxFuture, Shared},
};

use super::calls::Failure;

type Running = Shared<BoxFuture<'static, Result<(), Failure>>>;

/// Whether the tables are known to be up to date. Cheap to clone.
#[derive(Clone, Default)]
pub(crate) struct Migration(Arc<State>);

#[derive(Default)]
struct State {
    is_done: AtomicBool,
    running: Mutex<Option<Running>>,
}

impl Migration {
    /// Migrates, unless that was done before. Calls at the same time share one migration.
    ///
    /// It runs in a task of its own: a call gives up after a moment, which is too short for large
    /// tables.
    pub(crate) async fn ensure<F>(&self, migrate: impl FnOnce() -> F) -> Result<(), Failure>
    where
        F: Future<Output = Result<(), Failure>> + Send + 'static,
    {
        if self.0.is_done.load(Ordering::Acquire) {
            return Ok(());
        }
        let running = self.running().get_or_insert_with(|| self.start(migrate())).clone();
        running.await
    }

    fn start(
        &self,
        migrate: impl Future<Output = Result<(), Failure>> + Send + 'static,
    ) -> Running {
        let migration = self.clone();
        let task = tokio::spawn(async move {
            let outcome = migrate.await;
            migration.0.is_done.store(outcome.is_ok(), Ordering::Release);
            // If it failed, the next call starts another one.
            *migration.running() = None;
            outcome
        });
        let outcome = task.map(|outcome| outcome.unwrap_or_else(|_| Err(Failure::aborted())));
        outcome.boxed().shared()
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.0.running.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
