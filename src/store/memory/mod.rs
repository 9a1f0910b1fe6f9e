mod attempts;
mod shard;
mod state;

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
};

use crate::{clock::NumericDate, token::UserId};

use self::{
    attempts::Attempts,
    shard::Shard,
    state::{SessionState, UserState},
};

use super::{
    cursor,
    error::StoreError,
    facts::{
        Attempt, Attempted, Begun, Consume, ConsumeId, Consumed, Generation, NewSession, Page,
        Revocation, SessionPage, Spend, Spent, TokenRef, check_lengths,
    },
    machine_clock::MachineClock,
    throttle_store::ThrottleStore,
    token_store::TokenStore,
};

const SHARDS: usize = 32;
const DEFAULT_CAPACITY: usize = 1_000_000;
/// How many due elements each write looks at: more than a login usually adds, so that forgetting keeps
/// up.
const SWEEP: usize = 4;

/// A [`TokenStore`] in the memory of one process.
///
/// For tests, and for services of a single process that may log everybody out when they restart.
/// After a restart, [single-use tokens](crate::Issuer::issue_single_use) that were used can be used
/// once more. Calls never wait. Clones share their content.
///
/// Memory is bounded. Every write also forgets some entries that are due. While the store holds as
/// many sessions and revocations as its [capacity](Self::with_capacity), new ones are rejected with
/// `503`. No entry is forgotten early, even if the machine's clock jumps ahead and is set back within
/// an hour.
#[derive(Clone)]
pub struct MemoryStore(Arc<Inner>);

struct Inner {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    /// Sessions, revoked tokens, uses and revoked users.
    len: AtomicUsize,
    capacity: usize,
    generation: AtomicU64,
    clock: MachineClock,
    attempts: Attempts,
}

impl MemoryStore {
    /// An empty store for up to 1 000 000 sessions and revocations.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }

    /// An empty store for up to `capacity` sessions and revocations, of up to a kilobyte each.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self::with_clock(capacity, MachineClock::new())
    }

    fn with_clock(capacity: usize, clock: MachineClock) -> Self {
        Self(Arc::new(Inner {
            hasher: RandomState::new(),
            shards: Default::default(),
            len: AtomicUsize::new(0),
            capacity,
            generation: AtomicU64::new(0),
            clock,
            attempts: Attempts::default(),
        }))
    }

    /// The number of sessions and revocations in the store, including those that are due.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len.load(Ordering::Relaxed)
    }

    /// Whether the store holds no sessions and no revocations.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn lookup(&self, token: &TokenRef<'_>) -> bool {
        let shard = self.0.shard(token.user_id);
        match shard.user(token.user_id) {
            Some(user) => user.revokes(token),
            None => token.refresh && !token.adopt,
        }
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("len", &self.len())
            .field("capacity", &self.0.capacity)
            .finish_non_exhaustive()
    }
}

impl Inner {
    fn shard(&self, user_id: &str) -> MutexGuard<'_, Shard> {
        let index = self.hasher.hash_one(user_id) as usize % SHARDS;
        lock(&self.shards[index])
    }

    /// The shard of a user, for a write at `now`.
    fn swept_shard(&self, user_id: &str, now: NumericDate) -> MutexGuard<'_, Shard> {
        if self.len.load(Ordering::Relaxed) >= self.capacity {
            // Due entries may remain in shards that are not written to.
            self.purge(now, SHARDS);
        }
        let mut shard = self.shard(user_id);
        if shard.is_due(now) {
            let now = self.clock.steady(now);
            self.release(shard.sweep(now).take(SWEEP).filter(|dropped| *dropped).count());
        }
        shard
    }

    fn purge(&self, now: NumericDate, limit: usize) -> usize {
        let now = self.clock.steady(now);
        let mut total = 0;
        // One shard at a time, so that no request waits for more than a small part of the work.
        for shard in &self.shards {
            let left = limit - total;
            total += lock(shard).sweep(now).filter(|dropped| *dropped).take(left).count();
        }
        self.release(total);
        total
    }

    fn generation(&self) -> Generation {
        Generation::new(self.generation.load(Ordering::SeqCst))
    }

    /// Raises the generation, and returns the new one.
    fn raise_generation(&self) -> Generation {
        Generation::new(self.generation.fetch_add(1, Ordering::SeqCst) + 1)
    }

    /// Makes room for one more entry.
    fn reserve(&self) -> Result<(), StoreError> {
        let within = |len| (len < self.capacity).then_some(len + 1);
        match self.len.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within) {
            Ok(_) => Ok(()),
            Err(_) => Err(StoreError::unavailable("the store is full")),
        }
    }

    fn release(&self, dropped: usize) {
        self.len.fetch_sub(dropped, Ordering::Relaxed);
    }
}

fn lock(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    // No change panics halfway, so a poisoned shard is consistent.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ThrottleStore for MemoryStore {
    async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, StoreError> {
        self.0.attempts.attempt(attempt)
    }

    async fn take_back(&self, attempt: &Attempt<'_>) -> Result<(), StoreError> {
        self.0.attempts.take_back(attempt)
    }

    async fn forget_attempts(&self, name: &str) -> Result<(), StoreError> {
        self.0.attempts.forget_attempts(name)
    }
}

impl TokenStore for MemoryStore {
    async fn generation(&self) -> Result<Generation, StoreError> {
        Ok(self.0.generation())
    }

