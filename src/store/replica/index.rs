//! What is revoked, in memory.

use std::{
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::clock::NumericDate;

use super::{
    super::facts::TokenRef,
    digest::{Digest, Digester, UserDigest},
    feed::Revoked,
    shard::{RevokedUser, Shard},
};

/// So many that sweeping one of them, or making room in it, holds up nobody.
const SHARDS: usize = 128;

/// By how much the clocks of two machines may differ. Entries are kept as much longer than needed.
const SKEW: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

/// The revocations that concern access tokens. All of a user stand in one shard.
pub(super) struct Index {
    digester: Digester,
    shards: Box<[RwLock<Shard>]>,
    len: AtomicUsize,
    capacity: usize,
    overflowed: AtomicBool,
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
        let shard = read(self.shard(user));
        let place = shard.place(user.digest());
        // Of most users there is nothing.
        if !place.may_mention(user.digest()) {
            return Some(false);
        }
        let jti = token.jti.map(|jti| self.digester.token(user, jti));
        let session = token.session_id.map(|session_id| self.digester.session(user, session_id));
        let is_listed = |id: Option<_>| id.is_some_and(|id| place.lists(id));
        if is_listed(jti) || is_listed(session) {
            return Some(true);
        }
        if !place.lists(user.digest()) {
            return Some(false);
        }
        match shard.user(user.digest()) {
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
                let token = self.digester.token(user, jti);
                self.add_id(user, token, *keep_until);
            }
            Revoked::Session { user_id, session_id, keep_until } => {
                let user = self.digester.user(user_id);
                let session = self.digester.session(user, session_id);
                self.add_id(user, session, *keep_until);
            }
            Revoked::User { user_id, at, keep_until } => {
                let refused_before = at.saturating_add(SECOND);
                let asked_before = asked_before(*at);
                let keep_until = *keep_until;
                self.add_user(user_id, RevokedUser { refused_before, asked_before, keep_until });
            }
        }
    }

    /// Leaves it to the store, until `keep_until`, which sessions of a user have ended at `now`.
    pub(super) fn doubt_sessions(&self, user_id: &str, now: NumericDate, keep_until: NumericDate) {
        let refused_before = NumericDate::default();
        // Where the user is revoked as well, this stays for as long as that.
        let asked_before = asked_before(now);
        self.add_user(user_id, RevokedUser { refused_before, asked_before, keep_until });
    }

    fn add_id(&self, user: UserDigest, id: Digest, keep_until: NumericDate) {
        write(self.shard(user)).add_id(id, keep_until, || self.has_room());
    }

    fn add_user(&self, user_id: &str, revoked: RevokedUser) {
        let user = self.digester.user(user_id);
        write(self.shard(user)).add_user(user.digest(), revoked, || self.has_room());
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
            let swept = write(shard).sweep(now);
            self.len.fetch_sub(swept, Ordering::Relaxed);
        })
    }

    fn shard(&self, user: UserDigest) -> &RwLock<Shard> {
        &self.shards[user.shard(SHARDS)]
    }
}

/// Tokens of sessions that have ended at `now` were issued before, by whatever machine.
fn asked_before(now: NumericDate) -> NumericDate {
    now.saturating_add(SECOND + SKEW)
}

fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    // Every change is complete once begun, so a panic elsewhere leaves no half of one.
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<Shard>) -> RwLockWriteGuard<'_, Shard> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}
