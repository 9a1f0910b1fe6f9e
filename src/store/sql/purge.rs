//! Forgetting what need not be remembered any longer.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::clock::NumericDate;

use super::{
    super::error::StoreError,
    engine::Engine,
    params::{count, time},
    statement::Statement,
    statements::Statements,
    store::SqlStore,
};

/// How many entries one statement deletes.
const PURGE_BATCH: usize = 500;
/// How long the revocation of a user is kept on for as long as there are sessions that it may have
/// ended.
const RECHECK_AFTER: Duration = Duration::from_secs(3_600);

impl<E: Engine> SqlStore<E> {
    pub(super) async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        let mut purged = 0;
        let Statements { purge_sessions, purge_tokens, purge_attempts, .. } = &*self.statements;
        for statement in [purge_sessions, purge_tokens, purge_attempts] {
            loop {
                let batch = PURGE_BATCH.min(limit - purged);
                let deleted = self.purge_batch(statement, now, batch).await?;
                purged += deleted;
                if deleted < batch || batch == 0 {
                    break;
                }
            }
        }
        loop {
            let batch = PURGE_BATCH.min(limit - purged);
            // The revocation of a user is what ends sessions that began before it.
            let postponed = self.purge_batch(&self.statements.postpone_users, now, batch).await?;
            let deleted = self.purge_batch(&self.statements.purge_users, now, batch).await?;
            purged += deleted;
            if postponed + deleted < batch || batch == 0 {
                return Ok(purged);
            }
        }
    }

    /// Runs a statement on at most `batch` rows that are due, and returns their number.
    async fn purge_batch(
        &self,
        statement: &Statement,
        now: NumericDate,
        batch: usize,
    ) -> Result<usize, StoreError> {
        if batch == 0 {
            return Ok(0);
        }
        let began = Instant::now();
        let other_clock =
            if self.clock.shows(now) { NumericDate::default() } else { NumericDate::MAX };
        let now = self.clock.steady(now);
        let recheck = now.saturating_add(RECHECK_AFTER);
        let params = [time(now), count(batch), time(recheck), time(other_clock)];
        let rows = self.write(statement, &params).await?.len();
        if rows == batch {
            // Others who wait for the lock look only now and then whether it is free.
            sleep(began.elapsed()).await;
        }
        Ok(rows)
    }
}
