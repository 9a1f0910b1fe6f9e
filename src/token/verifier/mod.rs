//! From a compact token to its claims.

mod builder;
mod by_issuer;
mod error;
mod single;
mod verify;

pub(crate) use builder::DEFAULT_MAX_TOKEN_LEN;
pub use builder::VerifierBuilder;
pub(crate) use verify::Verification;
pub use verify::Verifier;
