//! The latest responses, so that a token is not introspected for each request.

use std::{
    hash::{BuildHasher, Hash, Hasher},
    time::Duration,
};

use aws_lc_rs::{error::Unspecified, rand};
use quick_cache::{
    UnitWeighter, Weighter,
    sync::{Cache, DefaultLifecycle},
};
use siphasher::sip128::SipHasher24;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind},
    token::Claims,
};

/// The approximate size of an entry without the response, in bytes.
const OVERHEAD: usize = 768;
/// The weight of a typical response.
const TYPICAL: usize = 1280;
/// How many rejected tokens are remembered. Together they take about a megabyte.
const MAX_REJECTED: usize = 8 * 1024;

/// A keyed hash of a token, instead of the token.
///
/// It has 128 bits and a secret key of this process, so nobody can search for a token with the hash
/// of another. Guessing one has a probability of 2⁻¹²⁸ for each attempt and each entry.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct TokenHash([u64; 2]);

impl Hash for TokenHash {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u64(self.0[0]);
    }
}

/// Claims of accepted tokens, and errors of rejected ones. They are apart, so that a flood of invalid
/// tokens displaces no valid one.
pub(super) struct ResponseCache<C> {
    key: SipHasher24,
    accepted: Cache<TokenHash, Entry<Claims<C>>, Weight, FirstBits>,
    rejected: Cache<TokenHash, Entry<AuthError>, UnitWeighter, FirstBits>,
    accepted_for: Duration,
    rejected_for: Duration,
}

#[derive(Clone)]
struct Entry<T> {
    value: T,
    at: NumericDate,
}

impl<C> ResponseCache<C> {
    pub(super) fn new(
        bytes: usize,
        accepted_for: Duration,
        rejected_for: Duration,
    ) -> Result<Self, Unspecified> {
        let mut key = [0; 16];
        rand::fill(&mut key)?;
        Ok(Self {
            key: SipHasher24::new_with_key(&key),
            accepted: Cache::with(
                bytes / TYPICAL,
                bytes as u64,
                Weight,
                FirstBits,
                DefaultLifecycle::default(),
            ),
            rejected: Cache::with(
                MAX_REJECTED,
                MAX_REJECTED as u64,
                UnitWeighter,
                FirstBits,
                DefaultLifecycle::default(),
            ),
            accepted_for,
            rejected_for,
        })
    }

    pub(super) fn hash(&self, token: &[u8]) -> TokenHash {
        let hash = self.key.hash(token);
        TokenHash([hash.h1, hash.h2])
    }

    /// The outcome for a token that was introspected recently enough.
    pub(super) fn find(
        &self,
        token: TokenHash,
        now: NumericDate,
    ) -> Option<Result<Claims<C>, AuthError>> {
        if let Some(entry) = self.accepted.get(&token) {
            if entry.is_fresh(now, self.accepted_for) {
                return Some(Ok(entry.value));
            }
            // A clock that was ahead must not make it fresh again later.
            self.accepted.remove(&token);
        }
        let entry = self.rejected.get(&token)?;
        entry.is_fresh(now, self.rejected_for).then_some(Err(entry.value))
    }

    /// Stores the outcome for a token, which was introspected at `at`.
    pub(super) fn insert(
        &self,
        token: TokenHash,
        outcome: &Result<Claims<C>, AuthError>,
        at: NumericDate,
    ) {
        match outcome {
            Ok(claims) => {
                self.rejected.remove(&token);
                self.accepted.insert(token, Entry { value: claims.clone(), at });
            }
            // Nothing is known about the token.
            Err(error) if error.kind() == AuthErrorKind::Unavailable => {}
            Err(error) => {
                self.accepted.remove(&token);
                self.rejected.insert(token, Entry { value: error.clone(), at });
            }
        }
    }
}

impl<T> Entry<T> {
    /// A clock that was set back ends the time early.
    fn is_fresh(&self, now: NumericDate, lifetime: Duration) -> bool {
        self.at <= now && now.saturating_duration_since(self.at) < lifetime
    }
}

/// The weight of an entry is its approximate size in bytes.
#[derive(Clone)]
struct Weight;

impl<C> Weighter<TokenHash, Entry<Claims<C>>> for Weight {
    fn weight(&self, _: &TokenHash, entry: &Entry<Claims<C>>) -> u64 {
        (entry.value.json().len() + OVERHEAD) as u64
    }
}

/// Takes a hash as it is.
#[derive(Clone)]
struct FirstBits;

struct Taken(u64);

impl BuildHasher for FirstBits {
    type Hasher = Taken;

    fn build_hasher(&self) -> Taken {
        Taken(0)
    }
}

impl Hasher for Taken {
    fn write(&mut self, _: &[u8]) {
        unreachable!("a `TokenHash` is written as an integer")
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}
