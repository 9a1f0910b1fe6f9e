use std::{fmt, sync::Arc};

use aws_lc_rs::{constant_time, encoding::AsDer, hmac, rsa::PublicKeyComponents};

use crate::error::ConfigError;

use super::super::{algorithm::Algorithm, confirmation::KeyThumbprint};
use super::{
    jwk::{self, CheckedJwk, JwkMaterial, Purpose},
    key_id::KeyId,
    pem::{self, PemKey},
    public::PublicKey,
    secret::{self, MAX_TAG_LEN},
};

/// A key that verifies signatures of one algorithm.
///
/// A key with a [chosen id](Self::with_kid) verifies tokens with this `kid` and tokens without
/// `kid`. A key without a chosen id verifies tokens with any `kid`.
///
/// This is a cheap handle: a clone shares the same key.
///
/// ```
/// use tower_jwt_auth::{Algorithm, VerifyingKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = VerifyingKey::from_pem(
///     Algorithm::EdDSA,
///     b"-----BEGIN PUBLIC KEY-----
/// MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=
/// -----END PUBLIC KEY-----",
/// )?;
/// assert_eq!(key.algorithm(), Algorithm::EdDSA);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct VerifyingKey {
    algorithm: Algorithm,
    /// Whether `alg` is written as the fully specified name.
    has_fully_specified_alg: bool,
    key_id: Option<KeyId>,
    /// The only issuer whose tokens the key verifies, or a template of issuers, if it has one.
    issuer: Option<Arc<str>>,
    material: Arc<Material>,
}

#[expect(clippy::large_enum_variant, reason = "behind an `Arc`, and boxing it costs each token")]
enum Material {
    Secret(hmac::Key),
    Public(PublicKey),
}

impl VerifyingKey {
    /// Creates a key for HS256, HS384 or HS512 from the bytes of a secret.
    ///
    /// # Errors
    ///
    /// An error if the algorithm is not an HMAC, or if the secret
    ///
    /// - has fewer than 32 bytes (HS256), 48 bytes (HS384) or 64 bytes (HS512),
    /// - consists of one repeated byte,
    /// - looks like a PEM or SSH key.
    pub fn from_secret(
        algorithm: Algorithm,
        secret: impl AsRef<[u8]>,
    ) -> Result<Self, ConfigError> {
        let key = secret::prepare(algorithm, secret.as_ref())?;
        Ok(Self::new(algorithm, None, Material::Secret(key)))
    }

