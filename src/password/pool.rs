//! Hashing off the async threads, bounded.

use std::sync::Arc;

use tokio::{runtime::Handle, sync::oneshot};
use zeroize::Zeroizing;

use crate::error::ConfigError;

use super::{blocks::BlockPool, error::PasswordError, limits::within, queue::Queue};

/// As many blocking threads as tokio has by default: more turns could not be taken.
const MAX_CONCURRENT: usize = 512;

/// How much is hashed at once.
#[derive(Clone, Debug)]
pub(super) struct PoolSettings {
    pub(super) max_concurrent: usize,
    pub(super) max_waiting: usize,
    pub(super) max_password_len: usize,
}

impl PoolSettings {
    /// A pool that keeps so much blocks for each turn.
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

/// Where passwords are hashed.
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
    pub(super) const fn takes(&self, password: &str) -> bool {
        password.len() <= self.settings.max_password_len
    }

    /// Waits for a turn, then does `work` on a blocking thread; first come, first served. Dropping the
    /// future gives up the place in line.
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
        let (answer, answered) = oneshot::channel();
        let _waiting = self.queue.enter(runtime, move |place| {
            let result = work(&blocks, password.as_bytes());
            // A hash cannot be stopped, so it keeps its place until it is done, even when the
            // caller has gone away in the meantime; who has the answer finds the place free.
            drop(place);
            answer.send(result).ok();
        })?;
        answered.await.map_err(PasswordError::internal)?.map_err(PasswordError::internal)
    }
}

#[cfg(test)]
mod tests {
    use std::{convert::Infallible, sync::mpsc};

    use futures::FutureExt;

    use super::*;
    use crate::password::PasswordErrorKind;

    #[tokio::test]
    async fn a_turn_lasts_as_long_as_the_work() -> Result<(), Box<dyn std::error::Error>> {
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
        let shed = other().now_or_never().ok_or("in line")?;
        assert_eq!(shed.err().map(|error| error.kind()), Some(PasswordErrorKind::Overloaded));

        drop(release);
        running.await?;
        other().await?;
        Ok(())
    }
}
