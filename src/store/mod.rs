//! What is remembered between requests: sessions, spent refresh tokens, revocations, uses of what can
//! be used once.
//!
//! A store keeps ids and times, never a token. Its decisions are atomic: if one refresh token is
//! spent by many concurrent calls, exactly one of them is the first.
//!
//! # Sessions
//!
//! A login begins a session. All its tokens carry the session's id (`sid`). A session has one
//! unspent refresh token. Spending that token names its successor, and the successor becomes the
//! unspent one. Spending an older token is reuse, and ends the session.
//!
//! # Several applications
//!
//! Applications may share a store if each has its own [issuer](crate::issue::IssuerBuilder::issuer),
//! which becomes the `iss` of its tokens: a store knows a user by the issuer and the user's id
//! together, see [`scoped_user_id`]. Applications without an issuer, or with the same one, are one
//! application to the store: whatever revokes the user `42` of one revokes the user `42` of the
//! other. Give them a store each: another database, schema, table prefix or key prefix.
//!
//! A service that only verifies tokens finds the issuer in the token.
//!
//! # Backup and restore
//!
//! A restored store does not know what was revoked after the backup: see [`backup`](crate::backup).
//!
//! # Implementing a store
//!
//! Implement [`TokenStore`], with plain `async fn`s.
//!
//! - Each method is one atomic step, also between processes, and should be one round trip. Revoking
//!   a user may be two steps: first raise the generation, then revoke.
//! - A caller that waits too long drops the call. The call must then have happened completely or
//!   not at all.
//! - Times come with the call, so a store needs no clock. The clocks of several machines differ:
//!   "before" and "after" refer to the order of the calls, except where a time is named. A clock
//!   may also jump ahead and back. The stores of this crate do not forget what is due only by a
//!   clock that is ahead for less than an hour.
//! - Ids are arbitrary strings of up to [`MAX_ID_LEN`] bytes. Ids of sessions and tokens are unique
//!   per user only. The id of a user may be a [scoped one](scoped_user_id). Longer ids and labels
//!   are rejected by every method, see [`NewSession::validate`].
//! - No call may become slower with the number of sessions that a user has.
//!
//! The `conformance` suite (feature `test-util`) tests all rules of this module.

#[cfg(feature = "test-util")]
pub mod conformance;
mod cursor;
mod error;
mod facts;
mod machine_clock;
mod memory;
#[cfg(feature = "purger")]
mod purger;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "replica")]
pub mod replica;
mod scope;
mod shared;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod sql;
mod throttle_store;
mod token_store;

#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
pub use error::{StoreError, StoreErrorKind};
pub use facts::{
    Attempt, AttemptLimit, Attempted, Begun, Consume, ConsumeId, Consumed, Generation, MAX_ID_LEN,
    NewSession, Page, Revocation, Session, SessionPage, Spend, Spent, TokenRef,
};
pub use memory::MemoryStore;
#[cfg(feature = "purger")]
pub use purger::Purger;
pub(crate) use scope::Scope;
pub use scope::scoped_user_id;
pub(crate) use shared::{DEFAULT_DEADLINE, SharedStore, check_deadline};
#[cfg(feature = "postgres")]
pub use sql::PostgresStore;
#[cfg(feature = "sqlite")]
pub use sql::SqliteStore;
pub use throttle_store::ThrottleStore;
pub use token_store::TokenStore;
