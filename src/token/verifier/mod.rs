//! From a compact token to its claims.

mod any_of;
mod builder;
mod by_issuer;
#[cfg(feature = "jwks")]
mod by_resolver;
mod by_tenant;
mod claims_verifier;
mod error;
mod single;
mod token_verifier;
mod verify;

pub(crate) use builder::DEFAULT_MAX_TOKEN_LEN;
pub use builder::VerifierBuilder;
#[cfg(feature = "introspection")]
pub(super) use builder::{DEFAULT_CLOCK_SKEW, DEFAULT_MAX_USER_ID_LEN};
#[cfg(feature = "jwks")]
pub(crate) use by_resolver::{ByResolver, Found, VerifierSource};
#[cfg(feature = "introspection")]
pub(super) use claims_verifier::ClaimsVerifier;
#[cfg(feature = "jwks")]
pub(crate) use token_verifier::SharedVerifier;
pub(crate) use verify::Verification;
pub use verify::Verifier;
