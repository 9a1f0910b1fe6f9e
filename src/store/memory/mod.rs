mod shard;

use std::{
    cmp::Reverse,
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
    num::NonZeroUsize,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use crate::{clock::NumericDate, token::UserId};

use self::shard::{Expire, Shard};

use super::{NewSession, Revocation, Session, Spend, Spent, StoreError, TokenRef, TokenStore};

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
    users: [Mutex<Shard<UserState>>; SHARDS],
    /// Sessions, revoked tokens and revoked users.
    len: AtomicUsize,
    capacity: usize,
}

/// All that is known of a user stands under one lock, which makes every step atomic.
#[derive(Default)]
struct UserState {
    sessions: HashMap<Box<str>, SessionState>,
    /// Revoked tokens by `jti`, and until when each is kept.
    tokens: HashMap<Box<str>, NumericDate>,
    revoked: Option<RevokedUser>,
}

struct SessionState {
    created_at: NumericDate,
    last_used_at: NumericDate,
    expires_at: NumericDate,
    keep_until: NumericDate,
    /// The refresh token that may be spent next.
    current: Box<str>,
    /// The one that was spent last, and when.
    previous: Option<(Box<str>, NumericDate)>,
    label: Option<Box<str>>,
    ended: bool,
}

struct RevokedUser {
    at: NumericDate,
    keep_until: NumericDate,
}

impl MemoryStore {
    /// An empty store for up to 1 000 000 sessions and revocations.
    #[must_use]
    pub fn new() -> Self {
        Self::with_capacity(DEFAULT_CAPACITY)
    }

    /// An empty store for up to `capacity` sessions and revocations, of some 300 bytes each.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self(Arc::new(Inner {
            hasher: RandomState::new(),
            users: Default::default(),
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

