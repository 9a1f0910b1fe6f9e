//! Documents that map key ids to certificates in PEM, as Google publishes them for Firebase.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

use crate::{
    error::ConfigError,
    token::{VerifyingKey, check_members},
};

use super::{
    certificate::Certificate,
    error::FetchErrorKind,
    key_rules::KeyRules,
    published::{MAX_KEYS, PublishedKey, PublishedKeys, Unusable},
};

/// Parses a document of certificates. Certificates that cannot be used are skipped.
pub(super) fn parse(json: &[u8], rules: &KeyRules) -> Result<PublishedKeys, FetchErrorKind> {
    let malformed = |_| FetchErrorKind::Malformed;
    let json = str::from_utf8(json).or(Err(FetchErrorKind::Malformed))?;
    check_members(json, |_| true).map_err(malformed)?;
    let certificates: BTreeMap<String, &RawValue> =
        serde_json::from_str(json).map_err(malformed)?;
    if certificates.len() > MAX_KEYS {
        return Err(FetchErrorKind::TooLarge);
    }
    let keys = certificates.iter().map(|(kid, pem)| parse_certificate(kid, pem.get(), rules));
    Ok(PublishedKeys::collect(keys))
}

fn parse_certificate(kid: &str, pem: &str, rules: &KeyRules) -> Result<PublishedKey, Unusable> {
    let pem: String = serde_json::from_str(pem)
        .map_err(|_| ConfigError::key("the certificate is not a string"))?;
    let certificate = Certificate::from_pem(&pem)?;
    let algorithm = rules.algorithm(None, certificate.key_type)?;
    let key = VerifyingKey::from_der(algorithm, &certificate.public_key)?.with_kid(kid)?;
    Ok(PublishedKey { key, validity: Some(certificate.validity) })
}
