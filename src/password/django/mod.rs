//! Password hashes as Django stores them: [`DjangoHasher`].
//!
//! | [`Format`] | Django's hasher | stored as |
//! |---|---|---|
//! | [`Pbkdf2Sha256`](Format::Pbkdf2Sha256) | `PBKDF2PasswordHasher` | `pbkdf2_sha256$<iterations>$<salt>$<hash>` |
//! | [`Pbkdf2Sha1`](Format::Pbkdf2Sha1) | `PBKDF2SHA1PasswordHasher` | `pbkdf2_sha1$<iterations>$<salt>$<hash>` |
//! | [`Argon2`](Format::Argon2) | `Argon2PasswordHasher` | `argon2$argon2id$v=19$m=…,t=…,p=…$<salt>$<hash>` |
//! | [`BcryptSha256`](Format::BcryptSha256) | `BCryptSHA256PasswordHasher` | `bcrypt_sha256$$2b$<rounds>$<salt and hash>` |
//! | [`Bcrypt`](Format::Bcrypt) | `BCryptPasswordHasher` | `bcrypt$$2b$<rounds>$<salt and hash>` |
//! | [`Scrypt`](Format::Scrypt) | `ScryptPasswordHasher` | `scrypt$<n>$<salt>$<r>$<p>$<hash>` |
//!
//! Passwords are hashed on a bounded pool, as the [parent module](super) tells. Like Django, a
//! check of an unknown user, an unusable password (`!…`), a hash of an algorithm that is not in the
//! list or a malformed one costs as much as a new hash; and a wrong password for a hash with fewer
//! iterations than new ones get is made up for.
//!
//! ```
//! use tower_jwt_auth::password::django::DjangoHasher;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let hasher = DjangoHasher::new();
//! let stored = "pbkdf2_sha256$1000000$xbjlODwrDH9nDT7der8kws$\
//!     jmqg3YROOy3gKt5hgcooJhyydGsWIXoB2N+jKUeu6rc=";
//! assert!(hasher.verify("analytical engine", Some(stored)).await?);
//! assert!(!hasher.verify("difference engine", Some(stored)).await?);
//! assert!(!hasher.needs_rehash(stored));
//! # Ok(())
//! # }
//! ```
//!
//! # Where it differs from Django
//!
//! - A password longer than 1,024 bytes is wrong; Django takes any length.
//! - A malformed hash is a wrong password, where Django answers 500.
//! - So is one whose parameters would take many times the usual work: more than 10,000,000
//!   iterations, bcrypt above 16 rounds, scrypt above 128 MiB or above 8,388,608 blocks in all,
//!   argon2 above 1 GiB, 20 iterations or 16 lanes. A planted row cannot eat the machine.
//! - bcrypt reads the first 72 bytes of a password, as it always did; version 5 of Python's library
//!   raises instead.

mod argon2;
mod bcrypt;
mod builder;
mod encoded;
mod failed;
mod format;
mod hasher;
mod pbkdf2;
mod salt;
mod scrypt;

pub use builder::DjangoHasherBuilder;
pub use format::Format;
pub use hasher::DjangoHasher;
