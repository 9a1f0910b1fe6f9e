//! Revocation checks from memory, for any number of machines on one store.
//!
//! Asking a shared store on every request costs a round trip. A [`RevocationReplica`] keeps the
//! revocations in memory, and the store notifies it of new ones. The layer then decides at once and
//! waits for nothing:
//!
//! ```
//! use tower_jwt_auth::{Issuer, SigningKey, store::replica::RevocationReplica};
//! # use tower_jwt_auth::store::replica::RevocationFeed;
//!
//! # fn start(store: impl RevocationFeed, secret: [u8; 32]) -> Result<(), Box<dyn std::error::Error>> {
//! let issuer = Issuer::builder(SigningKey::hs256(secret)?)
//!     .rotate_refresh_tokens(true)
//!     .store(RevocationReplica::new(store))
//!     .build()?;
//! let layer = issuer.layer();
//! # drop(layer);
//! # Ok(())
//! # }
//! ```
//!
//! The layer and the issuer share the replica, so this process rejects what it has revoked as soon as
//! the call returns.
//!
//! # How it decides
//!
//! 1. Refresh tokens are always checked by the store.
//! 2. An access token is rejected if it is known to be revoked, or its session to have ended.
//! 3. While the replica is not [fresh](RevocationReplica::is_fresh), every other token is checked by
//!    the store: at the start, while the feed is down, and until everything has been loaded again.
//!    If the store is unavailable, the response is `503`.
//! 4. When a user is revoked, the replica does not learn which sessions ended. Tokens that name a
//!    session, and were issued up to a minute after the revocation, are checked by the store.
//! 5. Every other access token passes.
//!
//! # Freshness
//!
//! A decision reflects every revocation that is older than
//! [`max_age`](RevocationReplicaBuilder::max_age), one second by default. The replica sends four
//! heartbeats through the store in that time, and they return in order with the revocations. When
//! none has returned for `max_age`, counted from when it was *sent*, the replica stops deciding.
//! Otherwise a revocation arrives as fast as the store delivers it, usually within two
//! milliseconds.
//!
//! The age is measured with a monotonic clock on every decision, so a process that was suspended
//! does not continue with old knowledge.
//!
//! # Clocks
//!
//! The clocks of several machines may differ by a minute.
//!
//! A revocation is forgotten one minute after it has expired by the replica's
//! [clock](RevocationReplicaBuilder::clock). If that clock jumps ahead, revocations are forgotten
//! too early. They only matter again once the clock is set back; the replica notices that on the
//! next decision, leaves every decision to the store, and loads everything again.
//!
//! # Memory
//!
//! An entry is a 128-bit hash and one or two times. With the space that a hash table needs around
//! it, that is 30 to 60 bytes, whatever the length of the ids, and up to 80 bytes for a revoked
//! user. The hash is keyed with a random key of this process, so nobody can choose ids that collide.
//! Expired entries are removed within two minutes. While there are more entries than the
//! [capacity](RevocationReplicaBuilder::capacity), every token is checked by the store.

mod builder;
mod feed;
mod follow;
mod id_hash;
mod index;
mod revocation_replica;
mod shard;
mod staleness;
mod state;

pub use self::{
    builder::RevocationReplicaBuilder,
    feed::{Heartbeat, Notice, RevocationFeed, Revoked},
    revocation_replica::RevocationReplica,
};
