//! JSON Web Keys ([RFC 7517](https://www.rfc-editor.org/rfc/rfc7517)).

use std::slice;

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve};
use serde::{Deserialize, de::IgnoredAny};
use zeroize::{Zeroize, Zeroizing};

use crate::error::ConfigError;

use super::super::{
    algorithm::{Algorithm, Scheme},
    members::check_members,
};
#[cfg(feature = "ml-dsa")]
use super::akp;
use super::jwk_value::{MALFORMED, MISMATCH, NOT_PRIVATE, decode};

/// A JWK with a known algorithm whose declared use is permitted.
pub(super) struct CheckedJwk {
    pub(super) algorithm: Algorithm,
    pub(super) key_id: Option<String>,
    pub(super) material: JwkMaterial,
}

pub(super) enum JwkMaterial {
    Secret(Zeroizing<Vec<u8>>),
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point.
    Ec(Vec<u8>),
    Ed25519(Vec<u8>),
    #[cfg(feature = "ml-dsa")]
    MlDsa(Vec<u8>),
}

/// What the key is used for. `key_ops` must contain it, unless it is absent or empty.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    Sign,
    Verify,
    /// To verify a JWT-SVID of SPIFFE.
    VerifySvid,
}

impl Purpose {
    const fn operation(self) -> &'static str {
        match self {
            Self::Sign => "sign",
            Self::Verify | Self::VerifySvid => "verify",
        }
    }

    fn permits(self, public_key_use: Option<&str>) -> bool {
        match public_key_use {
            None | Some("sig") => true,
            Some("jwt-svid") => self == Self::VerifySvid,
            Some(_) => false,
        }
    }
}

/// Reads a JWK with its key.
pub(super) fn read(
    json: &str,
    configured: Option<Algorithm>,
    purpose: Purpose,
) -> Result<CheckedJwk, ConfigError> {
    let (algorithm, key_id) = read_common(json, configured, purpose)?;
    Ok(CheckedJwk { algorithm, key_id, material: read_material(json, algorithm)? })
}

/// Reads the algorithm and the key id of a JWK, and checks that its use is permitted.
pub(super) fn read_common(
    json: &str,
    configured: Option<Algorithm>,
    purpose: Purpose,
) -> Result<(Algorithm, Option<String>), ConfigError> {
    check_members(json, |_| true).map_err(|_| MALFORMED)?;
    let common: CommonMembers = serde_json::from_str(json).map_err(|_| MALFORMED)?;

    let declared = common.alg.as_deref().map(str::parse::<Algorithm>).transpose()?;
    if common.kty == "AKP" && declared.is_none() {
        return Err(ConfigError::key("a JWK whose `kty` is `AKP` must have an `alg`"));
    }
    let algorithm = match (declared, configured) {
        (Some(declared), Some(configured)) if declared != configured => return Err(MISMATCH),
        (Some(algorithm), _) | (None, Some(algorithm)) => algorithm,
        (None, None) => {
            return Err(ConfigError::key("a JWK without `alg` requires a configured algorithm"));
        }
    };
    if !purpose.permits(common.public_key_use.as_deref()) {
        return Err(ConfigError::key("the `use` of the JWK must be `sig` or absent"));
    }
    if let Some(operations) = &common.key_ops
        && !operations.is_empty()
        && !operations.iter().any(|operation| operation == purpose.operation())
    {
        return Err(ConfigError::key(
            "the `key_ops` of the JWK must contain `verify` for a verifying key and `sign` for a signing key",
        ));
    }

    Ok((algorithm, common.kid))
}

