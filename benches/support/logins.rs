//! The cost of a user's tenth login and of the ten-thousandth.

use std::{
    num::NonZeroUsize,
    time::{Duration, Instant, SystemTime},
};

use tower_jwt_auth::{
    NumericDate,
    store::{Begun, NewSession, TokenStore},
    token::UserId,
};

use super::{DAY, Failure, median, new_id};

const FEW: u32 = 10;
const MANY: u32 = 10_000;
/// The time from one login of a user to the next.
const APART: Duration = Duration::from_secs(60);
const ACCESS: Duration = Duration::from_secs(6 * 60);

pub(super) fn print_header() {
    println!(
        "\n{:<28} {:>9} {:>11} {:>12} {:>7}",
        "", "limit", "login 10", "login 10 000", "ratio"
    );
}

/// Logs a new user in for the tenth time and an old one for the ten-thousandth or a later time, in
/// turn, and prints the medians of both.
pub(super) async fn compare(
    name: &str,
    store: &impl TokenStore,
    thorough: bool,
) -> Result<(), Failure> {
    let (pairs, many) = if thorough { (301, MANY) } else { (3, 2 * FEW) };
    for limit in [Some(3), Some(100), None] {
        let limit = limit.and_then(NonZeroUsize::new);
        let mut old = User::new(many, limit);
        for _ in 1..many {
            old.log_in(store).await?;
        }
        let (mut few, mut lots, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
        for pair in 0..pairs {
            let mut new = User::new(FEW, limit);
            for _ in 1..FEW {
                new.log_in(store).await?;
            }
            let (first, second) = if pair % 2 == 0 {
                let first = new.log_in(store).await?;
                (first, old.log_in(store).await?)
            } else {
                let second = old.log_in(store).await?;
                (new.log_in(store).await?, second)
            };
            few.push(first);
            lots.push(second);
            ratios.push(second / first);
        }
        let limit = limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string());
        let [few, lots, ratio] = [few, lots, ratios].map(median);
        println!("{name:<28} {limit:>9} {few:>8.1} µs {lots:>9.1} µs {ratio:>7.2}");
    }
    Ok(())
}

struct User {
    id: UserId,
    limit: Option<NonZeroUsize>,
    /// When the user logs in next.
    now: NumericDate,
}

impl User {
    /// A user who logs in for the `logins`th time now.
    fn new(logins: u32, limit: Option<NonZeroUsize>) -> Self {
        let now = NumericDate::from(SystemTime::now()).saturating_sub(APART * logins);
        Self { id: UserId::from(new_id()), limit, now }
    }

    /// Returns the duration in microseconds.
    async fn log_in(&mut self, store: &impl TokenStore) -> Result<f64, Failure> {
        self.now = self.now.saturating_add(APART);
        let (session_id, refresh) = (new_id(), new_id());
        let [expires_at, access_until] = [DAY, ACCESS].map(|time| self.now.saturating_add(time));
        let generation = store.generation().await?;
        let session = NewSession::new(&session_id, &self.id, &refresh, self.now)
            .with_expiry(expires_at, expires_at.saturating_add(ACCESS))
            .with_access_until(access_until)
            .with_limit(self.limit)
            .with_generation(Some(generation));
        let began = Instant::now();
        let begun = store.begin(&session).await?;
        let duration = began.elapsed();
        if begun == Begun::UserRevoked {
            return Err("the user is not revoked".into());
        }
        Ok(duration.as_secs_f64() * 1e6)
    }
}
