//! The revocations of some of the users.

use hashbrown::{HashTable, hash_table::Entry};

use crate::clock::NumericDate;

use super::id_hash::IdHash;

/// A table is shrunk when it uses less than one part in so many of its capacity.
const SHRINK_BELOW: usize = 4;

#[derive(Default)]
pub(super) struct Shard {
    /// Revoked tokens and ended sessions.
    ids: HashTable<RevokedId>,
    users: HashTable<RevokedUser>,
}

struct RevokedId {
    id: IdHash,
    keep_until: NumericDate,
}

/// A user whose sessions have ended.
#[derive(Clone, Copy)]
pub(super) struct RevokedUser {
    pub(super) user: IdHash,
    /// The time of the last revocation.
    pub(super) at: NumericDate,
    pub(super) keep_until: NumericDate,
}

impl Shard {
    fn len(&self) -> usize {
        self.ids.len() + self.users.len()
    }

    pub(super) fn has_id(&self, id: IdHash) -> bool {
        self.ids.find(id.bucket(), |known| known.id == id).is_some()
    }

    pub(super) fn user(&self, user: IdHash) -> Option<&RevokedUser> {
        self.users.find(user.bucket(), |known| known.user == user)
    }

    /// Adds a token or session, or extends the time for which it is kept. A new one is added only
    /// if `reserve` returns true.
    pub(super) fn add_id(
        &mut self,
        id: IdHash,
        keep_until: NumericDate,
        reserve: impl FnOnce() -> bool,
    ) {
        match self.ids.entry(id.bucket(), |known| known.id == id, RevokedId::bucket) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.keep_until = keep_until.max(known.keep_until);
            }
            Entry::Vacant(vacant) if reserve() => {
                vacant.insert(RevokedId { id, keep_until });
            }
            Entry::Vacant(_) => {}
        }
    }

    /// Adds a user, or extends what is revoked. A new one is added only if `reserve` returns true.
    pub(super) fn add_user(&mut self, revoked: RevokedUser, reserve: impl FnOnce() -> bool) {
        let user = revoked.user;
        match self.users.entry(user.bucket(), |known| known.user == user, RevokedUser::bucket) {
            Entry::Occupied(mut known) => {
                let known = known.get_mut();
                known.at = revoked.at.max(known.at);
                known.keep_until = revoked.keep_until.max(known.keep_until);
            }
            Entry::Vacant(vacant) if reserve() => {
                vacant.insert(revoked);
            }
            Entry::Vacant(_) => {}
        }
    }

    /// Forgets what was to be kept until `now` at most, and returns how much that was.
    pub(super) fn sweep(&mut self, now: NumericDate) -> usize {
        let before = self.len();
        self.ids.retain(|revoked| revoked.keep_until > now);
        self.users.retain(|revoked| revoked.keep_until > now);
        shrink(&mut self.ids, RevokedId::bucket);
        shrink(&mut self.users, RevokedUser::bucket);
        before - self.len()
    }
}

impl RevokedId {
    const fn bucket(&self) -> u64 {
        self.id.bucket()
    }
}

impl RevokedUser {
    const fn bucket(&self) -> u64 {
        self.user.bucket()
    }
}

fn shrink<T>(table: &mut HashTable<T>, bucket: impl Fn(&T) -> u64) {
    if table.len() < table.capacity() / SHRINK_BELOW {
        table.shrink_to(table.len() * 2, bucket);
    }
}