    /// Creates a key from a public key in PEM: `PUBLIC KEY` (SPKI) or `RSA PUBLIC KEY` (PKCS#1).
    ///
    /// # Errors
    ///
    /// An error unless the PEM contains exactly one public key, which matches the algorithm. A
    /// private key and a certificate are errors. An RSA key must have 2048 to 8192 bits and must not
    /// be weak (CVE-2017-15361, ROCA). An Ed25519 key must have a canonical encoding and must not
    /// have a small order. Whether an Ed25519 key is a point of the curve is not checked here; no
    /// signature is valid under a key that is not.
    pub fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        match pem::read(pem.as_ref())? {
            PemKey::Public(der) => Self::from_der(algorithm, der),
            PemKey::Private(_) => {
                Err(ConfigError::key("a verifying key must be public, and this PEM is private"))
            }
        }
    }

    /// Creates a key from a public key in DER: a `SubjectPublicKeyInfo`, or PKCS#1 for RSA.
    ///
    /// # Errors
    ///
    /// The errors of [`from_pem`](Self::from_pem).
    pub fn from_der(algorithm: Algorithm, der: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        Ok(Self::from_public(algorithm, PublicKey::read(algorithm, der.as_ref())?))
    }

    /// Creates a key from a public or symmetric JSON Web Key. Its `kid` becomes the key id.
    ///
    /// `algorithm` is required if the JWK has no `alg`. Otherwise `alg` must name it, or it is `None`.
    /// An empty `key_ops` permits every operation.
    ///
    /// # Errors
    ///
    /// An error if the JWK is malformed or has duplicate members, or if `kty`, `crv`, `alg`, `use` or
    /// `key_ops` does not match. Also the errors of [`from_secret`](Self::from_secret) and
    /// [`from_pem`](Self::from_pem).
    pub fn from_jwk(
        jwk: &str,
        algorithm: impl Into<Option<Algorithm>>,
    ) -> Result<Self, ConfigError> {
        Self::of_jwk(jwk::read(jwk, algorithm.into(), Purpose::Verify)?)
    }

    /// Creates a key from a JWK of a published set, whose `use` may also be `jwt-svid` if
    /// `accepts_jwt_svid` is set.
    #[cfg(feature = "jwks")]
    pub(crate) fn from_published_jwk(
        jwk: &str,
        algorithm: Algorithm,
        accepts_jwt_svid: bool,
    ) -> Result<Self, ConfigError> {
        Self::of_jwk(jwk::read(jwk, Some(algorithm), published(accepts_jwt_svid))?)
    }

    /// Creates a key from a JWK of a published set whose key is only in its certificate.
    #[cfg(feature = "jwks")]
    pub(crate) fn from_certified_jwk(
        jwk: &str,
        algorithm: Algorithm,
        accepts_jwt_svid: bool,
        public_key: &[u8],
    ) -> Result<Self, ConfigError> {
        let (algorithm, key_id) =
            jwk::read_common(jwk, Some(algorithm), published(accepts_jwt_svid))?;
        Self::from_der(algorithm, public_key)?.with_optional_kid(key_id.as_deref())
    }

    fn of_jwk(jwk: CheckedJwk) -> Result<Self, ConfigError> {
        let algorithm = jwk.algorithm;
        let key = match jwk.material {
            JwkMaterial::Secret(secret) => Self::from_secret(algorithm, &*secret)?,
            JwkMaterial::Rsa { n, e } => {
                let components = PublicKeyComponents { n, e };
                let der = components
                    .as_der()
                    .map_err(|_| ConfigError::key("the JWK has no valid RSA key"))?;
                Self::from_der(algorithm, der.as_ref())?
            }
            JwkMaterial::Ec(bytes) | JwkMaterial::Ed25519(bytes) => {
                Self::from_der(algorithm, bytes)?
            }
            #[cfg(feature = "ml-dsa")]
            JwkMaterial::MlDsa(bytes) => Self::from_der(algorithm, bytes)?,
        };
        key.with_optional_kid(jwk.key_id.as_deref())
    }

    fn with_optional_kid(self, kid: Option<&str>) -> Result<Self, ConfigError> {
        match kid {
            Some(kid) => self.with_kid(kid),
            None => Ok(self),
        }
    }

    pub(super) fn from_public(algorithm: Algorithm, key: PublicKey) -> Self {
        let key_id = KeyId::thumbprint(key.thumbprint());
        Self::new(algorithm, Some(key_id), Material::Public(key))
    }

    fn new(algorithm: Algorithm, key_id: Option<KeyId>, material: Material) -> Self {
        let material = Arc::new(material);
        Self { algorithm, has_fully_specified_alg: false, key_id, issuer: None, material }
    }

    /// Binds the key to an issuer, or to the issuers of a template.
    #[cfg(feature = "jwks")]
    pub(crate) fn with_issuer(mut self, issuer: &str) -> Self {
        self.issuer = Some(issuer.into());
        self
    }

    pub(in crate::token) fn issuer(&self) -> Option<&str> {
        self.issuer.as_deref()
    }

    pub(super) fn with_key_id(mut self, key_id: Option<KeyId>) -> Self {
        self.key_id = key_id;
        self
    }

    /// Sets the key id. The key then verifies no token with another `kid`.
    ///
    /// Default: the `kid` of the JWK. Without one, the thumbprint of [RFC 7638] for a public key,
    /// and none for a secret; the key then verifies tokens with any `kid`.
    ///
    /// [RFC 7638]: https://www.rfc-editor.org/rfc/rfc7638
    ///
    /// # Errors
    ///
    /// An error unless the id has 1 to 256 bytes.
    pub fn with_kid(self, kid: &str) -> Result<Self, ConfigError> {
        let key_id = KeyId::chosen(kid)?;
        Ok(self.with_key_id(Some(key_id)))
    }

    /// Writes the name of [RFC 9864] as `alg` in the [JWK](Self::to_jwk): `Ed25519` instead of
    /// `EdDSA`. Default: `EdDSA`, which older services know.
    ///
    /// It has no effect on what the key verifies.
    ///
    /// [RFC 9864]: https://www.rfc-editor.org/rfc/rfc9864
    ///
    /// # Errors
    ///
    /// An error unless the algorithm is [`EdDSA`](Algorithm::EdDSA). Other algorithms have one name.
    pub fn with_fully_specified_alg(mut self) -> Result<Self, ConfigError> {
        if self.algorithm.fully_specified() == self.algorithm.as_str() {
            return Err(ConfigError::ineffective(
                "`with_fully_specified_alg` requires a key for EdDSA",
            ));
        }
        self.has_fully_specified_alg = true;
        Ok(self)
    }

    /// Returns the `alg` that is written for this key.
    pub(in crate::token) const fn alg(&self) -> &'static str {
        if self.has_fully_specified_alg {
            self.algorithm.fully_specified()
        } else {
            self.algorithm.as_str()
        }
    }

    /// Returns the algorithm.
    #[must_use]
    pub const fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the key id.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.key_id.as_ref().map(|id| &*id.name)
    }

    /// Returns the key as a JSON Web Key ([RFC 7517]) with `alg`, `kid` and `use`, or `None` for a
    /// secret, which must not be published.
    ///
    /// ```
    /// use tower_jwt_auth::{Algorithm, SigningKey, VerifyingKey};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let key = SigningKey::generate(Algorithm::ES256)?.verifying_key();
    /// let jwk = key.to_jwk().expect("a public key");
    /// assert_eq!(VerifyingKey::from_jwk(&jwk, None)?.kid(), key.kid());
    ///
    /// let secret = SigningKey::generate(Algorithm::HS256)?.verifying_key();
    /// assert_eq!(secret.to_jwk(), None);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [RFC 7517]: https://www.rfc-editor.org/rfc/rfc7517#section-4
    #[must_use]
    pub fn to_jwk(&self) -> Option<String> {
        let Material::Public(key) = &*self.material else { return None };
        let kid = serde_json::Value::from(self.kid()?);
        let (alg, members) = (self.alg(), key.jwk_members());
        Some(format!(r#"{{"alg":"{alg}","kid":{kid},"use":"sig",{members}}}"#))
    }

    /// Whether the common members of `jwk` permit to verify signatures of `algorithm` with the key.
    pub(in crate::token) fn jwk_permits(jwk: &str, algorithm: Algorithm) -> bool {
        jwk::read_common(jwk, Some(algorithm), Purpose::Verify).is_ok()
    }

    /// Whether this is the public key with the SHA-256 thumbprint `thumbprint`.
    pub(in crate::token) fn has_thumbprint(&self, thumbprint: KeyThumbprint) -> bool {
        match &*self.material {
            Material::Secret(_) => false,
            Material::Public(key) => key.thumbprint() == thumbprint.encode(),
        }
    }

    /// Returns the thumbprint, which identifies a public key.
    #[cfg(feature = "jwks")]
    pub(crate) fn thumbprint(&self) -> Option<String> {
        match &*self.material {
            Material::Secret(_) => None,
            Material::Public(key) => Some(key.thumbprint()),
        }
    }

    /// Returns whether the key id was chosen, so that the key verifies no token with another `kid`.
    pub(in crate::token) fn has_chosen_kid(&self) -> bool {
        self.key_id.as_ref().is_some_and(|id| id.is_chosen)
    }

    pub(in crate::token) fn verify_signature(&self, message: &[u8], signature: &[u8]) -> bool {
        match &*self.material {
            Material::Secret(key) => {
                // Unlike `hmac::verify`, this does not copy the context.
                let mut tag = [0; MAX_TAG_LEN];
                hmac::sign_to_buffer(key, message, &mut tag)
                    .and_then(|tag| constant_time::verify_slices_are_equal(tag, signature))
                    .is_ok()
            }
            Material::Public(key) => key.parsed.verify_sig(message, signature).is_ok(),
        }
    }
}

#[cfg(feature = "jwks")]
const fn published(accepts_jwt_svid: bool) -> Purpose {
    if accepts_jwt_svid { Purpose::VerifySvid } else { Purpose::Verify }
}

impl fmt::Debug for VerifyingKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifyingKey")
            .field("algorithm", &self.algorithm)
            .field("kid", &self.kid())
            .field("key", &"[redacted]")
            .finish()
    }
}
