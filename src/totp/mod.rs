//! One-time codes of authenticator apps (TOTP, [RFC 6238]) as second factors of logins.
//!
//! [`Totp`] is a [`SecondFactor`](crate::user::SecondFactor). The routes ask the users who have enabled
//! it for a code: see [the second step](crate::routes#second-factor). With the feature `accounts`, the
//! account routes enable and disable it. An application can also call it from routes of its own:
//!
//! ```
//! use tower_jwt_auth::{Algorithm, Issuer, MemoryStore, SigningKey, TokenRoutes, token::UserId};
//! use tower_jwt_auth::totp::{MemoryTotpStore, Totp, TotpError};
//! # use tower_jwt_auth::{password::{MemoryUsers, PasswordHasher}, token::NoClaims};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let users = MemoryUsers::<NoClaims>::new(PasswordHasher::new());
//! # let key: Vec<u8> = (0..32).collect();
//! let totp = Totp::builder(MemoryTotpStore::new(), key).issuer("Example Notes").build()?;
//! let issuer = Issuer::builder(SigningKey::generate(Algorithm::ES256)?)
//!     .store(MemoryStore::new())
//!     .build()?;
//! let logins = TokenRoutes::builder(issuer, users).second_factor(totp.clone()).build()?;
//!
//! async fn enable(totp: &Totp, user_id: &UserId) -> Result<(), TotpError> {
//!     let enrolment = totp.enrol(user_id, "ada@example.org").await?;
//!     show(enrolment.qr_svg());
//!     let codes = totp.confirm(user_id, &code_of_the_app()).await?;
//!     codes.iter().for_each(show);
//!     Ok(())
//! }
//! # fn show(_: &str) {}
//! # fn code_of_the_app() -> String { String::new() }
//! # Ok(())
//! # }
//! ```
//!
//! # Codes
//!
//! A code has six digits, is computed with HMAC-SHA-1, and changes every 30 seconds. All authenticator
//! apps support that, and some support nothing else. The codes of the step before and of the step after
//! the current one are valid too, because the clocks of phones differ.
//!
//! A code works once, at all machines together, and so does the code that confirms an enrolment. The
//! [store](TotpStore) keeps the step of the last code beside the secret, and raises it in one atomic
//! step: of many logins with one code, one wins, and codes of earlier steps are worthless from then on.
//! Nothing has to be purged. A process also remembers the steps that it has accepted, in case that a
//! database loses them. See [what to do after a restore](#backup-and-restore).
//!
//! # Recovery codes
//!
//! A user who confirms an enrolment gets ten recovery codes, which are shown once. Each works once,
//! in place of a code. A user who has used most of them disables the second factor and enables it again.
//!
//! The store keeps their hashes. A recovery code has 80 random bits, which nobody can guess from a
//! hash, however fast: so the hash is a plain SHA-256 and not a slow hash for passwords. It includes
//! the id of the user.
//!
//! # Encryption
//!
//! A database of TOTP secrets would be enough to compute all codes, so the secrets are encrypted with
//! AES-256-GCM under a key of the application that is not in the database. The id of the user is
//! authenticated with them: a secret that is copied to another user cannot be decrypted.
//!
//! To rotate the key, pass the new one to [`Totp::builder`] and the old one to
//! [`previous_key`](TotpBuilder::previous_key). Secrets are encrypted again when their users log in. For
//! those of other users, call [`Totp::reencrypt`]. Then leave the old key out. All machines must have
//! the new key, at first as a previous one, before one of them encrypts with it.
//!
//! # Backup and restore
//!
//! If the database is restored from a backup, or if a standby takes over that lags behind, it has
//! forgotten the last codes that were used. They are valid for up to 90 seconds. A process that has
//! accepted one rejects it all the same, others accept it again: restart them after that time. Recovery
//! codes that were used since the backup are valid again, and enrolments since then are lost.
//!
//! [RFC 6238]: https://www.rfc-editor.org/rfc/rfc6238

mod builder;
mod enrolment;
mod error;
mod memory;
mod qr;
mod recent_steps;
mod recovery;
mod sealing;
mod secret;
#[cfg(all(feature = "password", any(feature = "postgres", feature = "sqlite")))]
mod sql;
mod store;
mod totp_handle;

pub use builder::TotpBuilder;
pub use enrolment::Enrolment;
pub use error::TotpError;
pub use memory::MemoryTotpStore;
pub use recovery::RecoveryCodes;
#[cfg(all(feature = "password", any(feature = "postgres", feature = "sqlite")))]
pub use sql::{SqlTotpStore, SqlTotpStoreBuilder};
pub use store::{Confirmation, TotpRecord, TotpStore};
pub use totp_handle::Totp;
