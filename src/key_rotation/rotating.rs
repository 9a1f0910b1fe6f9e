use std::{fmt, sync::Arc, time::Duration};

use tokio::{sync::Mutex, task::JoinHandle};

use crate::{
    clock::NumericDate,
    token::{KeySet, KeySetBuilder},
    trace::{debug, warn},
};

use super::{
    error::{KeyRotationError, KeyRotationErrorKind},
    policy::{Ask, RotationPolicy},
    state::State,
    storage::{KeyStorage, Storage},
};

/// How often a change is tried that others forestall.
const ATTEMPTS: usize = 10;

/// Keys that follow each other while serving. See the [module docs](super).
///
/// A handle: clones share everything. Time passes for the keys whenever
/// [`refresh`](Self::refresh) is called, which [`spawn`](Self::spawn) sees to.
#[derive(Clone)]
pub struct RotatingKeys(Arc<Inner>);

struct Inner {
    policy: RotationPolicy,
    storage: Storage,
    keys: KeySet,
    held: Mutex<Held>,
}

/// What was stored when it was last looked at, and which of it is in use.
struct Held {
    state: State,
    in_use: Vec<Box<str>>,
}

impl RotatingKeys {
    /// Loads the keys from `storage`, or makes the first one.
    ///
    /// # Errors
    ///
    /// When the storage fails, or what it holds is not what this module has written: nothing is
    /// overwritten then.
    pub async fn open(
        storage: impl KeyStorage,
        policy: RotationPolicy,
    ) -> Result<Self, KeyRotationError> {
        let storage = Storage::new(storage);
        let state = update(&policy, &storage, None, Ask::Nothing).await?;
        let now = policy.clock.now();
        let keys = key_set(&policy, &state, now).build().map_err(|error| {
            KeyRotationError::with_source(KeyRotationErrorKind::Malformed, error)
        })?;
        let held = Mutex::new(Held { in_use: names(&state, now), state });
        Ok(Self(Arc::new(Inner { policy, storage, keys, held })))
    }

    /// The keys, for an issuer, verifiers and [`WellKnownRoutes`](crate::routes::WellKnownRoutes).
    /// They change as these do.
    #[must_use]
    pub fn key_set(&self) -> KeySet {
        self.0.keys.clone()
    }

    /// Looks at the storage for what other copies have done, and does what is due: publishes the
    /// next key, signs with it, forgets old ones.
    ///
    /// # Errors
    ///
    /// When the storage fails or holds something else. The keys at hand go on; those whose time has
    /// come sign all the same.
    pub async fn refresh(&self) -> Result<(), KeyRotationError> {
        self.update(Ask::Nothing).await.map(drop)
    }

    /// Begins a rotation now, and tells when the next key will sign: after the lead time, or sooner
    /// if one had been published already.
    ///
    /// # Errors
    ///
    /// As [`refresh`](Self::refresh), and when there would be more than 100 keys.
    pub async fn rotate(&self) -> Result<NumericDate, KeyRotationError> {
        self.update(Ask::Rotate).await
    }

    /// Stops trusting the key `kid` at once, such as one that others got hold of: tokens that it
    /// signed are refused here, and elsewhere as soon as others fetch the set again.
    ///
    /// If it signs, the next key does so from now on, published or not; for as long as others have
    /// not fetched it, they refuse good tokens. Other copies of the service follow when they
    /// [refresh](Self::refresh).
    ///
    /// # Errors
    ///
    /// As [`refresh`](Self::refresh): the key may still be trusted then.
    pub async fn discard(&self, kid: &str) -> Result<(), KeyRotationError> {
        self.update(Ask::Discard { kid }).await.map(drop)
    }

    /// Starts a task that [refreshes](Self::refresh) the keys whenever something is due, and four
    /// times in each lead time or every minute, until it is dropped.
    ///
    /// # Panics
    ///
    /// Outside of a Tokio runtime.
    pub fn spawn(&self) -> RotationTask {
        let keys = self.clone();
        RotationTask(tokio::spawn(async move {
            loop {
                tokio::time::sleep(keys.until_next_look().await).await;
                if keys.refresh().await.is_err() {
                    warn!("the stored keys could not be looked at; those at hand go on");
                }
            }
        }))
    }

    async fn until_next_look(&self) -> Duration {
        let Inner { policy, held, .. } = &*self.0;
        let now = policy.clock.now();
        let held = held.lock().await;
        let pending = held.state.keys.iter().map(|key| key.signs_from).find(|from| *from > now);
        let until_then = pending.map(|from| from.saturating_duration_since(now));
        // A clock of whole seconds may be most of one behind.
        let interval = policy.poll_interval();
        until_then.map_or(interval, |until| until.clamp(Duration::from_millis(100), interval))
    }

    /// Returns when the last key begins to sign.
    async fn update(&self, ask: Ask<'_>) -> Result<NumericDate, KeyRotationError> {
        let Inner { policy, storage, keys, held } = &*self.0;
        let mut held = held.lock().await;
        let updated = update(policy, storage, Some(&held.state), ask).await;
        let failure = match updated {
            Ok(state) => {
                held.state = state;
                None
            }
            Err(error) => Some(error),
        };
        let now = policy.clock.now();
        let names = names(&held.state, now);
        if held.in_use != names {
            keys.replace(key_set(policy, &held.state, now)).map_err(|error| {
                KeyRotationError::with_source(KeyRotationErrorKind::Malformed, error)
            })?;
            held.in_use = names;
            debug!("the keys have changed");
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(held.state.keys.last().map(|key| key.signs_from).unwrap_or_default()),
        }
    }
}

/// Brings what is stored to what it must be now, and returns it.
async fn update(
    policy: &RotationPolicy,
    storage: &Storage,
    held: Option<&State>,
    ask: Ask<'_>,
) -> Result<State, KeyRotationError> {
    for _ in 0..ATTEMPTS {
        let stored = storage.load().await?;
        let mut state = match &stored {
            Some(stored) => State::read(stored)?,
            // Where the document was lost, the keys at hand are not.
            None => held.cloned().unwrap_or_default(),
        };
        let changed = policy.advance(&mut state, policy.clock.now(), ask)? || stored.is_none();
        if !changed || storage.replace(stored.as_ref(), &state.write()).await? {
            return Ok(state);
        }
    }
    Err(KeyRotationError::new(KeyRotationErrorKind::Contended))
}

fn key_set(policy: &RotationPolicy, state: &State, now: NumericDate) -> KeySetBuilder {
    let signing = state.signing_index(now);
    let mut keys = KeySet::builder().terms(policy.terms());
    for (index, key) in state.keys.iter().enumerate() {
        keys = if index == signing {
            keys.signing_key(key.signing.clone())
        } else {
            keys.verifying_key(key.signing.verifying_key())
        };
    }
    policy.others.iter().cloned().fold(keys, KeySetBuilder::verifying_key)
}

/// The ids of the keys, that of the one that signs first.
fn names(state: &State, now: NumericDate) -> Vec<Box<str>> {
    let kid = |key: &super::state::Key| key.signing.kid().unwrap_or_default().into();
    let signing = state.keys.get(state.signing_index(now)).map(kid);
    signing.into_iter().chain(state.keys.iter().map(kid)).collect()
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

/// The task of [`RotatingKeys::spawn`].
#[must_use = "keys stop rotating when this is dropped"]
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
