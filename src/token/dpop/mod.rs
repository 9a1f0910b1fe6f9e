//! DPoP proofs ([RFC 9449](https://www.rfc-editor.org/rfc/rfc9449#section-4)).

mod header;
mod key_cache;
mod payload;
mod proof;
mod public_jwk;
mod url;
mod violation;

pub(crate) use proof::{Expected, ProofRules, VerifiedProof};
pub(crate) use url::normalize_url;
pub(crate) use violation::invalid_proof;

/// The algorithms that are accepted unless configured otherwise.
pub(crate) const DEFAULT_ALGORITHMS: [super::Algorithm; 5] = {
    use super::Algorithm;
    [Algorithm::ES256, Algorithm::ES384, Algorithm::RS256, Algorithm::PS256, Algorithm::EdDSA]
};
