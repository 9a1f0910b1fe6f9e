mod shard;
mod state;

use std::{
    fmt,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{clock::NumericDate, token::UserId};

use self::{shard::Shard, state::SessionState};

use super::{
    error::StoreError,
    facts::{NewSession, Revocation, Session, Spend, Spent, TokenRef},
    token_store::TokenStore,
};

const SHARDS: usize = 32;
const DEFAULT_CAPACITY: usize = 1_000_000;
/// How many due entries each write looks at: more than one, so that forgetting keeps up.
const SWEEP: usize = 4;

/// A [`TokenStore`] in the memory of one process.
///
/// For tests, and for services of one copy that may log everybody out when they restart. It
/// answers at once, so the layer never waits for it. Clones share their content.
///
/// Memory is bounded: with every write some entries are forgotten whose time has come, and while
/// it holds as many sessions and revocations as its [capacity](Self::with_capacity), further ones
/// are refused with `503`; none is forgotten early.
#[derive(Clone)]
pub struct MemoryStore(Arc<Inner>);

struct Inner {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    /// Sessions, revoked tokens and revoked users.
    len: AtomicUsize,
    capacity: usize,
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
        Self(Arc::new(Inner {
            hasher: RandomState::new(),
            shards: Default::default(),
            len: AtomicUsize::new(0),
            capacity,
        }))
    }

    /// How many sessions and revocations are held, those included whose time has come.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len.load(Ordering::Relaxed)
    }

    /// Whether nothing is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn answer(&self, token: &TokenRef<'_>) -> bool {
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

    /// The shard of a user, in which something may be written at `now`.
    fn swept_shard(&self, user_id: &str, now: NumericDate) -> MutexGuard<'_, Shard> {
        if self.len.load(Ordering::Relaxed) >= self.capacity {
            // The room may be taken by due entries of shards where nothing happens.
            self.purge(now, SHARDS);
        }
        let mut shard = self.shard(user_id);
        self.release(shard.sweep(now).take(SWEEP).filter(|dropped| *dropped).count());
        shard
    }

    fn purge(&self, now: NumericDate, limit: usize) -> usize {
        let mut total = 0;
        // One shard at a time, so that no request waits for more than a thirty-second of the work.
        for shard in &self.shards {
            let left = limit - total;
            total += lock(shard).sweep(now).filter(|dropped| *dropped).take(left).count();
        }
        self.release(total);
        total
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
    // Every change is complete once begun, so a panic elsewhere leaves no half of one.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl TokenStore for MemoryStore {
    async fn begin(&self, session: &NewSession<'_>) -> Result<Vec<Box<str>>, StoreError> {
        let NewSession { session_id, now, limit, .. } = *session;
        let user_id = session.user_id.as_str();
        let mut shard = self.0.swept_shard(user_id, now);
        if shard.user(user_id).is_some_and(|user| user.sessions.contains_key(session_id)) {
            return Ok(Vec::new());
        }
        self.0.reserve()?;
        let ended = match (shard.user_mut(user_id), limit) {
            (Some(user), Some(limit)) => user.end_surplus(limit, now),
            _ => Vec::new(),
        };
        shard.add_session(user_id, session_id, SessionState::begun(session));
        Ok(ended)
    }

    async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, StoreError> {
        let user_id = spend.user_id.as_str();
        let mut shard = self.0.swept_shard(user_id, spend.now);
        if let Some(user) = shard.user_mut(user_id) {
            if user.tokens.contains_key(spend.refresh) {
                return Ok(Spent::Revoked);
            }
            if let Some(session) = user.sessions.get_mut(spend.session_id) {
                return Ok(session.spend(spend));
            }
            if user.revokes_issued_at(spend.issued_at) {
                return Ok(Spent::Revoked);
            }
        }
        if !spend.adopt {
            return Ok(Spent::Revoked);
        }
        self.0.reserve()?;
        shard.add_session(user_id, spend.session_id, SessionState::adopted(spend));
        Ok(Spent::First)
    }

    async fn revoke(
        &self,
        revocation: &Revocation<'_>,
        now: NumericDate,
    ) -> Result<(), StoreError> {
        let (Revocation::Token { user_id, .. }
        | Revocation::Session { user_id, .. }
        | Revocation::User { user_id, .. }) = *revocation;
        let user_id = user_id.as_str();
        let mut shard = self.0.swept_shard(user_id, now);
        let user = shard.user_mut(user_id);
        match *revocation {
            Revocation::Token { jti, keep_until, .. } => {
                if let Some(known) = user.and_then(|user| user.tokens.get_mut(jti)) {
                    *known = keep_until.max(*known);
                } else {
                    self.0.reserve()?;
                    shard.add_token(user_id, jti, keep_until);
                }
            }
            Revocation::Session { session_id, keep_until, .. } => {
                if let Some(session) = user.and_then(|user| user.sessions.get_mut(session_id)) {
                    session.end(keep_until);
                } else {
                    self.0.reserve()?;
                    shard.add_session(user_id, session_id, SessionState::ended(keep_until));
                }
            }
            Revocation::User { except, keep_until, .. } => {
                let user = match user.filter(|user| user.revoked.is_some()) {
                    Some(user) => user,
                    None => {
                        self.0.reserve()?;
                        shard.add_revoked_user(user_id, keep_until)
                    }
                };
                user.revoke(now, except, keep_until);
            }
        }
        Ok(())
    }

    async fn is_revoked(&self, token: &TokenRef<'_>) -> Result<bool, StoreError> {
        Ok(self.answer(token))
    }

    fn is_revoked_now(&self, token: &TokenRef<'_>) -> Option<bool> {
        Some(self.answer(token))
    }

    async fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
    ) -> Result<Vec<Session>, StoreError> {
        let shard = self.0.shard(user_id.as_str());
        let sessions = shard.user(user_id.as_str()).map(|user| user.sessions.iter());
        Ok(sessions
            .into_iter()
            .flatten()
            .filter(|(_, state)| state.is_live(now))
            .map(|(id, state)| {
                let SessionState { created_at, last_used_at, expires_at, .. } = *state;
                Session::new(&**id, created_at, last_used_at, expires_at)
                    .with_label(state.label.clone())
            })
            .collect())
    }

    async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        Ok(self.0.purge(now, limit))
    }
}