fn read_material(json: &str, algorithm: Algorithm) -> Result<JwkMaterial, ConfigError> {
    #[cfg(feature = "ml-dsa")]
    if let Scheme::MlDsa { signing, .. } = algorithm.scheme() {
        return akp::read_public(json, signing.public_key_len()).map(JwkMaterial::MlDsa);
    }
    let parameters: AlgorithmParameters = serde_json::from_str(json).map_err(|_| MALFORMED)?;
    Ok(match (algorithm.scheme(), &parameters) {
        (Scheme::Hmac(_), AlgorithmParameters::OctetKey(key)) => {
            JwkMaterial::Secret(decode(&key.value)?)
        }
        (Scheme::Rsa { .. }, AlgorithmParameters::RSA(key)) => JwkMaterial::Rsa {
            n: without_leading_zeros(&decode(&key.n)?),
            e: without_leading_zeros(&decode(&key.e)?),
        },
        (Scheme::Ecdsa { coordinate_len, .. }, AlgorithmParameters::EllipticCurve(key)) => {
            let curve_matches = match key.curve {
                EllipticCurve::P256 => algorithm == Algorithm::ES256,
                EllipticCurve::P384 => algorithm == Algorithm::ES384,
                _ => false,
            };
            let (x, y) = (decode(&key.x)?, decode(&key.y)?);
            if !curve_matches || x.len() != coordinate_len || y.len() != coordinate_len {
                return Err(MISMATCH);
            }
            JwkMaterial::Ec([slice::from_ref(&4), x.as_slice(), y.as_slice()].concat())
        }
        (Scheme::Ed25519, AlgorithmParameters::OctetKeyPair(key)) => {
            let x = decode(&key.x)?;
            if key.curve != EllipticCurve::Ed25519 || x.len() != 32 {
                return Err(MISMATCH);
            }
            JwkMaterial::Ed25519(x.to_vec())
        }
        _ => return Err(MISMATCH),
    })
}

/// The members that keys of every type have. `kty` and `crv` must be strings, because jsonwebtoken
/// reads them as enums, which serde also deserializes from an object: `{"kty":{"RSA":null}}`.
#[derive(Deserialize)]
struct CommonMembers {
    kty: String,
    #[expect(dead_code, reason = "only the type is checked")]
    crv: Option<String>,
    alg: Option<String>,
    kid: Option<String>,
    #[serde(rename = "use")]
    public_key_use: Option<String>,
    key_ops: Option<Vec<String>>,
}

/// The members of a private JWK ([RFC 7518 section 6](https://www.rfc-editor.org/rfc/rfc7518#section-6)).
#[derive(Deserialize)]
pub(super) struct PrivateMembers {
    d: String,
    #[serde(default)]
    p: String,
    #[serde(default)]
    q: String,
    #[serde(default)]
    dp: String,
    #[serde(default)]
    dq: String,
    #[serde(default)]
    qi: String,
    /// The third and further prime factors.
    oth: Option<Vec<IgnoredAny>>,
}

impl PrivateMembers {
    pub(super) fn read(json: &str) -> Result<Self, ConfigError> {
        serde_json::from_str(json).map_err(|_| NOT_PRIVATE)
    }

    pub(super) fn d(&self) -> Result<Zeroizing<Vec<u8>>, ConfigError> {
        decode(&self.d)
    }

    /// Returns `p`, `q`, `dp`, `dq` and `qi`. A private RSA key must have all of them, and no further
    /// factors (RFC 7518 section 6.3.2.7).
    pub(super) fn factors(&self) -> Result<[Zeroizing<Vec<u8>>; 5], ConfigError> {
        if self.oth.as_ref().is_some_and(|others| !others.is_empty()) {
            return Err(ConfigError::key("an RSA key must have two prime factors"));
        }
        let [p, q, dp, dq, qi] = [&self.p, &self.q, &self.dp, &self.dq, &self.qi]
            .map(|member| if member.is_empty() { Err(MALFORMED) } else { decode(member) });
        Ok([p?, q?, dp?, dq?, qi?])
    }
}

impl Drop for PrivateMembers {
    fn drop(&mut self) {
        for member in
            [&mut self.d, &mut self.p, &mut self.q, &mut self.dp, &mut self.dq, &mut self.qi]
        {
            member.zeroize();
        }
    }
}

fn without_leading_zeros(bytes: &[u8]) -> Vec<u8> {
    let start = bytes.iter().position(|byte| *byte != 0).unwrap_or(bytes.len());
    bytes[start..].to_vec()
}
