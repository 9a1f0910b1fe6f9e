//! One change of the stored keys.

use super::{
    dyn_storage::DynStorage,
    error::{KeyRotationError, KeyRotationErrorKind},
    key_ring::KeyRing,
    policy::{Command, RotationPolicy},
};

/// How often a change is attempted when other copies change the stored keys at the same time.
const MAX_ATTEMPTS: usize = 10;

/// The keys after an update, as they are stored.
pub(super) struct Updated {
    pub(super) ring: KeyRing,
    pub(super) has_discarded: bool,
}

/// An update that failed.
pub(super) struct Failure {
    pub(super) error: KeyRotationError,
    /// The stored keys, if they could be read.
    pub(super) stored: Option<KeyRing>,
}

/// Advances the stored keys.
pub(super) async fn update(
    policy: &RotationPolicy,
    storage: &DynStorage,
    current: Option<&KeyRing>,
    command: Command<'_>,
) -> Result<Updated, Failure> {
    let mut last_stored = None;
    for _ in 0..MAX_ATTEMPTS {
        let unreadable = |error| Failure { error, stored: None };
        let document = storage.load().await.map_err(unreadable)?;
        let stored = document.as_ref().map(KeyRing::parse).transpose().map_err(unreadable)?;
        // If the document was lost, the keys in memory are stored again.
        let mut ring = stored.as_ref().or(current).cloned().unwrap_or_default();
        let advanced = match policy.advance(&mut ring, policy.clock.now(), command) {
            Ok(advanced) => advanced,
            Err(error) => return Err(Failure { error, stored }),
        };
        let updated = Updated { ring, has_discarded: advanced.has_discarded };
        if document.is_some() && !advanced.has_changed {
            return Ok(updated);
        }
        match storage.replace(document.as_ref(), &updated.ring.to_document()).await {
            Ok(true) => return Ok(updated),
            Ok(false) => last_stored = stored,
            Err(error) => return Err(Failure { error, stored }),
        }
    }
    let error = KeyRotationError::new(KeyRotationErrorKind::Contended);
    Err(Failure { error, stored: last_stored })
}
