//! Tokens that were verified before, so that the signature of each is computed once only.

use std::{
    fmt,
    hash::{Hash, Hasher, RandomState},
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
};

use quick_cache::{
    Equivalent, Weighter,
    sync::{Cache, DefaultLifecycle},
};

use super::{claims::Claims, keys::Keys};

/// How many bytes of a token are hashed: its last ones, all of them of the signature.
const HASHED: usize = 32;
/// What an entry takes besides the texts of the token: the claims, the tables. Roughly.
const OVERHEAD: usize = 768;
/// What a usual token weighs.
const TYPICAL: usize = 1280;

/// How often a verifier found a token that it had verified before; see
/// [`VerifierBuilder::cache`](super::VerifierBuilder::cache).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct CacheStats {
    /// Tokens whose signature did not have to be computed again.
    pub hits: u64,
    /// Tokens that were verified from scratch, whether they turned out good or not.
    pub misses: u64,
}

/// Verified tokens of one verifier, by their whole text.
///
/// What may change after a token was verified is not for it to say: the verifier checks that with
/// each hit, but for the keys, which are compared here.
pub(super) struct TokenCache<C> {
    entries: Cache<Token, Entry<C>, Weight, RandomState>,
    hits: [Counter; COUNTERS],
    misses: Counter,
}

/// A counter in cache lines of its own, so that threads that count in others do not wait for it.
#[derive(Default)]
#[repr(align(128))]
struct Counter(AtomicU64);

/// The hits of tokens with the same byte before the last, more or less.
const COUNTERS: usize = 16;

impl<C> TokenCache<C> {
    /// A cache that takes about `bytes` of memory.
    pub(super) fn new(bytes: usize) -> Self {
        // The hash is keyed at random, and nobody without a key can choose what it is made of.
        let (hasher, lifecycle) = (RandomState::new(), DefaultLifecycle::default());
        let entries = Cache::with(bytes / TYPICAL, bytes as u64, Weight, hasher, lifecycle);
        Self { entries, hits: Default::default(), misses: Counter::default() }
    }

    /// The claims of `token`, if it was verified with exactly `keys`.
    pub(super) fn find(&self, token: &[u8], keys: &Arc<Keys>) -> Option<Claims<C>> {
        let entry = self.entries.get(&Text(token))?;
        if !std::ptr::eq(entry.keys.as_ptr(), Arc::as_ptr(keys)) {
            // What was verified with keys that were replaced is of no use any more.
            self.entries.clear();
            return None;
        }
        let byte = token.iter().nth_back(1).copied().unwrap_or_default();
        self.hits[usize::from(byte) % COUNTERS].0.fetch_add(1, Ordering::Relaxed);
        Some(entry.claims)
    }

    pub(super) fn count_miss(&self) {
        self.misses.0.fetch_add(1, Ordering::Relaxed);
    }

    /// Remembers that `token` was verified with `keys`.
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

/// A token in the cache.
#[derive(PartialEq, Eq)]
struct Token(Box<[u8]>);

/// A token that is looked for.
struct Text<'a>(&'a [u8]);

fn hash(token: &[u8], state: &mut impl Hasher) {
    state.write(token.last_chunk::<HASHED>().map_or(token, |tail| tail));
}

impl Hash for Token {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(&self.0, state);
    }
}

impl Hash for Text<'_> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        hash(self.0, state);
    }
}

impl Equivalent<Token> for Text<'_> {
    fn equivalent(&self, token: &Token) -> bool {
        *self.0 == *token.0
    }
}

struct Entry<C> {
    claims: Claims<C>,
    /// Keeps the address from being used again, but not the keys.
    keys: Weak<Keys>,
}

impl<C> Clone for Entry<C> {
    fn clone(&self) -> Self {
        Self { claims: self.claims.clone(), keys: self.keys.clone() }
    }
}

/// An entry weighs what it takes of the memory.
#[derive(Clone)]
struct Weight;

impl<C> Weighter<Token, Entry<C>> for Weight {
    fn weight(&self, token: &Token, entry: &Entry<C>) -> u64 {
        (token.0.len() + entry.claims.json().len() + OVERHEAD) as u64
    }
}
