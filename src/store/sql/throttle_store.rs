//! Attempts to log in.

use crate::clock::NumericDate;

use super::{
    super::{
        error::StoreError,
        facts::{Attempt, Attempted, check_lengths},
    },
    engine::{Engine, Param},
    params::{seconds, text, time, time_at},
    store::SqlStore,
};

impl<E: Engine> SqlStore<E> {
    pub(super) async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, StoreError> {
        attempt.validate()?;
        let Attempt { name, id, limit, now } = *attempt;
        let (level, blocked) = attempt.counted(NumericDate::default());
        let params = [
            text(name),
            text(id),
            time(now),
            Param::Int(limit.attempts().into()),
            seconds(limit.recovery().as_secs()),
            seconds(limit.first_wait().as_secs()),
            time(attempt.latest_block()),
            time(attempt.highest_level()),
            time(level),
            time(blocked),
            time(level.max(blocked)),
        ];
        let rows = self.write(&self.statements.attempt, &params).await?;
        let row = rows.first().ok_or(sqlx::Error::RowNotFound).map_err(StoreError::unavailable)?;
        let until = time_at::<E>(row, 0).map_err(StoreError::unavailable)?;
        let is_permitted = E::int(row, 1).map_err(StoreError::unavailable)? == Some(1);
        Ok(if is_permitted { Attempted::Permitted } else { Attempted::Blocked { until } })
    }

    pub(super) async fn take_back(&self, attempt: &Attempt<'_>) -> Result<(), StoreError> {
        attempt.validate()?;
        let recovery = seconds(attempt.limit.recovery().as_secs());
        let params = [text(attempt.name), text(attempt.id), recovery];
        self.write(&self.statements.take_back, &params).await.map(drop)
    }

    pub(super) async fn forget_attempts(&self, name: &str) -> Result<(), StoreError> {
        check_lengths([name])?;
        self.write(&self.statements.forget_attempts, &[text(name)]).await.map(drop)
    }
}
