//! Keys of one's own that change while serving: [`RotatingKeys`].
//!
//! # The life of a key
//!
//! 1. **Published.** It is made and written to the [storage](KeyStorage). From then on it verifies
//!    here, and stands in what [`KeySet::to_jwks`](crate::KeySet::to_jwks) publishes, so that
//!    others fetch it; nothing is signed with it. This lasts for the
//!    [lead time](RotationPolicyBuilder::lead_time).
//! 2. **Signing.** All copies of a service begin to sign with it at the same moment, which stands
//!    in the storage, and go on until the next key's moment.
//! 3. **Verifying.** It signs nothing any more, and verifies until the last token that it signed
//!    has expired: the longest [token lifetime](RotationPolicyBuilder::token_lifetime), the leeway,
//!    and a minute.
//! 4. **Forgotten**, here and in the storage.
//!
//! The first key signs at once, since nobody can have fetched a set without it. Secrets for HMAC
//! rotate in the same way; the lead time is then for the other copies to learn of them.
//!
//! ```
//! use std::time::Duration;
//! use tower_jwt_auth::{
//!     Algorithm, Issuer,
//!     key_rotation::{KeyFolder, RotatingKeys, RotationPolicy},
//!     token::NoClaims,
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
//! # What is kept where
//!
//! The storage holds one small document with the private keys and their times: [`KeyFolder`] keeps
//! it in a file that only its owner may read, any other place is an implementation of
//! [`KeyStorage`] away. It is replaced as a whole, and only by who knows what it replaces, so that
//! copies of a service neither tear it nor undo each other's rotations. A key is used only after
//! it was stored. While the storage is away, the keys at hand go on, also into their next phase.
//!
//! In memory, what this module holds of private keys is wiped when dropped.

mod error;
mod folder;
mod policy;
mod rotating;
mod state;
mod storage;

pub use error::{KeyRotationError, KeyRotationErrorKind};
pub use folder::KeyFolder;
pub use policy::{RotationPolicy, RotationPolicyBuilder};
pub use rotating::{RotatingKeys, RotationTask};
pub use storage::{KeyState, KeyStorage, KeyStorageError};
