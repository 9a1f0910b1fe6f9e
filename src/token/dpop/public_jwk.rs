//! The public key in the header of a proof.

use std::{borrow::Cow, fmt};

use aws_lc_rs::digest;
use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};
use serde_json::json;

use super::super::{
    algorithm::Algorithm,
    confirmation::KeyThumbprint,
    key::VerifyingKey,
    members::{JsonStr, SeenMembers},
};

/// The members of private and symmetric keys: RFC 7518 section 6, RFC 9964 section 3.
const PRIVATE: [&str; 9] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];

/// A JWK that has no private member.
#[derive(Default)]
pub(super) struct PublicJwk<'a> {
    kty: Cow<'a, str>,
    crv: Cow<'a, str>,
    x: Cow<'a, str>,
    y: Cow<'a, str>,
    n: Cow<'a, str>,
    e: Cow<'a, str>,
    public: Cow<'a, str>,
    alg: Option<Cow<'a, str>>,
    public_key_use: Option<Cow<'a, str>>,
    key_ops: Option<Vec<Cow<'a, str>>>,
}

impl PublicJwk<'_> {
    /// Returns the members that the thumbprint covers, as RFC 7638 section 3 writes them. `None` if a
    /// member is missing or has characters that no key has.
    pub(super) fn canonical(&self) -> Option<String> {
        let Self { kty, crv, x, y, n, e, public, alg, .. } = self;
        let is_value = |value: &str| {
            let mut bytes = value.bytes();
            !value.is_empty()
                && bytes.all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
        };
        let (members, json) = match kty.as_ref() {
            "EC" => {
                (vec![crv, x, y], format!(r#"{{"crv":"{crv}","kty":"EC","x":"{x}","y":"{y}"}}"#))
            }
            "OKP" => (vec![crv, x], format!(r#"{{"crv":"{crv}","kty":"OKP","x":"{x}"}}"#)),
            "RSA" => (vec![n, e], format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#)),
            "AKP" => {
                let alg = alg.as_ref()?;
                (vec![alg, public], format!(r#"{{"alg":"{alg}","kty":"AKP","pub":"{public}"}}"#))
            }
            _ => return None,
        };
        members.into_iter().all(|value| is_value(value)).then_some(json)
    }

    /// Whether the members that restrict the use of the key permit to verify signatures of
    /// `algorithm`.
    pub(super) fn permits(&self, algorithm: Algorithm) -> bool {
        let Self { alg, public_key_use, key_ops, .. } = self;
        if (alg, public_key_use, key_ops) == (&None, &None, &None) {
            return true;
        }
        let jwk = json!({ "kty": self.kty, "alg": alg, "use": public_key_use, "key_ops": key_ops });
        VerifyingKey::jwk_permits(&jwk.to_string(), algorithm)
    }
}

/// The SHA-256 thumbprint (RFC 7638) of a key in its canonical form.
pub(super) fn thumbprint(canonical: &str) -> KeyThumbprint {
    let digest = digest::digest(&digest::SHA256, canonical.as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(digest.as_ref());
    KeyThumbprint(bytes)
}

impl<'de> Deserialize<'de> for PublicJwk<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct JwkVisitor;

        impl<'de> Visitor<'de> for JwkVisitor {
            type Value = PublicJwk<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a public JWK")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut seen = SeenMembers::new();
                let mut jwk = PublicJwk::default();
                while let Some(JsonStr(name)) = map.next_key()? {
                    seen.insert(&name)?;
                    match name.as_ref() {
                        "kty" => jwk.kty = map.next_value::<JsonStr<'de>>()?.0,
                        "crv" => jwk.crv = map.next_value::<JsonStr<'de>>()?.0,
                        "x" => jwk.x = map.next_value::<JsonStr<'de>>()?.0,
                        "y" => jwk.y = map.next_value::<JsonStr<'de>>()?.0,
                        "n" => jwk.n = map.next_value::<JsonStr<'de>>()?.0,
                        "e" => jwk.e = map.next_value::<JsonStr<'de>>()?.0,
                        "pub" => jwk.public = map.next_value::<JsonStr<'de>>()?.0,
                        "alg" => jwk.alg = Some(map.next_value::<JsonStr<'de>>()?.0),
                        "use" => jwk.public_key_use = Some(map.next_value::<JsonStr<'de>>()?.0),
                        "key_ops" => {
                            let operations: Vec<JsonStr<'de>> = map.next_value()?;
                            let operations = operations.into_iter().map(|JsonStr(name)| name);
                            jwk.key_ops = Some(operations.collect());
                        }
                        name if PRIVATE.contains(&name) => {
                            return Err(A::Error::custom("a private or symmetric key"));
                        }
                        _ => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(jwk)
            }
        }

        deserializer.deserialize_map(JwkVisitor)
    }
}

#[cfg(test)]
mod tests {
    use super::{PublicJwk, thumbprint};

    fn thumbprint_of(jwk: &str) -> String {
        let jwk: PublicJwk<'_> = serde_json::from_str(jwk).expect("a JWK");
        thumbprint(&jwk.canonical().expect("a public key")).encode()
    }

    /// RFC 7638 section 3.1.
    #[test]
    fn computes_the_thumbprint_of_rfc_7638() {
        let jwk = r#"{"kty":"RSA","n":"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw","e":"AQAB","alg":"RS256","kid":"2011-04-29"}"#;
        assert_eq!(thumbprint_of(jwk), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
    }

    /// RFC 8037 appendix A.3.
    #[test]
    fn computes_the_thumbprint_of_rfc_8037() {
        let jwk =
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        assert_eq!(thumbprint_of(jwk), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    }
}