    fn user(&self, user_id: &str) -> MutexGuard<'_, Shard<UserState>> {
        let shard = self.0.hasher.hash_one(user_id) as usize % SHARDS;
        lock(&self.0.users[shard])
    }

    fn answer(&self, token: &TokenRef<'_>) -> bool {
        let users = self.user(token.user_id);
        let Some(user) = users.get(token.user_id) else { return token.refresh && !token.adopt };
        if token.jti.is_some_and(|jti| user.tokens.contains_key(jti)) {
            return true;
        }
        match token.session_id.and_then(|id| user.sessions.get(id)) {
            Some(session) => {
                session.ended || (token.refresh && token.jti != Some(&*session.current))
            }
            None => (token.refresh && !token.adopt) || user.revokes_tokens_of(token.issued_at),
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

fn lock<T>(shard: &Mutex<T>) -> MutexGuard<'_, T> {
    // Every change below is complete once begun, so a panic elsewhere leaves no half of one.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Inner {
    /// Makes room for one more entry, after `sweep` has dropped what it can.
    fn reserve(&self, swept: usize) -> Result<(), StoreError> {
        self.release(swept);
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

impl TokenStore for MemoryStore {
    async fn begin(&self, session: &NewSession<'_>) -> Result<(), StoreError> {
        let user_id = session.user_id.as_str();
        let mut users = self.user(user_id);
        self.0.reserve(users.sweep(session.now, SWEEP))?;
        let user = users.get_or_insert(user_id, session.keep_until, UserState::default);
        let state = SessionState {
            created_at: session.now,
            last_used_at: session.now,
            expires_at: session.expires_at,
            keep_until: session.keep_until,
            current: session.refresh.into(),
            previous: None,
            label: session.label.map(Into::into),
            ended: false,
        };
        if user.sessions.insert(session.session_id.into(), state).is_some() {
            self.0.release(1);
        }
        if let Some(limit) = session.limit {
            user.end_surplus(limit, session);
        }
        Ok(())
    }

    async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, StoreError> {
        let user_id = spend.user_id.as_str();
        let mut users = self.user(user_id);
        self.0.release(users.sweep(spend.now, SWEEP));
        if let Some(user) = users.get_mut(user_id) {
            if user.tokens.contains_key(spend.refresh) {
                return Ok(Spent::Revoked);
            }
            if let Some(session) = user.sessions.get_mut(spend.session_id) {
                return Ok(session.spend(spend));
            }
            if user.revokes_tokens_of(spend.issued_at) {
                return Ok(Spent::Revoked);
            }
        }
        if !spend.adopt {
            return Ok(Spent::Revoked);
        }
        self.0.reserve(0)?;
        let user = users.get_or_insert(user_id, spend.keep_until, UserState::default);
        user.sessions.insert(spend.session_id.into(), SessionState::adopted(spend));
        Ok(Spent::First)
    }

    async fn revoke(&self, revocation: &Revocation<'_>) -> Result<(), StoreError> {
        match *revocation {
            Revocation::Token { jti, user_id, keep_until } => {
                let user_id = user_id.as_str();
                let mut users = self.user(user_id);
                let user = users.get_or_insert(user_id, keep_until, UserState::default);
                if let Some(kept_until) = user.tokens.get_mut(jti) {
                    *kept_until = keep_until.max(*kept_until);
                } else {
                    self.0.reserve(0)?;
                    user.tokens.insert(jti.into(), keep_until);
                }
            }
            Revocation::Session { session_id, user_id, keep_until } => {
                let user_id = user_id.as_str();
                let mut users = self.user(user_id);
                let user = users.get_or_insert(user_id, keep_until, UserState::default);
                if let Some(session) = user.sessions.get_mut(session_id) {
                    session.end(keep_until);
                } else {
                    self.0.reserve(0)?;
                    user.sessions.insert(session_id.into(), SessionState::ended(keep_until));
                }
            }
            Revocation::User { user_id, at, except, keep_until } => {
                let user_id = user_id.as_str();
                let mut users = self.user(user_id);
                let user = users.get_or_insert(user_id, keep_until, UserState::default);
                if user.revoked.is_none() {
                    self.0.reserve(0)?;
                }
                let revoked = user.revoked.get_or_insert(RevokedUser { at, keep_until });
                revoked.at = revoked.at.max(at);
                revoked.keep_until = revoked.keep_until.max(keep_until);
                for (session_id, session) in &mut user.sessions {
                    session.ended |= except != Some(&**session_id);
                }
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
        let users = self.user(user_id.as_str());
        let sessions = users.get(user_id.as_str()).map(|user| user.sessions.iter());
        Ok(sessions
            .into_iter()
            .flatten()
            .filter(|(_, state)| state.is_live(now))
            .map(|(id, state)| {
                let SessionState { created_at, last_used_at, expires_at, .. } = *state;
                Session::new(id.clone(), created_at, last_used_at, expires_at)
                    .with_label(state.label.clone())
            })
            .collect())
    }

    async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        let mut dropped = 0;
        // One shard at a time, so that no request waits for more than a thirty-second of the work.
        for shard in &self.0.users {
            dropped += lock(shard).sweep(now, limit.saturating_sub(dropped));
        }
        self.0.release(dropped);
        Ok(dropped)
    }
}

impl SessionState {
    /// A session of which nothing is known but that it has ended.
    fn ended(keep_until: NumericDate) -> Self {
        Self {
            created_at: NumericDate::default(),
            last_used_at: NumericDate::default(),
            expires_at: keep_until,
            keep_until,
            current: Box::default(),
            previous: None,
            label: None,
            ended: true,
        }
    }

    /// The session that the first token to be spent of it stands for.
    fn adopted(spend: &Spend<'_>) -> Self {
        Self {
            created_at: spend.issued_at,
            last_used_at: spend.now,
            expires_at: spend.expires_at,
            keep_until: spend.keep_until,
            current: spend.successor.into(),
            previous: Some((spend.refresh.into(), spend.now)),
            label: None,
            ended: false,
        }
    }

    fn is_live(&self, now: NumericDate) -> bool {
        !self.ended && self.expires_at > now
    }

    fn end(&mut self, keep_until: NumericDate) {
        self.ended = true;
        self.keep_until = self.keep_until.max(keep_until);
    }

    fn spend(&mut self, spend: &Spend<'_>) -> Spent {
        if self.ended {
            return Spent::Revoked;
        }
        if *self.current == *spend.refresh {
            let spent = std::mem::replace(&mut self.current, spend.successor.into());
            self.previous = Some((spent, spend.now));
            self.last_used_at = spend.now;
            self.expires_at = spend.expires_at;
            self.keep_until = self.keep_until.max(spend.keep_until);
            return Spent::First;
        }
        match &self.previous {
            Some((previous, at))
                if **previous == *spend.refresh && spend.now < at.saturating_add(spend.grace) =>
            {
                Spent::Again { successor: self.current.clone(), at: *at }
            }
            _ => {
                self.end(spend.keep_until);
                Spent::Reused
            }
        }
    }
}

impl UserState {
    fn len(&self) -> usize {
        self.sessions.len() + self.tokens.len() + usize::from(self.revoked.is_some())
    }

    /// Ends the live sessions used longest ago until `limit` remain, `new` always among them.
    fn end_surplus(&mut self, limit: NonZeroUsize, new: &NewSession<'_>) {
        let mut others: Vec<_> = self
            .sessions
            .iter_mut()
            .filter(|(id, state)| ***id != *new.session_id && state.is_live(new.now))
            .map(|(_, state)| state)
            .collect();
        others.sort_by_key(|state| Reverse(state.last_used_at));
        for surplus in others.into_iter().skip(limit.get() - 1) {
            surplus.ended = true;
        }
    }

    /// Whether all tokens issued at `issued_at` are revoked that belong to no known session.
    fn revokes_tokens_of(&self, issued_at: NumericDate) -> bool {
        self.revoked.as_ref().is_some_and(|revoked| issued_at <= revoked.at)
    }
}

impl Expire for UserState {
    fn expire(&mut self, now: NumericDate) -> (usize, Option<NumericDate>) {
        let before = self.len();
        self.sessions.retain(|_, session| session.keep_until > now);
        self.tokens.retain(|_, keep_until| *keep_until > now);
        self.revoked.take_if(|revoked| revoked.keep_until <= now);
        // The earliest end, so that no entry waits here for another one's.
        let sessions = self.sessions.values().map(|session| session.keep_until);
        let tokens = self.tokens.values().copied();
        let revoked = self.revoked.iter().map(|revoked| revoked.keep_until);
        (before - self.len(), sessions.chain(tokens).chain(revoked).min())
    }
}
