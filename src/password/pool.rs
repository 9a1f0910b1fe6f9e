//! Bounded hashing, off the async threads.

use std::sync::Arc;

use tokio::{runtime::Handle, sync::oneshot};
use zeroize::Zeroizing;

use crate::{
    error::ConfigError,
    metrics::{Stopwatch, observe},
};

use super::{blocks::BlockPool, error::PasswordError, limits::within, queue::Queue};

/// The default number of tokio's blocking threads. More hashes could not run at once.
const MAX_CONCURRENT: usize = 512;

/// The limits of a pool.
#[derive(Clone, Debug)]
pub(super) struct PoolSettings {
    pub(super) max_concurrent: usize,
    pub(super) max_waiting: usize,
    pub(super) max_password_len: usize,
}

impl PoolSettings {
    /// A pool that keeps `kept_blocks` of memory for each concurrent hash.
    pub(super) fn build(&self, kept_blocks: usize) -> Result<Pool, ConfigError> {
        within(self.max_concurrent, 1..=MAX_CONCURRENT, "max_concurrent must be from 1 to 512")?;
        within(self.max_waiting, 0..=65_536, "max_waiting must be at most 65536")?;
        within(self.max_password_len, 64..=65_536, "max_password_len must be from 64 to 65536")?;
        Ok(self.clone().assemble(kept_blocks))
    }

    pub(super) fn assemble(self, kept_blocks: usize) -> Pool {
        Pool {
            queue: Arc::new(Queue::new(self.max_concurrent, self.max_waiting)),
            blocks: Arc::new(BlockPool::new(kept_blocks)),
            settings: self,
        }
    }
}

impl Default for PoolSettings {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            max_concurrent: (cores / 2).clamp(1, MAX_CONCURRENT),
            max_waiting: 32,
            max_password_len: 1024,
        }
    }
}

/// Cheap to clone. Clones share the queue.
#[derive(Clone)]
pub(super) struct Pool {
    queue: Arc<Queue>,
    blocks: Arc<BlockPool>,
    settings: PoolSettings,
}

impl Pool {
    pub(super) const fn settings(&self) -> &PoolSettings {
        &self.settings
    }

    /// Whether `password` is short enough to be hashed.
    pub(super) const fn accepts(&self, password: &str) -> bool {
        password.len() <= self.settings.max_password_len
    }

    /// Waits in the queue, then hashes with `work` on a blocking thread.
    pub(super) async fn hash<T, E>(
        &self,
        password: &str,
        work: impl FnOnce(&BlockPool, &[u8]) -> Result<T, E> + Send + 'static,
    ) -> Result<T, PasswordError>
    where
        T: Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        let measured = move |blocks: &BlockPool, password: &[u8]| {
            let hashing = Stopwatch::start();
            let result = work(blocks, password);
            observe!("jwt_auth_password_hash_seconds"; hashing);
            result
        };
        self.run(password, measured).await
    }

    /// Waits in the queue, then does `work` on a blocking thread. Dropping the future leaves the
    /// queue.
    pub(super) async fn run<T, E>(
        &self,
        password: &str,
        work: impl FnOnce(&BlockPool, &[u8]) -> Result<T, E> + Send + 'static,
    ) -> Result<T, PasswordError>
    where
        T: Send + 'static,
        E: std::error::Error + Send + Sync + 'static,
    {
        let runtime = Handle::try_current().map_err(PasswordError::internal)?;
        let blocks = Arc::clone(&self.blocks);
        let password = Zeroizing::new(password.to_owned());
        let (sender, receiver) = oneshot::channel();
        let waiting = Stopwatch::start();
        let _ticket = self.queue.enter(runtime, move |slot| {
            observe!("jwt_auth_password_wait_seconds"; waiting);
            let result = work(&blocks, password.as_bytes());
            // The work cannot be stopped, so it occupies its slot until it is done, even if the
            // caller is gone. The slot is free before the caller gets the result.
            drop(slot);
            sender.send(result).ok();
        })?;
        receiver.await.map_err(PasswordError::internal)?.map_err(PasswordError::internal)
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, sync::mpsc};

    use futures::FutureExt;

    use super::*;
    use crate::password::PasswordErrorKind;

    #[tokio::test]
    async fn a_slot_is_occupied_until_the_work_is_done() -> Result<(), Box<dyn std::error::Error>> {
        let settings = PoolSettings { max_concurrent: 1, max_waiting: 0, ..Default::default() };
        let pool = settings.build(0)?;
        let (start, started) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let mut running = Box::pin(pool.run("", move |_, _| {
            start.send(()).ok();
            released.recv().ok();
            Ok::<_, Infallible>(())
        }));
        assert!((&mut running).now_or_never().is_none());
        started.recv()?;

        let other = || pool.run("", |_, _| Ok::<_, Infallible>(()));
        let rejected = other().now_or_never().ok_or("queued")?;
        assert_eq!(rejected.err().map(|error| error.kind()), Some(PasswordErrorKind::Overloaded));

        drop(release);
        running.await?;
        other().await?;
        Ok(())
    }
}
