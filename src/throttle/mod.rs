//! Limits on attempts to log in, and on other requests that must not be repeated without limit.
//!
//! A [`Throttle`] counts each attempt before the password is checked: once for the account, by the
//! [`login_key`](crate::user::login_key) of the name, so that all spellings share one limit, and once
//! for the address of the client. It makes no difference whether the account exists. The counters are
//! in a [store](crate::store::ThrottleStore), so all machines that use the store share them, and they
//! survive a restart if the store does.
//!
//! ```
//! use tower_jwt_auth::{Algorithm, Issuer, MemoryStore, SigningKey, TokenRoutes};
//! # use tower_jwt_auth::{password::{MemoryUsers, PasswordHasher}, token::NoClaims};
//! use tower_jwt_auth::throttle::Throttle;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let users = MemoryUsers::<NoClaims>::new(PasswordHasher::new());
//! let store = MemoryStore::new();
//! let throttle = Throttle::builder(store.clone()).build()?;
//! let issuer = Issuer::builder(SigningKey::generate(Algorithm::ES256)?).store(store).build()?;
//! let routes = TokenRoutes::builder(issuer, users).throttle(throttle).build()?;
//! # Ok(())
//! # }
//! ```
//!
//! # Limits
//!
//! By default, ten attempts are free for an account and 100 for an address. Then the next attempt must
//! wait: for 30 seconds at first, and for twice as long after each further attempt. The response until
//! then is `429` with the code `throttled` and a `Retry-After` header. Attempts during a wait are not
//! counted, so nobody is locked out for longer than the wait, and each wait ends by itself. See
//! [`AttemptLimit`] for the exact rule.
//!
//! A login that succeeds resets the limit of the account, and does not count for the address. The same
//! holds for attempts that end with `503`, except that these do not reset the account. If the store
//! does not respond, no attempt is permitted: the response is `503`.
//!
//! A login that requires a [second step](crate::routes#second-factor) has not succeeded yet, so it
//! stays counted until the second step is completed: that resets the account and takes the attempt back
//! for the address. Each code counts for the address of its client too, and for the user, apart from
//! the logins: whoever knows the password cannot try more codes by more logins.
//!
//! A name is stored as a hash, and so is an address. Anybody who reads the store can check whether it
//! has a certain name or address.
//!
//! # Refreshes
//!
//! A [limit of its own](crate::routes::TokenRoutesBuilder::refresh_throttle) counts refreshes that fail,
//! for each address. Refreshes that succeed do not count.
//!
//! # Audit
//!
//! Each rejected login emits [`LoginFailed`](crate::issue::Event::LoginFailed) with its reason, the
//! address of the client and, with a [key](crate::issue::IssuerBuilder::login_name_key), a hash of the
//! name. So an auditor who has the key finds all attempts on an account on all machines, and somebody who
//! reads the log does not learn the names. [`Credentials`](crate::user::Credentials) may read the address
//! and the headers of a login too.
//!
//! # Floods
//!
//! A `Throttle` remembers each wait for up to five seconds. In that time, further attempts are
//! rejected without a call to the store. It remembers up to 10 000 waits.
//!
//! # Addresses
//!
//! The address of a client is that of the connection, from
//! [`ConnectInfo<SocketAddr>`](axum::extract::ConnectInfo), so serve the application with
//! [`into_make_service_with_connect_info`](axum::Router::into_make_service_with_connect_info). Without
//! it, logins fail with `500`. Addresses of IPv6 share one limit for each /64 network.
//!
//! Behind reverse proxies, all connections come from the last proxy. Set their
//! [number](ThrottleBuilder::trusted_proxies), and the client is read from the header that they write.
//! Entries to the left of theirs are ignored, because a client can write them.

mod builder;
mod client_address;
mod counters;
mod forwarded;
mod permit;
mod recent_waits;
mod shared_store;
mod throttle_handle;

pub(crate) use self::permit::PendingAttempt;
pub use self::{
    builder::ThrottleBuilder, forwarded::ForwardedHeader, permit::Permit, throttle_handle::Throttle,
};
pub use crate::store::AttemptLimit;
