use std::{fmt, sync::Arc, time::Duration};

use tokio::{sync::Mutex, task::JoinHandle};

use crate::{
    clock::NumericDate,
    metrics::count,
    token::{KeySet, KeySetBuilder},
    trace::{debug, warn},
};

use super::{
    dyn_storage::DynStorage,
    error::{KeyRotationError, KeyRotationErrorKind},
    key_ring::KeyRing,
    policy::{Command, RotationPolicy},
    storage::KeyStorage,
    update::{Failure, Updated, update},
};

const MIN_SLEEP: Duration = Duration::from_millis(100);

/// Signing keys that rotate while serving. See the [module docs](super).
///
/// A cheap handle: clones share the keys. The keys advance when [`refresh`](Self::refresh) is
/// called; the task of [`spawn`](Self::spawn) calls it whenever something is due.
#[derive(Clone)]
pub struct RotatingKeys(Arc<Inner>);

struct Inner {
    policy: RotationPolicy,
    storage: DynStorage,
    keys: KeySet,
    current: Mutex<Current>,
}

/// The stored keys when they were last read, and the ids of those in the key set.
struct Current {
    ring: KeyRing,
    key_ids: Vec<Box<str>>,
}

impl RotatingKeys {
    /// Loads the keys from `storage`. If there are none, generates the first key and stores it.
    ///
    /// If there are keys, but a change that is due cannot be stored, for example on a full disk or a
    /// read-only file system, the stored keys are used as they are, and a warning is logged. The
    /// task of [`spawn`](Self::spawn) tries again.
    ///
    /// # Errors
    ///
    /// When the storage cannot be read, when there are no keys and none can be stored, or when the
    /// stored document was not written by this module. A document is not overwritten in that case.
    pub async fn open(
        storage: impl KeyStorage,
        policy: RotationPolicy,
    ) -> Result<Self, KeyRotationError> {
        let storage = DynStorage::new(storage);
        let ring = match update(&policy, &storage, None, Command::None).await {
            Ok(updated) => updated.ring,
            Err(Failure { error, stored: Some(ring) }) => {
                warn!(
                    error = &error as &dyn std::error::Error,
                    "a due change of the keys was not stored"
                );
                ring
            }
            Err(Failure { error, stored: None }) => return Err(error),
        };
        let now = policy.clock.now();
        let keys = key_set(&policy, &ring, now).build().map_err(|error| {
            KeyRotationError::with_source(KeyRotationErrorKind::Malformed, error)
        })?;
        let current = Mutex::new(Current { key_ids: ring.key_ids(now), ring });
        Ok(Self(Arc::new(Inner { policy, storage, keys, current })))
    }

