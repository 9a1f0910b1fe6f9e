//! Password hashing with argon2id, off the async threads and bounded: [`PasswordHasher`].
//!
//! A password is verified in these steps:
//!
//! 1. If it is longer than [`max_password_len`], the result is `false` at once.
//! 2. If [`max_concurrent`] hashes are running and [`max_waiting`] callers are waiting, the call
//!    fails at once with [`Overloaded`](PasswordErrorKind::Overloaded).
//! 3. Otherwise the call waits in a queue, and a blocking thread of tokio hashes the password.
//! 4. The result is compared in constant time. If the user is unknown or the stored hash is
//!    malformed, the same work is done and the result is `false`.
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
//! // Verify for unknown users too: a quick response would reveal who has an account.
//! let stored = users.get("charles").map(String::as_str);
//! assert!(!hasher.verify("analytical engine", stored).await?);
//! # Ok(())
//! # }
//! ```
//!
//! # Hashes
//!
//! Hashes are PHC strings, `$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>`, with a random salt of 16
//! bytes and 32 bytes of output. Hashes of other argon2 implementations, variants and parameters
//! also verify, with the parameters they name. A hash with parameters above the limits of the
//! [builder](PasswordHasherBuilder) counts as malformed, so that a planted hash cannot exhaust the
//! machine. [`PasswordHasher::needs_rehash`] detects outdated hashes.
//!
//! # Caveats
//!
//! - A stored hash with other parameters than the hasher's takes another time to verify. Until it is
//!   replaced, its user can be distinguished from an unknown one.
//! - Passwords are hashed byte for byte. If your users type non-ASCII passwords on different
//!   devices, normalize them first ([RFC 8265 section 4]).
//! - This module wipes its copy of the password and the memory of argon2. The caller's copy is not
//!   wiped.
//! - Any password is hashed. [`PasswordRules`] (feature `password-rules`) checks new ones first.
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
#[cfg(any(feature = "postgres", feature = "sqlite"))]
mod hashing;
mod limits;
mod memory_users;
mod pool;
mod queue;
#[cfg(feature = "password-rules")]
mod rules;
mod stored;

pub use builder::PasswordHasherBuilder;
pub use error::{PasswordError, PasswordErrorKind};
pub use hasher::PasswordHasher;
pub use memory_users::MemoryUsers;
#[cfg(feature = "password-rules")]
pub use rules::{
    Blocklist, HashingPool, PasswordCheckError, PasswordProblem, PasswordProblems, PasswordRules,
    PasswordRulesBuilder, Similarity, UserAttributes,
};
