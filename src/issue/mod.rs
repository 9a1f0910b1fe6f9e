//! [`Issuer`]: logs users in, refreshes and revokes tokens. All tokens are written here.

mod adoption;
mod builder;
mod error;
mod event;
mod issuer;
mod label;
mod login;
mod mint;
mod name_hash;
mod random;
mod refresh;
#[cfg(feature = "routes")]
mod second_step;
mod session_end;
mod sessions;
mod settings;
mod single_use;
mod ticket;
mod ticket_claims;
mod tokens;

pub use adoption::Adoption;
pub use builder::IssuerBuilder;
pub use event::Event;
pub use issuer::Issuer;
pub use login::LoginStart;
#[cfg(any(feature = "django", feature = "test-util"))]
pub(crate) use random::random_id;
#[cfg(feature = "routes")]
pub(crate) use second_step::SecondStep as VerifiedStep;
pub use tokens::Tokens;
