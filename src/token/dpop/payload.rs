//! The claims of a proof.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};

use crate::{clock::NumericDate, error::AuthError};

use super::{
    super::{
        claim_value::{ClaimValue, is_id},
        members::{JsonStr, SeenMembers},
        private_markers::has_private_marker,
    },
    violation::invalid_proof,
};

#[derive(Default)]
pub(super) struct ProofClaims<'a> {
    pub(super) jti: Cow<'a, str>,
    pub(super) htm: Cow<'a, str>,
    pub(super) htu: Cow<'a, str>,
    pub(super) issued_at: NumericDate,
    pub(super) ath: Option<Cow<'a, str>>,
    pub(super) nonce: Option<Cow<'a, str>>,
}

impl<'a> ProofClaims<'a> {
    pub(super) fn read(payload: &'a [u8]) -> Result<Self, AuthError> {
        const MALFORMED: &str = "expected the claims of a proof, without duplicates";
        let malformed = || invalid_proof("DPoP", MALFORMED);
        let json = str::from_utf8(payload).map_err(|_| malformed())?;
        if has_private_marker(payload) {
            return Err(malformed());
        }
        let claims: Self = serde_json::from_str(json).map_err(|_| malformed())?;
        if !is_id(&claims.jti) {
            return Err(invalid_proof("jti", "expected an id of 1 to 255 bytes"));
        }
        Ok(claims)
    }
}

impl<'de> Deserialize<'de> for ProofClaims<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ClaimsVisitor;

        impl<'de> Visitor<'de> for ClaimsVisitor {
            type Value = ProofClaims<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("the claims of a proof")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut seen = SeenMembers::new();
                let mut claims = ProofClaims::default();
                while let Some(JsonStr(name)) = map.next_key()? {
                    seen.insert(&name)?;
                    match name.as_ref() {
                        "jti" => claims.jti = map.next_value::<JsonStr<'de>>()?.0,
                        "htm" => claims.htm = map.next_value::<JsonStr<'de>>()?.0,
                        "htu" => claims.htu = map.next_value::<JsonStr<'de>>()?.0,
                        "ath" => claims.ath = Some(map.next_value::<JsonStr<'de>>()?.0),
                        "nonce" => claims.nonce = Some(map.next_value::<JsonStr<'de>>()?.0),
                        "iat" => {
                            let mut value = ClaimValue::EMPTY;
                            map.next_value_seed(&mut value)?;
                            claims.issued_at =
                                value.date().ok_or_else(|| A::Error::custom("no date"))?;
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                for required in ["jti", "htm", "htu", "iat"] {
                    if !seen.contains(required) {
                        return Err(A::Error::missing_field(required));
                    }
                }
                Ok(claims)
            }
        }

        deserializer.deserialize_map(ClaimsVisitor)
    }
}
