//! Ids as the index stores them: a keyed hash instead of the string.

use std::hash::{BuildHasher, RandomState};

use siphasher::sip128::{Hash128, SipHasher13};

/// Hashes ids with random keys of this process.
pub(super) struct IdHasher {
    users: SipHasher13,
    tokens: SipHasher13,
    sessions: SipHasher13,
}

/// Stands for a user, or for a token or session of a user.
///
/// Ids are compared by this hash alone. That is safe because it has 128 bits and a secret key: a
/// lookup among four million entries mistakes one id for another with a probability of 2⁻¹⁰⁶, and
/// nobody without the key can search for a collision. A mistake would reject a valid token; it
/// could never accept a revoked one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct IdHash {
    bucket: u64,
    shard: u64,
}

impl IdHasher {
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        let keyed = |name: &str| {
            SipHasher13::new_with_keys(random.hash_one((name, 0)), random.hash_one((name, 1)))
        };
        Self { users: keyed("users"), tokens: keyed("tokens"), sessions: keyed("sessions") }
    }

    pub(super) fn user(&self, user_id: &str) -> IdHash {
        self.users.hash(user_id.as_bytes()).into()
    }

    pub(super) fn token(&self, user: IdHash, jti: &str) -> IdHash {
        user.combine(self.tokens.hash(jti.as_bytes()).into())
    }

    pub(super) fn session(&self, user: IdHash, session_id: &str) -> IdHash {
        user.combine(self.sessions.hash(session_id.as_bytes()).into())
    }
}

impl IdHash {
    /// Both hashes are random to anyone without the keys, so their exclusive or is, too. Unlike a
    /// hash of one hash and an id, it does not have to wait for the first one.
    const fn combine(self, other: Self) -> Self {
        Self { bucket: self.bucket ^ other.bucket, shard: self.shard ^ other.shard }
    }

    /// The bits by which a table chooses a bucket.
    pub(super) const fn bucket(self) -> u64 {
        self.bucket
    }

    /// One of `shards`, independent of the bucket.
    pub(super) const fn shard_of(self, shards: usize) -> usize {
        self.shard as usize % shards
    }
}

impl From<Hash128> for IdHash {
    fn from(hash: Hash128) -> Self {
        Self { bucket: hash.h1, shard: hash.h2 }
    }
}
