mod shard;

use std::{
    collections::HashMap,
    fmt,
    hash::{BuildHasher, RandomState},
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
    tokens: [Mutex<Shard<RevokedToken>>; SHARDS],
    /// Sessions, revoked tokens and revoked users.
    len: AtomicUsize,
    capacity: usize,
}

/// All that is known of a user stands under one lock, which makes every step atomic.
#[derive(Default)]
struct UserState {
    sessions: HashMap<Box<str>, SessionState>,
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
    ended: bool,
}

struct RevokedUser {
    at: NumericDate,
    keep_until: NumericDate,
}

struct RevokedToken {
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
            tokens: Default::default(),
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
        self.0.lock(&self.0.users, user_id)
    }

    fn token(&self, jti: &str) -> MutexGuard<'_, Shard<RevokedToken>> {
        self.0.lock(&self.0.tokens, jti)
    }

    fn is_token_revoked(&self, jti: Option<&str>) -> bool {
        jti.is_some_and(|jti| self.token(jti).get(jti).is_some())
    }

    fn answer(&self, token: &TokenRef<'_>) -> bool {
        if self.is_token_revoked(token.jti) {
            return true;
        }
        let users = self.user(token.user_id);
        let user = users.get(token.user_id);
        let session = user.zip(token.session_id).and_then(|(user, id)| user.sessions.get(id));
        match session {
            Some(session) => {
                session.ended || (token.refresh && token.jti != Some(&*session.current))
            }
            None => {
                (token.refresh && !token.adopt)
                    || user.is_some_and(|user| user.revokes_tokens_of(token.issued_at))
            }
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
    fn lock<'a, T>(&self, shards: &'a [Mutex<T>; SHARDS], id: &str) -> MutexGuard<'a, T> {
        let shard = self.hasher.hash_one(id) as usize % SHARDS;
        // Every change below is complete once begun, so a panic elsewhere leaves no half of one.
        shards[shard].lock().unwrap_or_else(PoisonError::into_inner)
    }

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
            ended: false,
        };
        if user.sessions.insert(session.session_id.into(), state).is_some() {
            self.0.release(1);
        }
        Ok(())
    }

    async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, StoreError> {
        if self.is_token_revoked(Some(spend.refresh)) {
            return Ok(Spent::Revoked);
        }
        let user_id = spend.user_id.as_str();
        let mut users = self.user(user_id);
        let swept = users.sweep(spend.now, SWEEP);
        self.0.release(swept);
        let known = users.get(user_id).map(|user| {
            (user.sessions.contains_key(spend.session_id), user.revokes_tokens_of(spend.issued_at))
        });
        match known {
            Some((true, _)) => {}
            Some((false, true)) => return Ok(Spent::Revoked),
            _ if !spend.adopt => return Ok(Spent::Revoked),
            _ => {
                self.0.reserve(0)?;
                let user = users.get_or_insert(user_id, spend.keep_until, UserState::default);
                user.sessions.insert(
                    spend.session_id.into(),
                    SessionState {
                        created_at: spend.issued_at,
                        last_used_at: spend.now,
                        expires_at: spend.expires_at,
                        keep_until: spend.keep_until,
                        current: spend.successor.into(),
                        previous: Some((spend.refresh.into(), spend.now)),
                        ended: false,
                    },
                );
                return Ok(Spent::First);
            }
        }
        let session =
            users.get_mut(user_id).and_then(|user| user.sessions.get_mut(spend.session_id));
        Ok(session.map_or(Spent::Revoked, |session| session.spend(spend)))
    }

    async fn revoke(&self, revocation: &Revocation<'_>) -> Result<(), StoreError> {
        match *revocation {
            Revocation::Token { jti, keep_until } => {
                let mut tokens = self.token(jti);
                if let Some(token) = tokens.get_mut(jti) {
                    token.keep_until = token.keep_until.max(keep_until);
                } else {
                    self.0.reserve(0)?;
                    tokens.get_or_insert(jti, keep_until, || RevokedToken { keep_until });
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
                    let state = SessionState::ended(keep_until);
                    user.sessions.insert(session_id.into(), state);
                }
            }
            Revocation::User { user_id, at, keep_until } => {
                let user_id = user_id.as_str();
                let mut users = self.user(user_id);
                let user = users.get_or_insert(user_id, keep_until, UserState::default);
                if user.revoked.is_none() {
                    self.0.reserve(0)?;
                }
                let revoked = user.revoked.get_or_insert(RevokedUser { at, keep_until });
                revoked.at = revoked.at.max(at);
                revoked.keep_until = revoked.keep_until.max(keep_until);
                for session in user.sessions.values_mut() {
                    session.ended = true;
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
            .filter(|(_, state)| !state.ended && state.expires_at > now)
            .map(|(id, state)| {
                let SessionState { created_at, last_used_at, expires_at, .. } = *state;
                Session::new(id.clone(), created_at, last_used_at, expires_at)
            })
            .collect())
    }

    async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        let mut dropped = 0;
        // One shard at a time, so that no request waits for more than a thirty-second of the work.
        for shard in &self.0.users {
            let mut users = shard.lock().unwrap_or_else(PoisonError::into_inner);
            dropped += users.sweep(now, limit.saturating_sub(dropped));
        }
        for shard in &self.0.tokens {
            let mut tokens = shard.lock().unwrap_or_else(PoisonError::into_inner);
            dropped += tokens.sweep(now, limit.saturating_sub(dropped));
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
            ended: true,
        }
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
    /// Whether all tokens issued at `issued_at` are revoked that belong to no known session.
    fn revokes_tokens_of(&self, issued_at: NumericDate) -> bool {
        self.revoked.as_ref().is_some_and(|revoked| issued_at <= revoked.at)
    }
}

impl Expire for UserState {
    fn expire(&mut self, now: NumericDate) -> (usize, Option<NumericDate>) {
        let before = self.sessions.len() + usize::from(self.revoked.is_some());
        self.sessions.retain(|_, session| session.keep_until > now);
        self.revoked.take_if(|revoked| revoked.keep_until <= now);
        let after = self.sessions.len() + usize::from(self.revoked.is_some());
        let sessions = self.sessions.values().map(|session| session.keep_until);
        // The earliest end, so that no session waits here for another one's.
        let next = sessions.chain(self.revoked.iter().map(|revoked| revoked.keep_until)).min();
        (before - after, next)
    }
}

impl Expire for RevokedToken {
    fn expire(&mut self, now: NumericDate) -> (usize, Option<NumericDate>) {
        if self.keep_until > now { (0, Some(self.keep_until)) } else { (1, None) }
    }
}
