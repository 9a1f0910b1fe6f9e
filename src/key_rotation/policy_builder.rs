use std::time::Duration;

use crate::{
    clock::Clock,
    error::ConfigError,
    token::{Algorithm, VerifyingKey},
};

use super::policy::{MARGIN, MAX_KEYS, RotationPolicy};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
const MAX_LEEWAY: Duration = Duration::from_secs(300);

/// Configures a [`RotationPolicy`].
#[derive(Debug)]
#[must_use]
pub struct RotationPolicyBuilder(RotationPolicy);

impl RotationPolicy {
    /// Starts a builder for keys of `algorithm`.
    ///
    /// If the stored keys have another algorithm, the first rotation replaces them.
    pub fn builder(algorithm: Algorithm) -> RotationPolicyBuilder {
        RotationPolicyBuilder(Self {
            algorithm,
            rotate_every: Some(90 * DAY),
            lead_time: HOUR,
            token_lifetime: DAY,
            leeway: Duration::ZERO,
            verifying_keys: Vec::new(),
            clock: Clock::system(),
        })
    }
}

impl RotationPolicyBuilder {
    /// Sets how long each key signs, in whole seconds. With `None`, a key signs until
    /// [`rotate`](super::RotatingKeys::rotate) is called. Default: 90 days.
    pub fn rotate_every(mut self, interval: impl Into<Option<Duration>>) -> Self {
        self.0.rotate_every = interval.into();
        self
    }

    /// Sets how long a key is published before it signs, in whole seconds. Default: 1 hour.
    ///
    /// If it is shorter than the time for which other services cache the published keys, they
    /// reject valid tokens after a rotation. It must be at least twice the
    /// [`max_age`](crate::routes::WellKnownRoutesBuilder::max_age) of the published keys, which
    /// leaves time for the fetch.
    pub fn lead_time(mut self, lead_time: Duration) -> Self {
        self.0.lead_time = lead_time;
        self
    }

    /// Sets the longest lifetime of the tokens that these keys sign, in whole seconds. This is
    /// usually the lifetime of refresh tokens. Default: 1 day, like that of refresh tokens.
    ///
    /// A key verifies for this time after it has stopped signing. Building an
    /// [`Issuer`](crate::Issuer) whose tokens live longer fails.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.0.token_lifetime = lifetime;
        self
    }

    /// Sets the longest leeway that verifiers add to the expiry of tokens, in whole seconds, at most
    /// 300 seconds. Default: zero.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.0.leeway = leeway;
        self
    }

    /// Adds a key that only verifies, for example the one that signed before key rotation was
    /// introduced. May be called repeatedly. Default: none.
    ///
    /// A public key is published as well. Remove it from the policy once its last token has expired.
    pub fn verifying_key(mut self, key: VerifyingKey) -> Self {
        self.0.verifying_keys.push(key);
        self
    }

    /// Sets the clock. Default: the system clock.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.0.clock = clock.into();
        self
    }

    /// Builds the policy.
    ///
    /// # Errors
    ///
    /// - The [lead time](Self::lead_time) or the [token lifetime](Self::token_lifetime) is shorter
    ///   than one second.
    /// - The [leeway](Self::leeway) is longer than 300 seconds.
    /// - The lead time is not shorter than the [rotation interval](Self::rotate_every).
    /// - Tokens live so long that more than 100 keys would verify at the same time.
    pub fn build(self) -> Result<RotationPolicy, ConfigError> {
        let Self(policy) = self;
        if policy.lead_time.as_secs() == 0 {
            return Err(ConfigError::out_of_range("`lead_time` must be at least one second"));
        }
        if policy.token_lifetime.as_secs() == 0 {
            return Err(ConfigError::out_of_range("`token_lifetime` must be at least one second"));
        }
        if policy.leeway > MAX_LEEWAY {
            return Err(ConfigError::out_of_range("`leeway` must be at most 300 seconds"));
        }
        if let Some(interval) = policy.rotate_every {
            if interval.as_secs() <= policy.lead_time.as_secs() {
                return Err(ConfigError::conflict(
                    "`lead_time` must be shorter than `rotate_every`",
                ));
            }
            let kept = policy.lifetime_with_leeway().saturating_add(MARGIN).as_secs();
            let only_verifying = kept.div_ceil(interval.as_secs());
            let signing_and_next = 2;
            let others = signing_and_next + policy.verifying_keys.len() as u64;
            if only_verifying.saturating_add(others) > MAX_KEYS as u64 {
                return Err(ConfigError::conflict(
                    "`token_lifetime` is so much longer than `rotate_every` that more than 100 \
                     keys would verify at the same time",
                ));
            }
        }
        Ok(policy)
    }
}
