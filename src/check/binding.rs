//! Whether the sender of a token of this crate possesses the key to which the token is bound.

use crate::{
    error::AuthError,
    possession::{UnusedProof, dpop_error},
    token::{Claims, Confirmation, KeyThumbprint, binding_error},
};

/// Checks that the sender of a refresh token possesses the key to which it is bound, and uses the
/// proof. Returns the thumbprint of the key.
///
/// A token that is not bound needs no proof. It is rejected if tokens must be bound.
pub(crate) async fn check_refresh_binding<C>(
    claims: &Claims<C>,
    proof: Option<UnusedProof>,
) -> Result<Option<KeyThumbprint>, AuthError> {
    let key = proven_key(claims, proof.as_ref())?;
    match (key, proof) {
        (Some(_), Some(proof)) => proof.use_once().await?,
        (None, Some(proof)) if proof.is_required() => return Err(binding_error("bound to a key")),
        _ => {}
    }
    Ok(key)
}

/// Checks that the sender of the token of a second step possesses the key to which the first step has
/// bound it. Returns the thumbprint of the key to which the tokens will be bound: that one, or that of
/// the proof.
#[cfg(feature = "routes")]
pub(crate) fn check_step_binding<C>(
    claims: &Claims<C>,
    proof: Option<&UnusedProof>,
) -> Result<Option<KeyThumbprint>, AuthError> {
    let key = proven_key(claims, proof)?;
    Ok(key.or(proof.map(UnusedProof::key)))
}

/// The thumbprint of the key to which a token of this crate is bound. Fails unless the proof is one of
/// this key.
fn proven_key<C>(
    claims: &Claims<C>,
    proof: Option<&UnusedProof>,
) -> Result<Option<KeyThumbprint>, AuthError> {
    let key = match claims.confirmation()? {
        None => return Ok(None),
        Some(Confirmation { jkt: Some(key), x5t_s256: None }) => key,
        Some(_) => return Err(binding_error("not bound to a certificate")),
    };
    let proof = proof.ok_or_else(|| dpop_error("DPoP", "expected a proof"))?;
    if proof.key() != key {
        return Err(dpop_error("jwk", "expected the key to which the token is bound"));
    }
    Ok(Some(key))
}
