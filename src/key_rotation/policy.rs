//! When keys are made, sign and are forgotten.

use std::{fmt, time::Duration};

use crate::{
    clock::{Clock, NumericDate},
    error::ConfigError,
    token::{Algorithm, RotationTerms, VerifyingKey},
};

use super::{
    error::{KeyRotationError, KeyRotationErrorKind},
    state::{Key, State},
};

/// How long after its last token has expired a key is kept: other machines' clocks differ.
const MARGIN: Duration = Duration::from_secs(60);
/// How many keys verifiers can be expected to take from one set.
const MAX_KEYS: usize = 100;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// When [`RotatingKeys`](super::RotatingKeys) change. See the [module docs](super).
#[derive(Clone)]
pub struct RotationPolicy {
    algorithm: Algorithm,
    rotate_every: Option<Duration>,
    lead_time: Duration,
    token_lifetime: Duration,
    leeway: Duration,
    pub(super) others: Vec<VerifyingKey>,
    pub(super) clock: Clock,
}

/// What somebody asks for who does not wait for the schedule.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask<'a> {
    Nothing,
    Rotate,
    Discard { kid: &'a str },
}

impl RotationPolicy {
    /// Starts a policy for keys of `algorithm`. Keys of another algorithm that are stored already
    /// are replaced by a rotation.
    pub fn builder(algorithm: Algorithm) -> RotationPolicyBuilder {
        RotationPolicyBuilder(Self {
            algorithm,
            rotate_every: Some(90 * DAY),
            lead_time: Duration::from_secs(60 * 60),
            token_lifetime: DAY,
            leeway: Duration::ZERO,
            others: Vec::new(),
            clock: Clock::system(),
        })
    }

    pub(super) const fn terms(&self) -> RotationTerms {
        RotationTerms { lead_time: self.lead_time, token_lifetime: self.token_lifetime() }
    }

    const fn token_lifetime(&self) -> Duration {
        self.token_lifetime.saturating_add(self.leeway)
    }

    /// How long a copy may know nothing of what another has stored.
    pub(super) fn poll_interval(&self) -> Duration {
        (self.lead_time / 4).clamp(Duration::from_millis(250), Duration::from_secs(60))
    }

    /// Brings `state` to what it must be at `now`, and tells whether that changed it.
    pub(super) fn advance(
        &self,
        state: &mut State,
        now: NumericDate,
        ask: Ask<'_>,
    ) -> Result<bool, KeyRotationError> {
        let mut changed = forget_the_dead(state, now);
        if let Ask::Discard { kid } = ask {
            changed |= self.discard(state, now, kid)?;
        }
        if state.keys.is_empty() {
            state.keys.push(self.generate(now, now)?);
            return Ok(true);
        }
        let signing = state.signing_index(now);
        for key in &mut state.keys[signing..] {
            if key.token_lifetime < self.token_lifetime().as_secs() {
                key.token_lifetime = self.token_lifetime().as_secs();
                changed = true;
            }
        }
        let soonest = now.saturating_add(self.lead_time);
        let due = self.due(&state.keys[signing], now, ask);
        let has_next = signing + 1 < state.keys.len();
        if !has_next && due.is_some_and(|due| due <= soonest) {
            if state.keys.len() >= MAX_KEYS {
                return Err(KeyRotationError::new(KeyRotationErrorKind::Key));
            }
            state.keys.push(self.generate(now, due.unwrap_or(soonest).max(soonest))?);
            changed = true;
        }
        Ok(changed)
    }

    /// When the key that signs shall be followed by another one.
    fn due(&self, signing: &Key, now: NumericDate, ask: Ask<'_>) -> Option<NumericDate> {
        if ask == Ask::Rotate || signing.signing.algorithm() != self.algorithm {
            return Some(now);
        }
        self.rotate_every.map(|interval| signing.signs_from.saturating_add(interval))
    }

    /// Takes out the key `kid`. If it signs, the next one does so at once.
    fn discard(
        &self,
        state: &mut State,
        now: NumericDate,
        kid: &str,
    ) -> Result<bool, KeyRotationError> {
        let Some(index) = state.keys.iter().position(|key| key.signing.kid() == Some(kid)) else {
            return Ok(false);
        };
        let was_signing = index == state.signing_index(now);
        state.keys.remove(index);
        if was_signing {
            match state.keys.get_mut(index) {
                Some(next) => next.signs_from = now,
                None => state.keys.push(self.generate(now, now)?),
            }
        }
        Ok(true)
    }