    async fn begin(&self, session: &NewSession<'_>) -> Result<Begun, StoreError> {
        session.validate()?;
        let user_id = session.user_id.as_str();
        let mut shard = self.0.swept_shard(user_id, session.now);
        if let Some(user) = shard.user(user_id) {
            if user.refuses(session.generation) {
                return Ok(Begun::UserRevoked);
            }
            if user.knows_session(session.session_id) {
                return Ok(Begun::Started { ended: Vec::new() });
            }
        }
        self.0.reserve()?;
        let generation = session.generation.unwrap_or_else(|| self.0.generation());
        Ok(shard.begin(session, generation))
    }

    async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, StoreError> {
        spend.validate()?;
        let user_id = spend.user_id.as_str();
        let mut shard = self.0.swept_shard(user_id, spend.now);
        if let Some(user) = shard.user(user_id)
            && user.has_revoked_token(spend.refresh)
        {
            return Ok(Spent::Revoked);
        }
        if let Some(spent) = shard.spend(spend) {
            return Ok(spent);
        }
        let user = shard.user(user_id);
        if !spend.adopt || user.is_some_and(|user| user.revokes_issued_at(spend.issued_at)) {
            return Ok(Spent::Revoked);
        }
        self.0.reserve()?;
        let session = SessionState::adopted(spend, self.0.generation());
        shard.add_session(user_id, spend.session_id, session);
        Ok(Spent::First)
    }

    async fn consume(
        &self,
        consume: &Consume<'_>,
        now: NumericDate,
    ) -> Result<Consumed, StoreError> {
        consume.validate()?;
        let user_id = consume.user_id.as_str();
        let mut shard = self.0.swept_shard(user_id, now);
        let is_usable = match shard.user(user_id) {
            Some(user) => user.can_consume(consume),
            None => consume.session_id.is_none(),
        };
        if !is_usable {
            return Ok(Consumed::Before);
        }
        self.0.reserve()?;
        match consume.id {
            ConsumeId::Token(jti) => shard.add_token(user_id, jti, consume.keep_until),
            ConsumeId::Other(id) => shard.add_use(user_id, id, consume.keep_until),
        }
        Ok(Consumed::First)
    }

    async fn revoke(
        &self,
        revocation: &Revocation<'_>,
        now: NumericDate,
    ) -> Result<(), StoreError> {
        revocation.validate()?;
        let user_id = revocation.user_id().as_str();
        let mut shard = self.0.swept_shard(user_id, now);
        match *revocation {
            Revocation::Token { jti, keep_until, .. } => {
                if shard.user(user_id).is_some_and(|user| user.has_revoked_token(jti)) {
                    shard.extend_token(user_id, jti, keep_until);
                } else {
                    self.0.reserve()?;
                    shard.add_token(user_id, jti, keep_until);
                }
            }
            Revocation::Session { session_id, keep_until, .. } => {
                shard.end_session(user_id, session_id, keep_until);
            }
            Revocation::User { except, keep_until, .. } => {
                if !shard.user(user_id).is_some_and(UserState::is_revoked) {
                    self.0.reserve()?;
                }
                let generation = self.0.raise_generation();
                let user = shard.revoked_user(user_id, keep_until);
                user.revoke(now, generation, except, keep_until);
            }
        }
        Ok(())
    }

    async fn is_revoked(&self, token: &TokenRef<'_>) -> Result<bool, StoreError> {
        token.validate()?;
        Ok(self.lookup(token))
    }

    fn is_revoked_now(&self, token: &TokenRef<'_>) -> Option<bool> {
        token.validate().is_ok().then(|| self.lookup(token))
    }

    async fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
        page: Page<'_>,
    ) -> Result<SessionPage, StoreError> {
        check_lengths([user_id.as_str()])?;
        let cursor = page.cursor().map(cursor::parse).transpose()?;
        let shard = self.0.shard(user_id.as_str());
        let Some(user) = shard.user(user_id.as_str()) else {
            return Ok(SessionPage::new(Vec::new(), None));
        };
        let (sessions, next) = user.page(now, cursor, page);
        Ok(SessionPage::new(sessions, next.map(|(at, id)| cursor::format(at, &id))))
    }

    async fn set_label(
        &self,
        user_id: &UserId,
        session_id: &str,
        label: Option<&str>,
        now: NumericDate,
    ) -> Result<bool, StoreError> {
        check_lengths([user_id.as_str(), session_id].into_iter().chain(label))?;
        Ok(self.0.shard(user_id.as_str()).set_label(user_id.as_str(), session_id, label, now))
    }

    async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        Ok(self.0.purge(now, limit))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{super::machine_clock::tests::ManualSource, *};

    /// A public test would require a real clock that jumps.
    #[tokio::test]
    async fn a_clock_that_jumps_ahead_and_back_forgets_nothing() -> Result<(), StoreError> {
        let source = ManualSource::default();
        let store = MemoryStore::with_clock(3, source.clock());
        let user_id = &UserId::from("ada");
        let revoke = async |jti: &str| {
            let now = source.now();
            let keep_until = now.saturating_add(Duration::from_secs(600));
            store.revoke(&Revocation::Token { jti, user_id, keep_until }, now).await
        };
        revoke("1").await?;
        source.set_ahead(86_400);
        revoke("2").await?;
        revoke("3").await?;
        assert!(revoke("4").await.is_err(), "the store is full");
        assert_eq!(store.purge(source.now(), usize::MAX).await?, 0);
        source.set_ahead(0);
        let token = TokenRef::new("ada", source.now()).with_jti(Some("1"));
        assert_eq!(store.is_revoked_now(&token), Some(true));
        source.wait(600);
        revoke("5").await?;
        assert_eq!(store.is_revoked_now(&token), Some(false));
        Ok(())
    }
}
