//! Signing keys that rotate while serving: [`RotatingKeys`].
//!
//! # The life of a key
//!
//! 1. **Published.** The key is generated and written to the [storage](KeyStorage). It verifies
//!    here, and [`KeySet::to_jwks`](crate::KeySet::to_jwks) publishes it so that other services can
//!    fetch it, but it does not sign yet. This phase lasts for the
//!    [lead time](RotationPolicyBuilder::lead_time).
//! 2. **Signing.** All copies of a service start to sign with the key at the same moment, which is
//!    stored with it. They stop when the next key starts to sign.
//! 3. **Verifying.** The key no longer signs. It verifies until its last token has expired: for the
//!    longest [token lifetime](RotationPolicyBuilder::token_lifetime), plus the leeway, plus one
//!    minute.
//! 4. **Deleted**, from memory and from the storage.
//!
//! The very first key signs at once, because no other service can have fetched a set without it.
//! HMAC secrets rotate in the same way; during the lead time the other copies read them from the
//! storage.
//!
//! ```
//! use std::time::Duration;
//! use tower_jwt_auth::{
//!     Algorithm, Issuer,
//!     key_rotation::{KeyFolder, RotatingKeys, RotationPolicy},
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = std::env::temp_dir().join(format!("keys-of-{}", std::process::id()));
//! let policy = RotationPolicy::builder(Algorithm::ES256)
//!     .rotate_every(Duration::from_secs(30 * 24 * 60 * 60))
//!     .build()?;
//! let keys = RotatingKeys::open(KeyFolder::new(&folder), policy).await?;
//! let _task = keys.spawn();
//!
//! let issuer = Issuer::builder(keys.key_set()).build()?;
//! # std::fs::remove_dir_all(folder)?;
//! # Ok(())
//! # }
//! ```
//!
//! # What is stored
//!
//! The storage holds one small document with the private keys and their times. [`KeyFolder`] keeps
//! it in a file that only its owner can read. For any other place, implement [`KeyStorage`].
//!
//! A copy replaces the whole document, and only if it has not changed since it was read. Copies
//! therefore neither mix their writes nor undo each other's rotations. A key is used only after it
//! was stored. While the storage is unavailable, the current keys stay in use, and a published key
//! still starts to sign at its time.
//!
//! Private keys that this module holds in memory are wiped when they are dropped.

mod dyn_storage;
mod error;
mod folder;
mod key_ring;
mod permissions;
mod policy;
mod policy_builder;
mod rotating_keys;
mod storage;
mod update;

pub use error::{KeyRotationError, KeyRotationErrorKind};
pub use folder::KeyFolder;
pub use policy::RotationPolicy;
pub use policy_builder::RotationPolicyBuilder;
pub use rotating_keys::{RotatingKeys, RotationTask};
pub use storage::{KeyStorage, KeyStorageError, StoredKeys};
