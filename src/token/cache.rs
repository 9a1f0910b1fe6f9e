//! A cache of verified tokens, so that each signature is computed once.

use std::{
    fmt,
    hash::{Hash, Hasher, RandomState},
    iter::Sum,
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use quick_cache::{
    Equivalent, Weighter,
    sync::{Cache, DefaultLifecycle},
};

use crate::metrics::{HotCounter, count_hot};

use super::{claims::Claims, keys::Keys};

/// How many bytes of a token are hashed. They are its last bytes, which belong to the signature.
const HASHED: usize = 32;
/// The shortest token with a signature of ML-DSA. The last bytes of such a signature are mostly zeros
/// (FIPS 204, algorithm 20). These tokens are hashed as well [`BEFORE_HINT`] bytes before their end.
const SHORTEST_ML_DSA: usize = 3228;
/// The hint of a signature has up to 84 bytes, and 112 in base64url.
const BEFORE_HINT: usize = 128;
/// The approximate size of an entry without token and payload, in bytes.
const OVERHEAD: usize = 768;
/// The weight of a typical token.
const TYPICAL: usize = 1280;

/// How often a verifier found a token in its cache: see
/// [`VerifierBuilder::cache`](super::VerifierBuilder::cache).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Tokens that were found.
    pub hits: u64,
    /// Tokens that were not found, whether they proved valid or not.
    pub misses: u64,
}

impl Sum for CacheStats {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, stats| Self {
            hits: sum.hits + stats.hits,
            misses: sum.misses + stats.misses,
        })
    }
}

/// The verified tokens of one verifier. The key of an entry is the complete token.
///
/// A hit is valid for the same keys only, which is checked here. The verifier checks everything
/// else that may have changed.
pub(super) struct TokenCache<C> {
    entries: Cache<Token, Entry<C>, Weight, RandomState>,
    hits: [Counter; COUNTERS],
    misses: Counter,
    hit_metric: HotCounter,
    miss_metric: HotCounter,
}

/// A counter with its own cache lines, so that threads using other counters do not contend.
#[derive(Default)]
#[repr(align(128))]
struct Counter(AtomicU64);

/// Hits are counted by a byte of the token, so that threads with different tokens rarely contend.
const COUNTERS: usize = 16;

impl<C> TokenCache<C> {
    /// Creates a cache that uses about `bytes` bytes of memory.
    pub(super) fn new(bytes: usize) -> Self {
        // The hash has a random key, and without a signing key nobody can choose a cached signature.
        let (hasher, lifecycle) = (RandomState::new(), DefaultLifecycle::default());
        let entries = Cache::with(bytes / TYPICAL, bytes as u64, Weight, hasher, lifecycle);
        Self {
            entries,
            hits: Default::default(),
            misses: Counter::default(),
            hit_metric: HotCounter::new(),
            miss_metric: HotCounter::new(),
        }
    }

    /// Returns the claims of `token` if it was verified with these `keys`.
    pub(super) fn find(&self, token: &[u8], keys: &Arc<Keys>) -> Option<Claims<C>> {
        let entry = self.entries.get(&BorrowedToken(token))?;
        if !std::ptr::eq(entry.keys.as_ptr(), Arc::as_ptr(keys)) {
            // The keys were replaced, so no entry is valid any more.
            self.entries.clear();
            return None;
        }
        let byte = token.iter().nth_back(1).copied().unwrap_or_default();
        count_hot!(self.hit_metric, "jwt_auth_cache_lookups_total", "result" => "hit");
        self.hits[usize::from(byte) % COUNTERS].0.fetch_add(1, Ordering::Relaxed);
        Some(entry.claims)
    }

    pub(super) fn count_miss(&self) {
        count_hot!(self.miss_metric, "jwt_auth_cache_lookups_total", "result" => "miss");
        self.misses.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Stores the claims of `token`, which was verified with `keys`.
    pub(super) fn insert(&self, token: &[u8], claims: &Claims<C>, keys: &Arc<Keys>) {
        let entry = Entry { claims: claims.clone(), keys: Arc::downgrade(keys) };
        self.entries.insert(Token(token.into()), entry);
    }

    pub(super) fn stats(&self) -> CacheStats {
        CacheStats {
            hits: self.hits.iter().map(|counter| counter.0.load(Ordering::Relaxed)).sum(),
            misses: self.misses.0.load(Ordering::Relaxed),
        }
    }
}

impl<C> fmt::Debug for TokenCache<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCache").finish_non_exhaustive()
    }
}

/// The key of an entry.
#[derive(PartialEq, Eq)]
struct Token(Box<[u8]>);

/// A borrowed key, for lookups.
struct BorrowedToken<'a>(&'a [u8]);

fn hash(token: &[u8], state: &mut impl Hasher) {
    state.write(token.last_chunk::<HASHED>().map_or(token, |tail| tail));
    if cfg!(feature = "ml-dsa") && token.len() >= SHORTEST_ML_DSA {
        let end = token.len() - BEFORE_HINT;
        state.write(&token[end - HASHED..end]);
    }
}

impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(&self.0, state);
    }
}

impl Hash for BorrowedToken<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(self.0, state);
    }
}

impl Equivalent<Token> for BorrowedToken<'_> {
    fn equivalent(&self, token: &Token) -> bool {
        *self.0 == *token.0
    }
}

struct Entry<C> {
    claims: Claims<C>,
    /// Prevents the reuse of the address, but does not keep the keys alive.
    keys: Weak<Keys>,
}

impl<C> Clone for Entry<C> {
    fn clone(&self) -> Self {
        Self { claims: self.claims.clone(), keys: self.keys.clone() }
    }
}

/// The weight of an entry is its approximate size in bytes.
#[derive(Clone)]
struct Weight;

impl<C> Weighter<Token, Entry<C>> for Weight {
    fn weight(&self, token: &Token, entry: &Entry<C>) -> u64 {
        (token.0.len() + entry.claims.json().len() + OVERHEAD) as u64
    }
}

#[cfg(all(test, feature = "ml-dsa"))]
mod tests {
    use std::{
        collections::HashSet,
        hash::{BuildHasher, RandomState},
    };

    use super::{BorrowedToken, SHORTEST_ML_DSA, Token};

    #[test]
    fn tokens_of_ml_dsa_with_the_same_hint_have_different_hashes() {
        let hasher = RandomState::new();
        for len in [SHORTEST_ML_DSA, 4600, 8192] {
            let hash = |byte: u8| {
                let mut token = vec![b'A'; len];
                token[..len - 112].fill(byte);
                let borrowed = hasher.hash_one(BorrowedToken(&token));
                assert_eq!(hasher.hash_one(Token(token.into())), borrowed);
                borrowed
            };
            let hashes: HashSet<_> = (0..100).map(hash).collect();
            assert_eq!(hashes.len(), 100, "{len} bytes");
        }
    }
}
