//! JWK sets ([RFC 7517 section 5](https://www.rfc-editor.org/rfc/rfc7517#section-5)).

use std::borrow::Cow;

use serde::{Deserialize, de::IgnoredAny};
use serde_json::value::RawValue;

use crate::{
    clock::Clock,
    error::ConfigError,
    token::{KeySet, VerifyingKey, check_members},
};

use super::{
    certificate::Certificate,
    error::FetchErrorKind,
    key_rules::KeyRules,
    published::{MAX_KEYS, PublishedKey, PublishedKeys, Unusable},
};

/// The keys of a JWK set that the application has, for example in a file.
///
/// The [module docs](super#which-keys-are-trusted) list which keys are used.
///
/// ```
/// use tower_jwt_auth::{Verifier, jwks::JwkSet};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let set = JwkSet::from_json(
///     r#"{"keys":[
///         {"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},
///         {"kty":"oct","k":"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75"}
///     ]}"#,
/// )?;
/// assert_eq!(set.skipped(), 1);
/// let verifier: Verifier = Verifier::builder(set).build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct JwkSet {
    keys: Vec<VerifyingKey>,
    skipped: usize,
}

impl JwkSet {
    /// Parses a JWK set.
    ///
    /// The dates of certificates are checked now, and not again later.
    ///
    /// # Errors
    ///
    /// When the set is malformed, has more than 100 keys, or has no usable key.
    pub fn from_json(json: &str) -> Result<Self, ConfigError> {
        Self::with_rules(json, &KeyRules::new())
    }

    /// Parses a [SPIFFE bundle], a JWK set whose keys for tokens have the `use` `jwt-svid`.
    ///
    /// [SPIFFE bundle]: https://github.com/spiffe/spiffe/blob/main/standards/SPIFFE_Trust_Domain_and_Bundle.md
    ///
    /// # Errors
    ///
    /// The errors of [`from_json`](Self::from_json).
    pub fn from_spiffe_bundle(json: &str) -> Result<Self, ConfigError> {
        Self::with_rules(json, &KeyRules { accepts_jwt_svid: true, ..KeyRules::new() })
    }

    fn with_rules(json: &str, rules: &KeyRules) -> Result<Self, ConfigError> {
        let published = parse(json.as_bytes(), rules).map_err(|kind| match kind {
            FetchErrorKind::TooLarge => ConfigError::key("the JWK set must have at most 100 keys"),
            _ => ConfigError::key("the JWK set is malformed"),
        })?;
        let keys = published.valid_at(Clock::system().now());
        if keys.is_empty() {
            return Err(ConfigError::key("the JWK set has no usable key"));
        }
        Ok(Self { skipped: published.len() - keys.len(), keys })
    }

    /// The number of keys in the set that cannot be used.
    #[must_use]
    pub const fn skipped(&self) -> usize {
        self.skipped
    }
}

impl From<JwkSet> for KeySet {
    fn from(set: JwkSet) -> Self {
        Self::of_verifying(set.keys)
    }
}

/// Parses a JWK set. Keys that cannot be used are skipped.
pub(super) fn parse(json: &[u8], rules: &KeyRules) -> Result<PublishedKeys, FetchErrorKind> {
    #[derive(Deserialize)]
    struct Set<'a> {
        #[serde(borrow)]
        keys: Vec<&'a RawValue>,
    }

    let malformed = |_| FetchErrorKind::Malformed;
    let json = str::from_utf8(json).or(Err(FetchErrorKind::Malformed))?;
    check_members(json, |_| true).map_err(malformed)?;
    let Set { keys } = serde_json::from_str(json).map_err(malformed)?;
    if keys.len() > MAX_KEYS {
        return Err(FetchErrorKind::TooLarge);
    }
    Ok(PublishedKeys::collect(keys.iter().map(|key| parse_key(key.get(), rules))))
}

fn parse_key(json: &str, rules: &KeyRules) -> Result<PublishedKey, Unusable> {
    #[derive(Deserialize)]
    struct Jwk<'a> {
        #[serde(borrow)]
        kty: Cow<'a, str>,
        #[serde(borrow)]
        crv: Option<Cow<'a, str>>,
        #[serde(borrow)]
        alg: Option<Cow<'a, str>>,
        #[serde(borrow, rename = "use")]
        public_key_use: Option<Cow<'a, str>>,
        #[serde(borrow)]
        issuer: Option<&'a RawValue>,
        #[serde(borrow)]
        x5c: Option<&'a RawValue>,
        n: Option<IgnoredAny>,
        e: Option<IgnoredAny>,
        x: Option<IgnoredAny>,
        y: Option<IgnoredAny>,
        #[serde(rename = "pub")]
        public: Option<IgnoredAny>,
    }

    let jwk: Jwk<'_> =
        serde_json::from_str(json).map_err(|_| ConfigError::key("the JWK is malformed"))?;
    if jwk.public_key_use.as_deref() == Some("enc") {
        return Err(Unusable::common(ConfigError::key("the key is for encryption")));
    }
    let issuer: Option<String> = match jwk.issuer {
        Some(issuer) if rules.requires_issuer => serde_json::from_str(issuer.get()).ok(),
        _ => None,
    };
    if rules.requires_issuer && issuer.is_none() {
        return Err(ConfigError::key("the key names no `issuer`").into());
    }
    let bound = |key: VerifyingKey| match &issuer {
        Some(issuer) => key.with_issuer(issuer),
        None => key,
    };
    let certificate = jwk.x5c.and_then(|x5c| first_certificate(x5c.get()));
    let has_key = [jwk.n, jwk.e, jwk.x, jwk.y, jwk.public].iter().any(Option::is_some);
    let alg = jwk.alg.as_deref();
    match certificate {
        Some(certificate) if !has_key => {
            let certificate = certificate?;
            if *jwk.kty != *certificate.key_type.0 {
                return Err(ConfigError::key("the JWK does not match its certificate").into());
            }
            let algorithm = rules.algorithm(alg, certificate.key_type)?;
            let svid = rules.accepts_jwt_svid;
            let key =
                VerifyingKey::from_certified_jwk(json, algorithm, svid, &certificate.public_key)?;
            Ok(PublishedKey { key: bound(key), validity: Some(certificate.validity) })
        }
        certificate => {
            let algorithm = rules.algorithm(alg, (&jwk.kty, jwk.crv.as_deref()))?;
            let key = VerifyingKey::from_published_jwk(json, algorithm, rules.accepts_jwt_svid)?;
            // A certificate that is unreadable is unused, like an unknown member.
            if let Some(Ok(certificate)) = certificate {
                let certified = VerifyingKey::from_der(algorithm, certificate.public_key);
                if certified.is_ok_and(|other| other.thumbprint() == key.thumbprint()) {
                    return Ok(PublishedKey { key: bound(key), validity: None });
                }
                return Err(ConfigError::key("the JWK does not match its certificate").into());
            }
            Ok(PublishedKey { key: bound(key), validity: None })
        }
    }
}

/// Reads the first certificate of an `x5c`, which contains the key. The others certify it. Returns
/// `None` for an empty list.
fn first_certificate(x5c: &str) -> Option<Result<Certificate, ConfigError>> {
    match serde_json::from_str::<Vec<Cow<'_, str>>>(x5c) {
        Ok(chain) => chain.first().map(|certificate| Certificate::from_base64(certificate)),
        Err(_) => Some(Err(ConfigError::key("the `x5c` of the JWK is malformed"))),
    }
}
