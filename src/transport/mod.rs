//! Where a request carries its token.

mod authorization;
mod cookie;
mod cross_site;
mod header;
mod origin;
mod query;
#[cfg(feature = "cookie")]
mod session;
mod source;
mod sources;
mod token68;

#[cfg(feature = "cookie")]
pub(crate) use session::NewCookies;
#[cfg(feature = "cookie")]
pub use session::{SameSite, SessionCookies, SessionCookiesBuilder};
pub use source::TokenSource;
pub(crate) use sources::TokenSources;
pub(crate) use token68::is_token68;