    fn generate(
        &self,
        published_at: NumericDate,
        signs_from: NumericDate,
    ) -> Result<Key, KeyRotationError> {
        let lifetime = self.token_lifetime().as_secs();
        Key::generate(self.algorithm, published_at, signs_from, lifetime)
            .map_err(|error| KeyRotationError::with_source(KeyRotationErrorKind::Key, error))
    }
}

/// Takes out the keys whose last token has expired.
fn forget_the_dead(state: &mut State, now: NumericDate) -> bool {
    let before = state.keys.len();
    let successions: Vec<_> = state.keys.iter().skip(1).map(|next| next.signs_from).collect();
    let mut successions = successions.into_iter();
    state.keys.retain(|key| {
        let Some(succeeded_at) = successions.next() else { return true };
        let lifetime = Duration::from_secs(key.token_lifetime);
        now < succeeded_at.saturating_add(lifetime).saturating_add(MARGIN)
    });
    state.keys.len() != before
}

/// Sets up a [`RotationPolicy`].
#[derive(Debug)]
#[must_use]
pub struct RotationPolicyBuilder(RotationPolicy);

impl RotationPolicyBuilder {
    /// Sets for how long each key signs, in whole seconds; `None` for until
    /// [`rotate`](super::RotatingKeys::rotate) is called. Default: 90 days.
    pub fn rotate_every(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.0.rotate_every = interval.into();
        self
    }

    /// Sets for how long a key is published before it signs, in whole seconds. Default: 1 hour.
    ///
    /// It must be as long as others may keep a set of keys without looking for a new one, or they
    /// refuse good tokens after a rotation: at least twice the
    /// [`max_age`](crate::routes::WellKnownRoutesBuilder::max_age) of the published set, which
    /// leaves them time for their fetch.
    pub fn lead_time(mut self, lead_time: Duration) -> Self {
        self.0.lead_time = lead_time;
        self
    }

    /// Sets how long the longest-lived token lives that is signed with these keys, in whole
    /// seconds: mostly a refresh token. Default: 1 day, as refresh tokens do.
    ///
    /// A key verifies for as long after it has ceased to sign. An
    /// [`Issuer`](crate::Issuer) whose tokens would live longer is not built.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.0.token_lifetime = lifetime;
        self
    }

    /// Sets by how much verifiers may let tokens outlive their expiry; whole seconds, at most 300.
    /// Default: zero.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.0.leeway = leeway;
        self
    }

    /// Adds a key that verifies but never signs, such as the one that signed before keys were
    /// rotated. May be called repeatedly. Default: none.
    ///
    /// If it is public, it is published as well. Leave it out once its last token has expired.
    pub fn verifying_key(mut self, key: VerifyingKey) -> Self {
        self.0.others.push(key);
        self
    }

    /// Sets the clock. Default: the system's.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.0.clock = clock.into();
        self
    }

    /// Builds the policy.
    ///
    /// # Errors
    ///
    /// When the lead time or the token lifetime is under a second, the leeway exceeds 300 seconds,
    /// keys would have to be followed before they were published for the lead time, or so many
    /// would verify at a time that verifiers refuse the set: more than 100.
    pub fn build(self) -> Result<RotationPolicy, ConfigError> {
        let Self(policy) = self;
        if policy.lead_time.as_secs() == 0 || policy.token_lifetime.as_secs() == 0 {
            return Err(ConfigError::out_of_range(
                "the lead time and the token lifetime must be at least a second",
            ));
        }
        if policy.leeway > Duration::from_secs(300) {
            return Err(ConfigError::out_of_range("the leeway must not exceed five minutes"));
        }
        if let Some(interval) = policy.rotate_every {
            if interval.as_secs() <= policy.lead_time.as_secs() {
                return Err(ConfigError::conflict(
                    "the lead time must be shorter than the time between rotations",
                ));
            }
            // Those that only verify; the one that signs, the next one, and those from elsewhere.
            let kept = policy.token_lifetime().saturating_add(MARGIN).as_secs();
            let verifying = kept.div_ceil(interval.as_secs());
            if verifying.saturating_add(2 + policy.others.len() as u64) > MAX_KEYS as u64 {
                return Err(ConfigError::conflict(
                    "tokens outlive so many rotations that there are too many keys",
                ));
            }
        }
        Ok(policy)
    }
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
