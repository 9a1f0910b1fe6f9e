//! When keys are generated, when they sign, and when they are deleted.

use std::{fmt, time::Duration};

use crate::{
    clock::{Clock, NumericDate},
    token::{Algorithm, RotationTerms, VerifyingKey},
};

use super::{
    error::{KeyRotationError, KeyRotationErrorKind},
    key_ring::{KeyRing, RingKey},
};

/// How long a key is kept after its last token has expired, because clocks differ.
pub(super) const MARGIN: Duration = Duration::from_secs(60);
/// The number of keys that a verifier can be expected to accept in one set.
pub(super) const MAX_KEYS: usize = 100;

const MIN_POLL_INTERVAL: Duration = Duration::from_millis(250);
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(60);
/// How often the storage is polled during the lead time.
const POLLS_PER_LEAD_TIME: u32 = 4;

/// When [`RotatingKeys`](super::RotatingKeys) change. See the [module docs](super).
#[derive(Clone)]
pub struct RotationPolicy {
    pub(super) algorithm: Algorithm,
    pub(super) rotate_every: Option<Duration>,
    pub(super) lead_time: Duration,
    pub(super) token_lifetime: Duration,
    pub(super) leeway: Duration,
    pub(super) verifying_keys: Vec<VerifyingKey>,
    pub(super) clock: Clock,
}

/// The result of [`RotationPolicy::advance`].
pub(super) struct Advanced {
    /// Whether the keys must be stored again.
    pub(super) has_changed: bool,
    /// Whether the key to discard was among them.
    pub(super) has_discarded: bool,
}

/// A change that does not wait for the schedule.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Command<'a> {
    None,
    Rotate,
    Discard { kid: &'a str },
}

impl RotationPolicy {
    pub(super) const fn terms(&self) -> RotationTerms {
        RotationTerms {
            lead_time: self.lead_time,
            token_lifetime: self.lifetime_with_leeway(),
            algorithm: self.algorithm,
        }
    }

    pub(super) const fn lifetime_with_leeway(&self) -> Duration {
        self.token_lifetime.saturating_add(self.leeway)
    }

    /// The time after which the storage is read again, to learn of the changes of other copies.
    pub(super) fn poll_interval(&self) -> Duration {
        (self.lead_time / POLLS_PER_LEAD_TIME).clamp(MIN_POLL_INTERVAL, MAX_POLL_INTERVAL)
    }

    /// Applies everything that is due at `now`.
    pub(super) fn advance(
        &self,
        ring: &mut KeyRing,
        now: NumericDate,
        command: Command<'_>,
    ) -> Result<Advanced, KeyRotationError> {
        let mut has_changed = remove_expired(ring, now);
        let has_discarded = match command {
            Command::Discard { kid } => self.discard(ring, now, kid)?,
            Command::None | Command::Rotate => false,
        };
        has_changed |= has_discarded;
        if ring.keys.is_empty() {
            ring.keys.push(self.generate(now, now)?);
            return Ok(Advanced { has_changed: true, has_discarded });
        }
        let signing = ring.signing_index(now);
        for key in &mut ring.keys[signing..] {
            if key.token_lifetime < self.lifetime_with_leeway().as_secs() {
                key.token_lifetime = self.lifetime_with_leeway().as_secs();
                has_changed = true;
            }
        }
        let earliest = now.saturating_add(self.lead_time);
        let due = self.successor_due(&ring.keys[signing], now, command);
        let has_successor = signing + 1 < ring.keys.len();
        if !has_successor && due.is_some_and(|due| due <= earliest) {
            if ring.keys.len() >= MAX_KEYS {
                return Err(KeyRotationError::new(KeyRotationErrorKind::Key));
            }
            ring.keys.push(self.generate(now, due.unwrap_or(earliest).max(earliest))?);
            has_changed = true;
        }
        Ok(Advanced { has_changed, has_discarded })
    }

    /// When another key should replace the signing key.
    fn successor_due(
        &self,
        signing: &RingKey,
        now: NumericDate,
        command: Command<'_>,
    ) -> Option<NumericDate> {
        if command == Command::Rotate || signing.signing.algorithm() != self.algorithm {
            return Some(now);
        }
        self.rotate_every.map(|interval| signing.signs_from.saturating_add(interval))
    }

    /// Removes the key `kid`, and returns whether it was there. If it is the signing key, its
    /// successor signs from now on.
    fn discard(
        &self,
        ring: &mut KeyRing,
        now: NumericDate,
        kid: &str,
    ) -> Result<bool, KeyRotationError> {
        let Some(index) = ring.keys.iter().position(|key| key.signing.kid() == Some(kid)) else {
            return Ok(false);
        };
        let was_signing = index == ring.signing_index(now);
        ring.keys.remove(index);
        if was_signing {
            match ring.keys.get_mut(index) {
                Some(successor) => successor.signs_from = now,
                None => ring.keys.push(self.generate(now, now)?),
            }
        }
        Ok(true)
    }

    fn generate(
        &self,
        published_at: NumericDate,
        signs_from: NumericDate,
    ) -> Result<RingKey, KeyRotationError> {
        let lifetime = self.lifetime_with_leeway().as_secs();
        RingKey::generate(self.algorithm, published_at, signs_from, lifetime)
            .map_err(|error| KeyRotationError::with_source(KeyRotationErrorKind::Key, error))
    }
}

/// Removes the keys whose last token has expired.
fn remove_expired(ring: &mut KeyRing, now: NumericDate) -> bool {
    let count = ring.keys.len();
    let successors: Vec<_> = ring.keys.iter().skip(1).map(|next| next.signs_from).collect();
    let mut successors = successors.into_iter();
    ring.keys.retain(|key| {
        let Some(stopped_signing) = successors.next() else { return true };
        let lifetime = Duration::from_secs(key.token_lifetime);
        now < stopped_signing.saturating_add(lifetime).saturating_add(MARGIN)
    });
    ring.keys.len() != count
}

impl fmt::Debug for RotationPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RotationPolicy")
            .field("algorithm", &self.algorithm)
            .field("rotate_every", &self.rotate_every)
            .field("lead_time", &self.lead_time)
            .field("token_lifetime", &self.token_lifetime)
            .finish_non_exhaustive()
    }
}
