//! The claim `cnf`: the key to which a token is bound
//! ([RFC 7800](https://www.rfc-editor.org/rfc/rfc7800)).

use serde::Deserialize;

use crate::error::AuthError;

use super::{claims::Claims, compact, members::object, violation};

/// The SHA-256 thumbprint of a public key (RFC 7638).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct KeyThumbprint(pub(crate) [u8; 32]);

impl KeyThumbprint {
    /// Returns the thumbprint in base64url.
    pub(crate) fn encode(self) -> String {
        compact::encode(&self.0)
    }
}

/// The keys that the sender of a token must possess. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Confirmation {
    /// The thumbprint of a key for DPoP proofs (RFC 9449 section 6.1).
    pub(crate) jkt: Option<KeyThumbprint>,
    /// The thumbprint of a client certificate (RFC 8705 section 3.1).
    pub(crate) x5t_s256: Option<[u8; 32]>,
}

/// The error for a token whose binding to a key violates `rule`.
pub(crate) fn binding_error(rule: &'static str) -> AuthError {
    violation::binding(rule)
}

impl<C: ?Sized> Claims<C> {
    /// Returns the keys that the sender must possess, or `None` if the token is not bound to a key.
    ///
    /// # Errors
    ///
    /// [`InvalidClaims`](crate::AuthErrorKind::InvalidClaims) if `cnf` is malformed or names neither
    /// the key of a DPoP proof nor a certificate.
    pub(crate) fn confirmation(&self) -> Result<Option<Confirmation>, AuthError> {
        if !self.is_bound() {
            return Ok(None);
        }
        let malformed = || binding_error("expected the thumbprint of a key or of a certificate");
        let Payload { cnf } = serde_json::from_str(self.json()).map_err(|_| malformed())?;
        let hash = |encoded: Option<String>| match encoded {
            None => Ok(None),
            Some(encoded) => hash(&encoded).map(Some).ok_or_else(malformed),
        };
        match (hash(cnf.jkt)?, hash(cnf.x5t_s256)?) {
            (None, None) => Err(malformed()),
            (None, _) if self.is_dpop() => Err(malformed()),
            (jkt, x5t_s256) => Ok(Some(Confirmation { jkt: jkt.map(KeyThumbprint), x5t_s256 })),
        }
    }
}

impl<C: ?Sized> Claims<C> {
    /// Rejects a token that is bound to a key, because a bearer has proved nothing.
    pub(crate) fn require_unbound(&self) -> Result<(), AuthError> {
        if self.is_bound() { Err(binding_error("not bound to a key")) } else { Ok(()) }
    }
}

fn hash(encoded: &str) -> Option<[u8; 32]> {
    compact::decode(encoded.as_bytes()).ok()?.try_into().ok()
}

#[derive(Deserialize)]
struct Payload {
    #[serde(deserialize_with = "object")]
    cnf: Members,
}

/// The members of `cnf` that are understood. Others are ignored (RFC 7800 section 3.1).
#[derive(Deserialize)]
struct Members {
    jkt: Option<String>,
    #[serde(rename = "x5t#S256")]
    x5t_s256: Option<String>,
}
