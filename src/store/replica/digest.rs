//! Ids as the index holds them: 128 bits instead of text.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use siphasher::sip128::{Hasher128, SipHasher13};

/// Ends the user id. No UTF-8 text holds this byte, so two different pairs of ids never read alike.
const END: u8 = 0xff;

/// Makes [`Digest`]s with a key that no other process has, so nobody can choose ids that collide.
pub(super) struct Digester(SipHasher13);

/// Stands for a user, or for an id of a user. With a million of them, the next one is mistaken for
/// one of them with a probability of 2⁻¹⁰⁸.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest {
    bucket: u64,
    shard: u64,
}

/// A user, and what its ids are digested with.
pub(super) struct UserDigester(SipHasher13);

impl Digester {
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        Self(SipHasher13::new_with_keys(random.hash_one(0), random.hash_one(1)))
    }

    pub(super) fn user(&self, user_id: &str) -> UserDigester {
        let mut hasher = self.0;
        hasher.write(user_id.as_bytes());
        hasher.write_u8(END);
        UserDigester(hasher)
    }
}

impl UserDigester {
    pub(super) fn digest(&self) -> Digest {
        finish(self.0)
    }

    pub(super) fn token(&self, jti: &str) -> Digest {
        self.id(b't', jti)
    }

    pub(super) fn session(&self, session_id: &str) -> Digest {
        self.id(b's', session_id)
    }

    fn id(&self, kind: u8, id: &str) -> Digest {
        let mut hasher = self.0;
        hasher.write_u8(kind);
        hasher.write(id.as_bytes());
        finish(hasher)
    }
}

fn finish(hasher: SipHasher13) -> Digest {
    let digest = hasher.finish128();
    Digest { bucket: digest.h1, shard: digest.h2 }
}

impl Digest {
    /// One of `shards`, independent of the bucket within it.
    pub(super) const fn shard(self, shards: usize) -> usize {
        self.shard as usize % shards
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
