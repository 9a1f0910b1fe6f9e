//! What must be remembered between requests: sessions, spent refresh tokens, revocations.
//!
//! A store keeps facts about tokens, ids and times, and never a token. It decides atomically: of
//! any number of concurrent tries to spend one refresh token, exactly one is the first.
//!
//! # Sessions
//!
//! A login begins a session, and all its tokens carry the session's id (`sid`). A session has one
//! refresh token that may be spent next. Spending it names its successor; spending an older one
//! is reuse, and ends the session.
//!
//! # Writing a store
//!
//! Implement [`TokenStore`] with plain `async fn`s. Each method must be one atomic step, also
//! between processes, and should be one round trip. A call that takes too long is dropped where it
//! waits: it must have happened then either wholly or not at all. Times come with the call, so a
//! store needs no clock, and clocks of several machines differ: what is said to come before or
//! after is meant in the order of the calls unless a time is named. Ids are any text, and what has
//! an id has it within its user only.
//!
//! Run the `conformance` suite (feature `test-util`) against it: it tests every rule stated here.

#[cfg(feature = "test-util")]
pub mod conformance;
mod error;
mod facts;
mod memory;
#[cfg(feature = "purger")]
mod purger;
#[cfg(feature = "redis")]
mod redis;
#[cfg(feature = "replica")]
pub mod replica;
mod shared;
#[cfg(any(feature = "postgres", feature = "sqlite"))]
pub(crate) mod sql;
mod token_store;

#[cfg(feature = "redis")]
pub use self::redis::RedisStore;
pub use error::StoreError;
pub use facts::{NewSession, Revocation, Session, Spend, Spent, TokenRef};
pub use memory::MemoryStore;
#[cfg(feature = "purger")]
pub use purger::Purger;
pub(crate) use shared::{DEFAULT_DEADLINE, SharedStore, check_deadline};
#[cfg(feature = "postgres")]
pub use sql::PostgresStore;
#[cfg(feature = "sqlite")]
pub use sql::SqliteStore;
pub use token_store::TokenStore;
