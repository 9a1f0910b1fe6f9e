//! X.509 certificates as containers of keys
//! ([RFC 5280](https://www.rfc-editor.org/rfc/rfc5280)).

use x509_cert::{
    Certificate as X509,
    der::{Decode, Encode, oid::ObjectIdentifier},
};

use crate::{clock::NumericDate, error::ConfigError};

const MALFORMED: ConfigError = ConfigError::key("the certificate is malformed");

const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
const EC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.2.1");
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// ML-DSA-44, ML-DSA-65 and ML-DSA-87 ([RFC 9881](https://www.rfc-editor.org/rfc/rfc9881)).
#[cfg(feature = "ml-dsa")]
const ML_DSA: [ObjectIdentifier; 3] = [
    ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.17"),
    ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.18"),
    ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.3.19"),
];
const P256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.10045.3.1.7");
const P384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.0.34");

/// What is read from a certificate.
///
/// Its signature and its issuer are not checked: the server that publishes it was authenticated by
/// TLS, and the certificate only transports the key.
pub(super) struct Certificate {
    /// The `SubjectPublicKeyInfo` in DER.
    pub(super) public_key: Vec<u8>,
    /// The `kty` and the `crv` of the key as a JWK.
    pub(super) key_type: (&'static str, Option<&'static str>),
    pub(super) validity: Validity,
}

/// The period in which a certificate is valid, both ends included.
#[derive(Clone, Copy)]
pub(super) struct Validity {
    pub(super) not_before: NumericDate,
    pub(super) not_after: NumericDate,
}

impl Validity {
    pub(super) fn contains(self, now: NumericDate) -> bool {
        (self.not_before..=self.not_after).contains(&now)
    }
}

impl Certificate {
    /// Reads PEM with exactly one certificate.
    pub(super) fn from_pem(pem: &str) -> Result<Self, ConfigError> {
        let block = pem::parse_many(pem).map_err(|_| ConfigError::key("the PEM is malformed"))?;
        match <[_; 1]>::try_from(block) {
            Ok([block]) if block.tag() == "CERTIFICATE" => Self::from_der(block.contents()),
            _ => Err(ConfigError::key("the PEM must contain exactly one certificate")),
        }
    }

    /// Reads a value of the JWK member `x5c`, which is base64 and not base64url (RFC 7517 section
    /// 4.7).
    pub(super) fn from_base64(base64: &str) -> Result<Self, ConfigError> {
        let der = base64_simd::STANDARD.decode_to_vec(base64).map_err(|_| MALFORMED)?;
        Self::from_der(&der)
    }

    fn from_der(der: &[u8]) -> Result<Self, ConfigError> {
        let certificate = X509::from_der(der).map_err(|_| MALFORMED)?;
        let content = certificate.tbs_certificate();
        let key = content.subject_public_key_info();
        let curve = || key.algorithm.parameters.as_ref()?.decode_as::<ObjectIdentifier>().ok();
        let key_type = match key.algorithm.oid {
            RSA => ("RSA", None),
            EC if curve() == Some(P256) => ("EC", Some("P-256")),
            EC if curve() == Some(P384) => ("EC", Some("P-384")),
            ED25519 => ("OKP", Some("Ed25519")),
            #[cfg(feature = "ml-dsa")]
            oid if ML_DSA.contains(&oid) => ("AKP", None),
            _ => {
                return Err(ConfigError::key("the type of the certificate's key is not supported"));
            }
        };
        let date =
            |time: x509_cert::time::Time| NumericDate::from_secs(time.to_unix_duration().as_secs());
        let validity = Validity {
            not_before: date(content.validity().not_before),
            not_after: date(content.validity().not_after),
        };
        let public_key = key.to_der().map_err(|_| MALFORMED)?;
        Ok(Self { public_key, key_type, validity })
    }
}