    /// The keys, for an issuer, verifiers and [`WellKnownRoutes`](crate::routes::WellKnownRoutes).
    /// The set changes with every rotation.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        self.0.keys.clone()
    }

    /// Reads the changes of other copies from the storage, and applies what is due: publishes the
    /// next key, signs with it, deletes expired ones.
    ///
    /// # Errors
    ///
    /// When the storage fails or the stored document is malformed. The current keys stay in use, and
    /// a published key still starts to sign at its time. If only the write fails, the stored keys
    /// are used, including the changes of other copies.
    pub async fn refresh(&self) -> Result<(), KeyRotationError> {
        self.update(Command::None).await.map(drop)
    }

    /// Starts a rotation now, and returns when the next key starts to sign: after the lead time, or
    /// earlier if that key has been published already.
    ///
    /// # Errors
    ///
    /// As [`refresh`](Self::refresh), and when there are 100 keys already.
    pub async fn rotate(&self) -> Result<NumericDate, KeyRotationError> {
        let ring = self.update(Command::Rotate).await?.ring;
        Ok(ring.keys.last().map(|key| key.signs_from).unwrap_or_default())
    }

    /// Deletes the key `kid` at once, for example because it has leaked. Tokens that it has signed
    /// are rejected here from now on, and by other services once they fetch the keys again.
    ///
    /// If it is the signing key, the next key signs from now on, even if it has not been published
    /// for the lead time. Other services reject its tokens until they fetch the keys again. Other
    /// copies of this service follow when they [refresh](Self::refresh).
    ///
    /// # Errors
    ///
    /// - [`UnknownKey`](KeyRotationErrorKind::UnknownKey) if no stored key has this id, for example
    ///   because it was discarded before.
    /// - [`ConfiguredKey`](KeyRotationErrorKind::ConfiguredKey) if the key was added with
    ///   [`verifying_key`](super::RotationPolicyBuilder::verifying_key). It is still trusted.
    /// - Otherwise as [`refresh`](Self::refresh). The key may still be trusted.
    pub async fn discard(&self, kid: &str) -> Result<(), KeyRotationError> {
        if self.update(Command::Discard { kid }).await?.has_discarded {
            return Ok(());
        }
        let is_configured = self.0.policy.verifying_keys.iter().any(|key| key.kid() == Some(kid));
        Err(KeyRotationError::new(if is_configured {
            KeyRotationErrorKind::ConfiguredKey
        } else {
            KeyRotationErrorKind::UnknownKey
        }))
    }

    /// Starts a task that [refreshes](Self::refresh) the keys whenever something is due, and four
    /// times in each lead time, at least once a minute. The task ends when the returned handle is
    /// dropped.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn spawn(&self) -> RotationTask {
        let keys = self.clone();
        RotationTask(tokio::spawn(async move {
            loop {
                tokio::time::sleep(keys.until_next_refresh().await).await;
                if let Err(error) = keys.refresh().await {
                    count!("jwt_auth_signing_key_updates_total", "outcome" => "failed");
                    warn!(error = &error as &dyn std::error::Error, "the keys were not refreshed");
                }
            }
        }))
    }

    async fn until_next_refresh(&self) -> Duration {
        let Inner { policy, current, .. } = &*self.0;
        let now = policy.clock.now();
        let current = current.lock().await;
        let pending = current.ring.keys.iter().map(|key| key.signs_from).find(|from| *from > now);
        let until_pending = pending.map(|from| from.saturating_duration_since(now));
        let interval = policy.poll_interval();
        // The clock has whole seconds, so the time until a moment may be rounded down to zero.
        until_pending.map_or(interval, |until| until.clamp(MIN_SLEEP, interval))
    }

    async fn update(&self, command: Command<'_>) -> Result<Updated, KeyRotationError> {
        let Inner { policy, storage, keys, current } = &*self.0;
        let mut current = current.lock().await;
        let updated = update(policy, storage, Some(&current.ring), command).await;
        match &updated {
            Ok(Updated { ring, .. }) | Err(Failure { stored: Some(ring), .. }) => {
                current.ring = ring.clone();
            }
            Err(Failure { stored: None, .. }) => {}
        }
        let now = policy.clock.now();
        let key_ids = current.ring.key_ids(now);
        if current.key_ids != key_ids {
            keys.replace(key_set(policy, &current.ring, now)).map_err(|error| {
                KeyRotationError::with_source(KeyRotationErrorKind::Malformed, error)
            })?;
            current.key_ids = key_ids;
            debug!("the keys have changed");
            count!("jwt_auth_signing_key_updates_total", "outcome" => "changed");
        }
        updated.map_err(|failure| failure.error)
    }
}

fn key_set(policy: &RotationPolicy, ring: &KeyRing, now: NumericDate) -> KeySetBuilder {
    let signing = ring.signing_index(now);
    let mut keys = KeySet::builder().terms(policy.terms());
    for (index, key) in ring.keys.iter().enumerate() {
        keys = if index == signing {
            keys.signing_key(key.signing.clone())
        } else {
            keys.verifying_key(key.signing.verifying_key())
        };
    }
    policy.verifying_keys.iter().cloned().fold(keys, KeySetBuilder::verifying_key)
}

impl From<&RotatingKeys> for KeySet {
    fn from(keys: &RotatingKeys) -> Self {
        keys.key_set()
    }
}

impl fmt::Debug for RotatingKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotatingKeys")
            .field("policy", &self.0.policy)
            .field("keys", &self.0.keys)
            .finish_non_exhaustive()
    }
}

/// The task of [`RotatingKeys::spawn`]. Dropping it ends the task.
#[must_use = "the keys stop rotating when this is dropped"]
pub struct RotationTask(JoinHandle<()>);

impl Drop for RotationTask {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl fmt::Debug for RotationTask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotationTask").finish_non_exhaustive()
    }
}
