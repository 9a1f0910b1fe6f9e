//! The header of a proof.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};

use crate::error::AuthError;

use super::{
    super::{
        algorithm::Algorithm,
        header::{Header, typ_matches},
        members::JsonStr,
    },
    public_jwk::PublicJwk,
    violation::invalid_proof,
};

pub(super) struct ProofHeader<'a> {
    pub(super) algorithm: Algorithm,
    pub(super) jwk: PublicJwk<'a>,
}

impl<'a> ProofHeader<'a> {
    /// Reads a header whose `alg` is one of `accepted`.
    pub(super) fn read(json: &'a [u8], accepted: &[Algorithm]) -> Result<Self, AuthError> {
        let header = Header::read(json).map_err(|_| {
            invalid_proof("DPoP", "expected a JOSE header without `crit` and `b64`")
        })?;
        if !typ_matches(header.typ.as_deref(), "dpop+jwt") {
            return Err(invalid_proof("typ", "expected dpop+jwt"));
        }
        let mut accepted = accepted.iter().copied();
        let algorithm = accepted
            .find(|algorithm| algorithm.has_name(&header.algorithm))
            .ok_or_else(|| invalid_proof("alg", "expected an accepted algorithm"))?;
        let no_public_key = || invalid_proof("jwk", "expected a public key");
        let JwkOnly(jwk) = serde_json::from_slice(json).map_err(|_| no_public_key())?;
        if !jwk.permits(algorithm) {
            return Err(invalid_proof("jwk", "expected a key for the algorithm"));
        }
        Ok(Self { algorithm, jwk })
    }
}

/// The member `jwk` of a header. All other members were read before.
struct JwkOnly<'a>(PublicJwk<'a>);

impl<'de> Deserialize<'de> for JwkOnly<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct HeaderVisitor;

        impl<'de> Visitor<'de> for HeaderVisitor {
            type Value = JwkOnly<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a header with a public key")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut jwk = None;
                while let Some(JsonStr(name)) = map.next_key()? {
                    if name == "jwk" {
                        jwk = Some(map.next_value()?);
                    } else {
                        map.next_value::<IgnoredAny>()?;
                    }
                }
                jwk.map(JwkOnly).ok_or_else(|| A::Error::missing_field("jwk"))
            }
        }

        deserializer.deserialize_map(HeaderVisitor)
    }
}
