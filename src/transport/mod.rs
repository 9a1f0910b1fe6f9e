//! Where a request carries its token.

mod authorization;
mod cookie;
mod query;
mod source;
mod sources;
mod token68;

pub use source::TokenSource;
pub(crate) use sources::TokenSources;
pub(crate) use token68::is_token68;
