//! Tokens: keys, claims, verifying and signing. Pure: without HTTP and without a store.

mod algorithm;
mod cache;
mod claim_names;
mod claim_value;
mod claims;
mod claims_type;
mod compact;
mod confirmation;
mod custom_claims;
pub(crate) mod dpop;
#[cfg(feature = "test-util")]
mod for_test;
mod header;
#[cfg(feature = "introspection")]
mod introspected;
mod issuer_template;
mod jws;
mod key;
mod key_source;
mod keys;
mod keyset;
mod logout_token;
mod members;
mod opaque_tokens;
mod payload;
mod peek;
mod private_markers;
mod reader;
mod registered;
mod signer;
mod step_up;
mod token_profile;
mod token_type;
mod user_id;
mod validation;
mod verifier;
mod violation;

pub use algorithm::Algorithm;
pub use cache::CacheStats;
pub use claim_names::ClaimNames;
pub(crate) use claim_value::is_id;
pub use claims::{Claims, NoClaims, RegisteredClaims};
pub(crate) use confirmation::{Confirmation, KeyThumbprint, binding_error};
#[cfg(feature = "introspection")]
pub(crate) use introspected::{Introspected, ResponseVerifier};
#[cfg(feature = "jwks")]
pub(crate) use issuer_template::IssuerTemplate;
pub use jws::Jws;
#[cfg(feature = "key-rotation")]
pub(crate) use key::generate_private;
pub use key::{SigningKey, VerifyingKey};
#[cfg(feature = "jwks")]
pub(crate) use key_source::KeySource;
#[cfg(feature = "jwks")]
pub(crate) use keys::Keys;
#[cfg(feature = "key-rotation")]
pub(crate) use keys::RotationTerms;
pub use keyset::{KeySet, KeySetBuilder};
#[cfg(feature = "routes")]
pub(crate) use logout_token::MAX_AGE as LOGOUT_TOKEN_MAX_AGE;
#[cfg(feature = "jwks")]
pub(crate) use members::check_members;
#[cfg(feature = "introspection")]
pub(crate) use opaque_tokens::OpaqueTokens;
pub(crate) use opaque_tokens::{Lookup, SharedOpaqueTokens, is_compact_jws};
#[cfg(feature = "cookie")]
pub(crate) use peek::peek_session_id;
#[cfg(any(feature = "django", feature = "introspection"))]
pub(crate) use signer::sign_payload;
pub(crate) use signer::{NewToken, sign};
pub use step_up::{StepUp, StepUpBuilder};
pub use token_profile::TokenProfile;
pub use token_type::TokenType;
pub use user_id::UserId;
#[cfg(feature = "jwks")]
pub(crate) use verifier::{ByResolver, Found, SharedVerifier, VerifierSource};
pub(crate) use verifier::{DEFAULT_MAX_TOKEN_LEN, Verification};
pub use verifier::{Verifier, VerifierBuilder};
