//! Password hashing with argon2id, off the async threads and bounded: [`PasswordHasher`].
//!
//! A check of a password goes like this:
//!
//! 1. A password longer than [`max_password_len`] is answered `false` at once.
//! 2. When [`max_concurrent`] hashes are running and [`max_waiting`] callers are in line, the check
//!    is shed at once with [`Overloaded`](PasswordErrorKind::Overloaded).
//! 3. Otherwise it waits for its turn and is hashed on a blocking thread of tokio, which goes on with
//!    the next in line.
//! 4. The result is compared in constant time. Where there is nothing to compare with, because the
//!    user is unknown or the stored hash is malformed, the same work is done and the answer is
//!    `false`.
//!
//! ```
//! use std::collections::HashMap;
//! use tower_jwt_auth::password::PasswordHasher;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hasher = PasswordHasher::new();
//! let mut users = HashMap::new();
//! users.insert("ada", hasher.hash("analytical engine").await?);
//!
//! let stored = users.get("ada").map(String::as_str);
//! assert!(hasher.verify("analytical engine", stored).await?);
//! assert!(!hasher.verify("difference engine", stored).await?);
//!
//! // Verify for unknown users too: a quick "no" would tell who has an account.
//! let stored = users.get("charles").map(String::as_str);
//! assert!(!hasher.verify("analytical engine", stored).await?);
//! # Ok(())
//! # }
//! ```
//!
//! # Hashes
//!
//! Hashes are PHC strings, `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`, with a random salt of 16
//! bytes and 32 bytes of output. Those of other argon2 implementations, variants and parameters
//! verify too, each with the parameters it names, as long as these are at most what the
//! [builder](PasswordHasherBuilder) allows; beyond, a hash counts as malformed, so that a planted
//! row cannot eat the machine. [`PasswordHasher::needs_rehash`] finds those to bring up to date.
//!
//! # Caveats
//!
//! - While stored hashes with other parameters than the hasher's remain, their users take another
//!   time to check than unknown ones, and can be told from them.
//! - Passwords are hashed byte for byte. An application whose users type non-ASCII passwords on
//!   different devices should normalize them first ([RFC 8265 section 4]).
//! - The copy of the password that is hashed and the memory that argon2 fills are wiped; what the
//!   caller holds is the caller's to wipe.
//! - There are no rules here for which passwords are good enough.
//!
//! [`max_password_len`]: PasswordHasherBuilder::max_password_len
//! [`max_concurrent`]: PasswordHasherBuilder::max_concurrent
//! [`max_waiting`]: PasswordHasherBuilder::max_waiting
//! [RFC 8265 section 4]: https://www.rfc-editor.org/rfc/rfc8265#section-4

mod blocks;
mod builder;
#[cfg(feature = "django")]
pub mod django;
mod error;
mod hasher;
mod limits;
mod memory_users;
mod pool;
mod queue;
mod stored;

pub use builder::PasswordHasherBuilder;
pub use error::{PasswordError, PasswordErrorKind};
pub use hasher::PasswordHasher;
pub use memory_users::MemoryUsers;
