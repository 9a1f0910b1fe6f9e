//! The revocations that concern access tokens.

use std::{
    sync::{
        PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::clock::NumericDate;

use super::{
    super::facts::TokenRef,
    feed::Revoked,
    id_hash::{IdHash, IdHasher},
    shard::{RevokedUser, Shard},
};

/// So many that no lookup waits long while a shard is swept or grows.
pub(super) const SHARDS: usize = 128;

/// How far the clocks of two machines may differ. Entries are kept longer by as much, so that a
/// clock may also be set back by as much.
const CLOCK_DIFFERENCE: Duration = Duration::from_secs(60);

/// Everything known of a user is in one shard.
pub(super) struct Index {
    hasher: IdHasher,
    shards: Box<[RwLock<Shard>]>,
    len: AtomicUsize,
    capacity: usize,
    has_overflowed: AtomicBool,
    /// In seconds since 1970. Entries that were to be kept until then may be missing.
    swept_until: AtomicU64,
}

impl Index {
    pub(super) fn with_capacity(capacity: usize) -> Self {
        Self {
            hasher: IdHasher::new(),
            shards: (0..SHARDS).map(|_| RwLock::default()).collect(),
            len: AtomicUsize::new(0),
            capacity,
            has_overflowed: AtomicBool::new(false),
            swept_until: AtomicU64::new(0),
        }
    }

    pub(super) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Whether an entry had no room since the last [`reset`](Self::reset).
    pub(super) fn has_overflowed(&self) -> bool {
        self.has_overflowed.load(Ordering::Acquire)
    }

    /// Whether an entry that must be known at `now` may have been swept since the last
    /// [`reset`](Self::reset), because the clock was ahead then.
    pub(super) fn was_swept_after(&self, now: NumericDate) -> bool {
        now.as_secs() < self.swept_until.load(Ordering::Acquire)
    }

    /// Must be called before everything is added again.
    pub(super) fn reset(&self) {
        self.has_overflowed.store(false, Ordering::Release);
        self.swept_until.store(0, Ordering::Release);
    }

    /// Whether an access token is revoked; `None` if only the store knows.
    pub(super) fn is_revoked(&self, token: &TokenRef<'_>) -> Option<bool> {
        // All hashes before all lookups: the processor then waits for the lookups at the same time.
        let user = self.hasher.user(token.user_id);
        let jti = token.jti.map(|jti| self.hasher.token(user, jti));
        let session = token.session_id.map(|session_id| self.hasher.session(user, session_id));
        let shard = read(self.shard(user));
        let has = |id: Option<IdHash>| id.is_some_and(|id| shard.has_id(id));
        if has(jti) || has(session) {
            return Some(true);
        }
        match shard.user(user) {
            Some(user) if token.session_id.is_none() => Some(token.issued_at <= user.at),
            // The session may have ended with the user's revocation, may have been excepted from
            // it, or may have begun in the same second or by another machine's clock.
            Some(user) if token.issued_at <= user.at.saturating_add(CLOCK_DIFFERENCE) => None,
            Some(_) | None => Some(false),
        }
    }

    /// Adds a revocation. An earlier one of the same token, session or user is never weakened.
    pub(super) fn add(&self, revoked: &Revoked) {
        let reserve = || self.reserve();
        match revoked {
            Revoked::Token { user_id, jti, keep_until } => {
                let user = self.hasher.user(user_id);
                let token = self.hasher.token(user, jti);
                write(self.shard(user)).add_id(token, *keep_until, reserve);
            }
            Revoked::Session { user_id, session_id, keep_until } => {
                let user = self.hasher.user(user_id);
                let session = self.hasher.session(user, session_id);
                write(self.shard(user)).add_id(session, *keep_until, reserve);
            }
            Revoked::User { user_id, at, keep_until } => {
                let user = self.hasher.user(user_id);
                let revoked = RevokedUser { user, at: *at, keep_until: *keep_until };
                write(self.shard(user)).add_user(revoked, reserve);
            }
        }
    }

    /// Reserves room for one more entry.
    fn reserve(&self) -> bool {
        let within = |len| (len < self.capacity).then_some(len + 1);
        let has_room = self.len.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within).is_ok();
        if !has_room {
            self.has_overflowed.store(true, Ordering::Release);
        }
        has_room
    }

    /// Forgets the entries of one shard that expired more than a minute before `now`.
    pub(super) fn sweep(&self, shard: usize, now: NumericDate) {
        let expired = now.saturating_sub(CLOCK_DIFFERENCE);
        // Before anything is missing, so that no lookup overlooks it.
        self.swept_until.fetch_max(expired.as_secs(), Ordering::AcqRel);
        let swept = write(&self.shards[shard]).sweep(expired);
        self.len.fetch_sub(swept, Ordering::Relaxed);
    }

    fn shard(&self, user: IdHash) -> &RwLock<Shard> {
        &self.shards[user.shard_of(SHARDS)]
    }
}

fn read(shard: &RwLock<Shard>) -> RwLockReadGuard<'_, Shard> {
    // Nothing panics in the middle of a change, so a poisoned shard is complete.
    shard.read().unwrap_or_else(PoisonError::into_inner)
}

fn write(shard: &RwLock<Shard>) -> RwLockWriteGuard<'_, Shard> {
    shard.write().unwrap_or_else(PoisonError::into_inner)
}
