//! Tokens: keys, claims, verifying and signing. Pure and synchronous.

mod algorithm;
mod cache;
mod claims;
mod compact;
mod header;
mod jws;
mod key;
mod keyset;
mod members;
mod names;
mod own_members;
mod payload;
mod profile;
mod registered;
mod signer;
mod source;
mod validation;
mod values;
mod verifier;

pub use algorithm::Algorithm;
pub use cache::CacheStats;
pub use claims::{Claims, NoClaims, TokenType, UserId};
pub use jws::Jws;
#[cfg(feature = "key-rotation")]
pub(crate) use key::generate_private;
pub use key::{SigningKey, VerifyingKey};
#[cfg(feature = "jwks")]
pub(crate) use keyset::Keys;
#[cfg(feature = "key-rotation")]
pub(crate) use keyset::RotationTerms;
pub use keyset::{KeySet, KeySetBuilder};
#[cfg(feature = "jwks")]
pub(crate) use members::check_members;
pub use names::ClaimNames;
pub use profile::TokenProfile;
#[cfg(feature = "django")]
pub(crate) use signer::sign_payload;
pub(crate) use signer::{RegisteredClaims, sign};
#[cfg(feature = "jwks")]
pub(crate) use source::KeySource;
pub(crate) use verifier::{DEFAULT_MAX_TOKEN_LEN, Refusal};
pub use verifier::{Verifier, VerifierBuilder};
