//! Ids as the index holds them: a keyed hash instead of text.

use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use siphasher::{
    sip::SipHasher13,
    sip128::{Hash128, SipHasher13 as SipHasher13With128Bits},
};

/// Makes [`Digest`]s with keys that no other process has, so nobody can choose ids that collide.
pub(super) struct Digester {
    users: SipHasher13With128Bits,
    tokens: SipHasher13,
    sessions: SipHasher13,
}

/// How many bits of a fingerprint belong to the id; 16 tell its user from others.
const ID_BITS: u32 = 47;
const PLACE_BITS: u32 = 26;

/// Stands for a user, or for an id of a user, within the user's shard. A token is mistaken for a
/// revoked one with a probability of less than 2⁻⁵⁸: each of its ids is compared with the eight
/// fingerprints of a line, of 63 bits each.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Digest {
    fingerprint: u64,
    /// The same for a user and all its ids.
    place: u32,
}

/// A user, from which its ids are told apart.
#[derive(Clone, Copy)]
pub(super) struct UserDigest(Hash128);

impl Digester {
    pub(super) fn new() -> Self {
        let random = RandomState::new();
        let keys = |number: u64| (random.hash_one(number), random.hash_one(!number));
        let keyed = |(first, second)| SipHasher13::new_with_keys(first, second);
        let (first, second) = keys(0);
        let users = SipHasher13With128Bits::new_with_keys(first, second);
        Self { users, tokens: keyed(keys(1)), sessions: keyed(keys(2)) }
    }

    pub(super) fn user(&self, user_id: &str) -> UserDigest {
        UserDigest(self.users.hash(user_id.as_bytes()))
    }

    pub(super) fn token(&self, user: UserDigest, jti: &str) -> Digest {
        user.id(self.tokens.hash(jti.as_bytes()))
    }

    pub(super) fn session(&self, user: UserDigest, session_id: &str) -> Digest {
        user.id(self.sessions.hash(session_id.as_bytes()))
    }
}

impl UserDigest {
    pub(super) const fn digest(self) -> Digest {
        self.id(0)
    }

    /// One of `shards`, independent of the place within it.
    pub(super) const fn shard(self, shards: usize) -> usize {
        self.0.h2 as u32 as usize % shards
    }

    /// Both hashes are as good as random and known to nobody, and so is what they make together.
    /// Neither waits for the other one to be computed.
    const fn id(self, hash: u64) -> Digest {
        let Hash128 { h1, h2 } = self.0;
        let id = (h1 ^ hash) & ((1 << ID_BITS) - 1);
        // Without the topmost bit, and never 0.
        let fingerprint = (h1 >> (ID_BITS + 1) << ID_BITS) | id | (id == 0) as u64;
        Digest { fingerprint, place: (h2 >> (u64::BITS - PLACE_BITS)) as u32 }
    }
}

impl Digest {
    /// The digest with this [`fingerprint`](Self::fingerprint) and [`place`](Self::place).
    pub(super) const fn new(fingerprint: u64, place: u32) -> Self {
        Self { fingerprint, place }
    }

    /// 63 bits as good as random, never 0.
    pub(super) const fn fingerprint(self) -> u64 {
        self.fingerprint
    }

    /// Of two fingerprints in one line.
    pub(super) const fn are_of_one_user(one: u64, other: u64) -> bool {
        (one ^ other) >> ID_BITS == 0
    }

    /// The 16 bits of the fingerprint that are the same for a user and all its ids.
    pub(super) const fn user_bits(self) -> u64 {
        self.fingerprint >> ID_BITS
    }

    /// 26 bits as good as random, the same for a user and all its ids.
    pub(super) const fn place(self) -> u32 {
        self.place
    }

    /// One of `places`, the same for a user and all its ids; 0 where there is none.
    pub(super) const fn place_among(self, places: usize) -> usize {
        ((self.place as u64 * places as u64) >> PLACE_BITS) as usize
    }
}

impl Hash for Digest {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // Tables look at the topmost bits too.
        state.write_u64(self.fingerprint.rotate_left(20) ^ u64::from(self.place));
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
