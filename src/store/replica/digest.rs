//! Ids as the index holds them: 128 bits instead of text.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use siphasher::sip128::{Hash128, SipHasher13};

/// Makes [`Digest`]s with keys that no other process has, so nobody can choose ids that collide.
pub(super) struct Digester {
    users: SipHasher13,
    tokens: SipHasher13,
    sessions: SipHasher13,
}

/// Stands for a user, or for an id of a user. Among a million of them, one more is mistaken for
/// another with a probability of less than 2⁻⁷⁶.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest {
    bucket: u64,
    rest: u32,
    /// The same for a user and all its ids.
    user: u32,
}

/// A user, from which its ids are told apart.
#[derive(Clone, Copy)]
pub(super) struct UserDigest(Hash128);

impl Digester {
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        let keyed =
            |key: u64| SipHasher13::new_with_keys(random.hash_one(key), random.hash_one(!key));
        Self { users: keyed(0), tokens: keyed(1), sessions: keyed(2) }
    }

    pub(super) fn user(&self, user_id: &str) -> UserDigest {
        UserDigest(self.users.hash(user_id.as_bytes()))
    }

    pub(super) fn token(&self, user: UserDigest, jti: &str) -> Digest {
        user.id(self.tokens, jti)
    }

    pub(super) fn session(&self, user: UserDigest, session_id: &str) -> Digest {
        user.id(self.sessions, session_id)
    }
}

impl UserDigest {
    pub(super) const fn digest(self) -> Digest {
        let Hash128 { h1, h2 } = self.0;
        Digest { bucket: h1, rest: h2 as u32, user: (h2 >> 32) as u32 }
    }

    /// One of `shards`, independent of the bucket within it.
    pub(super) const fn shard(self, shards: usize) -> usize {
        self.0.h2 as u32 as usize % shards
    }

    fn id(self, mut hasher: SipHasher13, id: &str) -> Digest {
        hasher.write_u64(self.0.h1);
        hasher.write_u64(self.0.h2);
        let Hash128 { h1, h2 } = hasher.hash(id.as_bytes());
        Digest { bucket: h1, rest: h2 as u32, ..self.digest() }
    }
}

impl Digest {
    /// As good as random, and the same for a user and all its ids.
    pub(super) const fn user(self) -> u32 {
        self.user
    }
}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.bucket);
    }
}

/// A digest is as good as random, and needs no hashing for a table.
#[derive(Clone, Copy, Default)]
pub(super) struct Direct(u64);

impl BuildHasher for Direct {
    type Hasher = Self;

    fn build_hasher(&self) -> Self {
        Self(0)
    }
}

impl Hasher for Direct {
    fn write_u64(&mut self, bucket: u64) {
        self.0 = bucket;
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
