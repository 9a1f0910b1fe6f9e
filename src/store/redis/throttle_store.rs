//! Attempts to log in. Each call is a script on one key, so it needs no particular slot.

use crate::clock::NumericDate;

use super::{
    super::{
        error::StoreError,
        facts::{Attempt, Attempted, check_lengths},
        throttle_store::ThrottleStore,
    },
    args::Arg,
    scripts,
    store::RedisStore,
};

const NO_ARGS: Option<u64> = None;

impl ThrottleStore for RedisStore {
    async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, StoreError> {
        attempt.validate()?;
        let Attempt { name, id, limit, now } = *attempt;
        let key = self.keys.attempts(name);
        let args = (
            id,
            Arg::Time(now),
            limit.attempts(),
            limit.recovery().as_secs(),
            limit.first_wait().as_secs(),
            Arg::Time(attempt.latest_block()),
            Arg::Time(attempt.highest_level()),
        );
        match self.call(&scripts::ATTEMPT, &[&key], args).await? {
            0 => Ok(Attempted::Permitted),
            until => Ok(Attempted::Blocked { until: NumericDate::from_secs(until) }),
        }
    }

    async fn take_back(&self, attempt: &Attempt<'_>) -> Result<(), StoreError> {
        attempt.validate()?;
        let key = self.keys.attempts(attempt.name);
        let args = (attempt.id, attempt.limit.recovery().as_secs());
        self.call(&scripts::TAKE_BACK, &[&key], args).await
    }

    async fn forget_attempts(&self, name: &str) -> Result<(), StoreError> {
        check_lengths([name])?;
        let key = self.keys.attempts(name);
        self.call(&scripts::FORGET_ATTEMPTS, &[&key], NO_ARGS).await
    }
}
