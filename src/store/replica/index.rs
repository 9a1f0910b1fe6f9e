//! What is revoked, in memory.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::clock::NumericDate;

use super::{
    super::TokenRef,
    digest::{Digest, Digester, Direct},
    feed::Revoked,
};

/// So many that sweeping one of them, or making room in it, holds up nobody.
const SHARDS: usize = 256;

/// By how much the clocks of two machines may differ. Entries are kept as much longer than needed.
const SKEW: Duration = Duration::from_secs(60);

/// The revocations that concern access tokens. All of a user stand in one shard.
pub(super) struct Index {
    digester: Digester,
    shards: Box<[RwLock<Shard>]>,
    len: AtomicUsize,
    capacity: usize,
    overflowed: AtomicBool,
}

#[derive(Default)]
struct Shard {
    /// Revoked tokens and ended sessions, with the time until when that must be remembered.
    ids: HashMap<Digest, NumericDate, Direct>,
    users: HashMap<Digest, RevokedUser, Direct>,
}

/// A user of whom not everything is known that is revoked.
struct RevokedUser {
    /// Tokens without a session that were issued before are revoked.
    refused_before: NumericDate,
    /// Whether tokens with a session that were issued before are revoked, only the store knows.
    asked_before: NumericDate,
    keep_until: NumericDate,
}

impl Index {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            digester: Digester::new(),
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            len: AtomicUsize::new(0),
            capacity,
            overflowed: AtomicBool::new(false),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether something had no room since this was last [reset](Self::reset).
    pub(super) fn has_overflowed(&self) -> bool {
        self.overflowed.load(Ordering::Acquire)
    }

    /// Must be called before everything is added anew.
    pub(super) fn reset(&self) {
        self.overflowed.store(false, Ordering::Release);
    }

    /// Whether an access token is revoked, by all that is known here; `None` where that is not
    /// enough to tell.
    pub(super) fn is_revoked(&self, token: &TokenRef<'_>) -> Option<bool> {
        let user = self.digester.user(token.user_id);
        let jti = token.jti.map(|jti| user.token(jti));
        let session = token.session_id.map(|session_id| user.session(session_id));
        let user = user.digest();
        let shard = read(self.shard(user));
        let is_listed = |id: Option<Digest>| id.is_some_and(|id| shard.ids.contains_key(&id));
        if is_listed(jti) || is_listed(session) {
            return Some(true);
        }
        match shard.users.get(&user) {
            Some(user) if session.is_none() => Some(token.issued_at < user.refused_before),
            // The session may have ended with the user's revocation, or have been excepted from
            // it, or have begun in the same second, or by another machine's clock.
            Some(user) if token.issued_at < user.asked_before => None,
            None | Some(_) => Some(false),
        }
    }

    /// Adds a revocation; an earlier one of the same is never weakened.
    pub(super) fn add(&self, revoked: &Revoked) {
        match revoked {
            Revoked::Token { user_id, jti, keep_until } => {
                let user = self.digester.user(user_id);
                self.add_id(user.digest(), user.token(jti), *keep_until);
            }
            Revoked::Session { user_id, session_id, keep_until } => {
                let user = self.digester.user(user_id);
                self.add_id(user.digest(), user.session(session_id), *keep_until);
            }
            Revoked::User { user_id, at, keep_until } => {
                let refused_before = at.saturating_add(Duration::from_secs(1));
                let asked_before = refused_before.saturating_add(SKEW);
                let keep_until = *keep_until;
                self.add_user(user_id, RevokedUser { refused_before, asked_before, keep_until });
            }
        }
    }

    /// Leaves it to the store, until `keep_until`, which sessions of a user have ended.
    pub(super) fn doubt_sessions(&self, user_id: &str, keep_until: NumericDate) {
        let (refused_before, asked_before) = (NumericDate::default(), NumericDate::MAX);
        self.add_user(user_id, RevokedUser { refused_before, asked_before, keep_until });
    }

    fn add_id(&self, user: Digest, id: Digest, keep_until: NumericDate) {
        match write(self.shard(user)).ids.entry(id) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                *known = keep_until.max(*known);
            }
            Entry::Vacant(vacant) => {
                if self.has_room() {
                    vacant.insert(keep_until);
                }
            }
        }
    }

    fn add_user(&self, user_id: &str, revoked: RevokedUser) {
        let user = self.digester.user(user_id).digest();
        match write(self.shard(user)).users.entry(user) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.refused_before = revoked.refused_before.max(known.refused_before);
                known.asked_before = revoked.asked_before.max(known.asked_before);
                known.keep_until = revoked.keep_until.max(known.keep_until);
            }
            Entry::Vacant(vacant) => {
                if self.has_room() {
                    vacant.insert(revoked);
                }
            }
        }
    }

    /// Takes room for one more entry.
    fn has_room(&self) -> bool {
        let within = |len| (len < self.capacity).then_some(len + 1);
        let has_room = self.len.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok();
        if !has_room {
            self.overflowed.store(true, Ordering::Release);
        }
        has_room
    }

    /// Forgets what is over at `now`, in one step for each share of the entries.
    pub(super) fn sweep(&self, now: NumericDate) -> impl Iterator<Item = ()> {
        self.shards.iter().map(move |shard| {
            let mut shard = write(shard);
            let before = shard.len();
            shard.ids.retain(|_, keep_until| *keep_until > now);
            shard.users.retain(|_, user| user.keep_until > now);
            let swept = before - shard.len();
            shrink(&mut shard.ids);
            shrink(&mut shard.users);
            self.len.fetch_sub(swept, Ordering::Relaxed);
        })
    }

    fn shard(&self, user: Digest) -> &RwLock<Shard> {
        &self.shards[user.shard(SHARDS)]
    }
}

impl Shard {
    fn len(&self) -> usize {
        self.ids.len() + self.users.len()
    }
}

/// Gives back the room that a table needed at its fullest.
fn shrink<T>(table: &mut HashMap<Digest, T, Direct>) {
    if table.capacity() / 4 > table.len() {
        table.shrink_to(table.len() * 2);
    }
}

fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    // Every change is complete once begun, so a panic elsewhere leaves no half of one.
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<Shard>) -> RwLockWriteGuard<'_, Shard> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}
