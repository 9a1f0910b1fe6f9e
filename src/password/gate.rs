use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::PasswordError;

/// Lets in so many at once, keeps so many in line, and turns the rest away.
pub(super) struct Gate {
    /// One for each caller who is let in or in line.
    places: Arc<Semaphore>,
    /// One for each caller who is let in.
    turns: Arc<Semaphore>,
}

/// The right to hash, until it is dropped.
pub(super) struct Turn {
    _turn: OwnedSemaphorePermit,
    _place: OwnedSemaphorePermit,
}

impl Gate {
    pub(super) fn new(max_concurrent: usize, max_waiting: usize) -> Self {
        Self {
            places: Arc::new(Semaphore::new(max_concurrent + max_waiting)),
            turns: Arc::new(Semaphore::new(max_concurrent)),
        }
    }

    /// Waits for a turn, first come, first served. Dropping the future gives up the place in line.
    pub(super) async fn enter(&self) -> Result<Turn, PasswordError> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| PasswordError::overloaded())?;
        let turn = Arc::clone(&self.turns).acquire_owned().await;
        let turn = turn.map_err(PasswordError::internal)?;
        Ok(Turn { _turn: turn, _place: place })
    }
}
