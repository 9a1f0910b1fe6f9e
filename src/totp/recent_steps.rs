//! The steps that this process has accepted.
//!
//! The store decides which codes are valid. If it loses its last changes, because a backup was restored
//! or a standby took over, this process still rejects the codes that it has accepted.

use aws_lc_rs::digest::{SHA256, digest};
use quick_cache::sync::Cache;

const CAPACITY: usize = 10_000;

/// The last step of each secret, by a hash of the secret: a new enrolment begins anew.
pub(super) struct RecentSteps(Cache<[u8; 16], u64>);

impl RecentSteps {
    pub(super) fn new() -> Self {
        Self(Cache::new(CAPACITY))
    }

    /// The last step that was accepted, or 0.
    pub(super) fn last(&self, secret: &[u8]) -> u64 {
        self.0.get(&key_of(secret)).unwrap_or_default()
    }

    pub(super) fn accepted(&self, secret: &[u8], step: u64) {
        self.0.insert(key_of(secret), step);
    }
}

fn key_of(secret: &[u8]) -> [u8; 16] {
    let hash = digest(&SHA256, secret);
    let mut key = [0; 16];
    key.copy_from_slice(&hash.as_ref()[..16]);
    key
}
