use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::{token::UserId, user::BackendError};

use super::store::{Confirmation, TotpRecord, TotpStore};

/// A [`TotpStore`] in memory, for examples and tests. Its secrets are lost when the process ends.
/// Clones share them.
#[derive(Clone, Default)]
pub struct MemoryTotpStore(Arc<Mutex<HashMap<UserId, Entry>>>);

struct Entry {
    secret: Box<str>,
    last_step: Option<u64>,
    recovery_codes: HashSet<Box<str>>,
}

impl MemoryTotpStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<UserId, Entry>> {
        // No change panics halfway.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl TotpStore for MemoryTotpStore {
    async fn find(&self, user_id: &UserId) -> Result<Option<TotpRecord>, BackendError> {
        Ok(self.lock().get(user_id).map(|entry| {
            TotpRecord::new(entry.secret.clone(), entry.last_step, entry.recovery_codes.len())
        }))
    }

    async fn begin(&self, user_id: &UserId, secret: &str) -> Result<bool, BackendError> {
        let mut entries = self.lock();
        if entries.get(user_id).is_some_and(|entry| entry.last_step.is_some()) {
            return Ok(false);
        }
        let entry =
            Entry { secret: secret.into(), last_step: None, recovery_codes: HashSet::new() };
        entries.insert(user_id.clone(), entry);
        Ok(true)
    }

    async fn confirm(
        &self,
        user_id: &UserId,
        confirmation: &Confirmation<'_>,
        _: &str,
    ) -> Result<bool, BackendError> {
        let mut entries = self.lock();
        let entry = entries
            .get_mut(user_id)
            .filter(|entry| entry.last_step.is_none() && *entry.secret == *confirmation.secret);
        let Some(entry) = entry else { return Ok(false) };
        entry.last_step = Some(confirmation.step);
        entry.recovery_codes =
            confirmation.recovery_codes.iter().map(|hash| hash.as_str().into()).collect();
        Ok(true)
    }

    async fn use_step(
        &self,
        user_id: &UserId,
        secret: &str,
        step: u64,
        _: &str,
    ) -> Result<bool, BackendError> {
        let mut entries = self.lock();
        let entry = entries.get_mut(user_id).filter(|entry| {
            entry.last_step.is_some_and(|last| last < step) && *entry.secret == *secret
        });
        let Some(entry) = entry else { return Ok(false) };
        entry.last_step = Some(step);
        Ok(true)
    }

    async fn use_recovery_code(
        &self,
        user_id: &UserId,
        hash: &str,
        _: &str,
    ) -> Result<bool, BackendError> {
        let mut entries = self.lock();
        let entry = entries.get_mut(user_id).filter(|entry| entry.last_step.is_some());
        Ok(entry.is_some_and(|entry| entry.recovery_codes.remove(hash)))
    }

    async fn replace_secret(
        &self,
        user_id: &UserId,
        old: &str,
        new: &str,
    ) -> Result<bool, BackendError> {
        let mut entries = self.lock();
        let entry = entries.get_mut(user_id).filter(|entry| *entry.secret == *old);
        let Some(entry) = entry else { return Ok(false) };
        entry.secret = new.into();
        Ok(true)
    }

    async fn remove(&self, user_id: &UserId) -> Result<bool, BackendError> {
        Ok(self.lock().remove(user_id).is_some_and(|entry| entry.last_step.is_some()))
    }
}

impl fmt::Debug for MemoryTotpStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTotpStore").finish_non_exhaustive()
    }
}
