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
//! Passwords are hashed on a bounded pool, as the [parent module](super) describes. As in Django, an
//! unknown user, an unusable password (`!…`), a malformed hash or one of an algorithm that is not in
//! the list costs as much work as a new hash. A wrong password for a hash with fewer iterations than
//! a new one also costs as much as a new hash.
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
//! - A password longer than 1,024 bytes does not verify. Django accepts any length.
//! - A malformed hash does not verify. Django responds with 500.
//! - A hash with excessive parameters does not verify: more than 10,000,000 iterations of PBKDF2, 16
//!   rounds of bcrypt, 128 MiB or 8,388,608 blocks of scrypt, 1 GiB, 20 iterations or 16 lanes of
//!   argon2. A planted hash cannot exhaust the machine.
//! - bcrypt reads the first 72 bytes of a password, as it always did. Version 5 of Python's library
//!   raises an exception instead.

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
