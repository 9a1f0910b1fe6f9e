//! Issuing: [`Issuer`] logs in, refreshes and revokes. The only writer of tokens.

mod builder;
mod event;
mod issuer;
mod mint;
mod random;
mod sessions;

pub use builder::IssuerBuilder;
pub use event::Event;
pub use issuer::Issuer;
#[cfg(feature = "routes")]
pub(crate) use issuer::backend_error;
pub use mint::Tokens;
#[cfg(feature = "django")]
pub(crate) use mint::random_id;
