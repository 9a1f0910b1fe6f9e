//! The cost of a user's first logins and of the ten-thousandth.

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
/// More than the highest limit of sessions.
const SOME: u32 = 200;
const MANY: u32 = 10_000;
const ROUNDS: usize = 301;
/// The time from one login of a user to the next.
const APART: Duration = Duration::from_secs(60);
const ACCESS: Duration = Duration::from_secs(6 * 60);

pub(super) fn print_header() {
    println!(
        "\n{:<25} {:>5} {:>11} {:>11} {:>13} {:>12} {:>13}",
        "", "limit", "login 10", "login 200", "login 10 000", "ratio to 10", "ratio to 200"
    );
}

/// Logs in a new user for the tenth time, and two others for the two-hundredth and ten-thousandth or
/// a later time, in turn. Prints the medians.
pub(super) async fn compare(
    name: &str,
    store: &impl TokenStore,
    thorough: bool,
) -> Result<(), Failure> {
    let (rounds, many) = if thorough { (ROUNDS, MANY) } else { (3, 2 * SOME) };
    for limit in [Some(3), Some(100), None] {
        let limit = limit.and_then(NonZeroUsize::new);
        let some = User::begin(store, SOME, limit).await?;
        let many = User::begin(store, many, limit).await?;
        let mut users = [None, Some(some), Some(many)];
        let mut durations = [const { Vec::new() }; 3];
        for round in 0..rounds {
            users[0] = Some(User::begin(store, FEW, limit).await?);
            for turn in 0..users.len() {
                let index = (round + turn) % users.len();
                let user = users[index].as_mut().ok_or("each user has begun")?;
                durations[index].push(user.log_in(store).await?);
            }
        }
        let ratios = |index: usize| {
            let pairs = durations[2].iter().zip(&durations[index]);
            median(pairs.map(|(many, other)| many / other).collect())
        };
        let [few_ratio, some_ratio] = [0, 1].map(ratios);
        let limit = limit.map_or_else(|| "none".to_owned(), |limit| limit.to_string());
        let [few, some, many] = durations.map(median);
        println!(
            "{name:<25} {limit:>5} {few:>8.1} µs {some:>8.1} µs {many:>10.1} µs \
             {few_ratio:>12.2} {some_ratio:>13.2}"
        );
    }
    Ok(())
}

struct User {
    id: UserId,
    limit: Option<NonZeroUsize>,
    /// When the user last logged in.
    now: NumericDate,
}

impl User {
    /// A user whose next login is the one with the number `login`.
    async fn begin(
        store: &impl TokenStore,
        login: u32,
        limit: Option<NonZeroUsize>,
    ) -> Result<Self, Failure> {
        let now = NumericDate::from(SystemTime::now()).saturating_sub(APART * login);
        let mut user = Self { id: UserId::from(new_id()), limit, now };
        for _ in 1..login {
            user.log_in(store).await?;
        }
        Ok(user)
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
