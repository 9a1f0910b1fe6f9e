//! JWKs of algorithm key pairs ([RFC 9964 section 3]).
//!
//! [RFC 9964 section 3]: https://www.rfc-editor.org/rfc/rfc9964#section-3

use serde::Deserialize;
use zeroize::Zeroizing;

use crate::error::ConfigError;

use super::jwk_value::{MALFORMED, MISMATCH, NOT_PRIVATE, decode};

/// Reads the public key, which must have `len` bytes.
pub(super) fn read_public(json: &str, len: usize) -> Result<Vec<u8>, ConfigError> {
    #[derive(Deserialize)]
    struct PublicMembers {
        kty: String,
        #[serde(rename = "pub")]
        public: Option<String>,
    }

    let members: PublicMembers = serde_json::from_str(json).map_err(|_| MALFORMED)?;
    if members.kty != "AKP" {
        return Err(MISMATCH);
    }
    let public = decode(&members.public.ok_or(MALFORMED)?)?;
    if public.len() != len {
        return Err(MISMATCH);
    }
    Ok(public.to_vec())
}

/// Reads the private key, which is a seed. Its length is not checked here.
pub(super) fn read_seed(json: &str) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
    #[derive(Deserialize)]
    struct PrivateMembers {
        #[serde(rename = "priv")]
        private: String,
    }

    let members: PrivateMembers = serde_json::from_str(json).map_err(|_| NOT_PRIVATE)?;
    decode(&Zeroizing::new(members.private))
}
