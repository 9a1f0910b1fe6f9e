use std::{fmt, sync::Arc};

#[cfg(feature = "ml-dsa")]
use aws_lc_rs::signature::{PqdsaKeyPair, PqdsaSigningAlgorithm};
use aws_lc_rs::{
    hmac, rand,
    rsa::{KeyPairComponents, PublicKeyComponents},
    signature::{EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding, RsaKeyPair},
};

use crate::error::ConfigError;

use super::super::{
    algorithm::{Algorithm, Scheme},
    compact::{append, encode},
};
#[cfg(feature = "ml-dsa")]
use super::akp;
use super::{
    jwk::{self, JwkMaterial, PrivateMembers, Purpose},
    key_id::KeyId,
    pem::{self, PemKey},
    private,
    public::PublicKey,
    secret::{self, MAX_TAG_LEN},
    verifying::VerifyingKey,
};

const REJECTED: ConfigError =
    ConfigError::key("the private key is malformed or does not match the algorithm");

/// A key that signs with one algorithm.
///
/// This is a cheap handle: a clone shares the same key.
///
/// ```
/// use tower_jwt_auth::{Algorithm, SigningKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::generate(Algorithm::ES256)?;
/// assert_eq!(key.verifying_key().kid(), key.kid());
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct SigningKey(Arc<Inner>);

struct Inner {
    material: Material,
    verifying: VerifyingKey,
    key_id: Option<KeyId>,
    /// The encoded header of every token that this key signs.
    encoded_header: String,
    /// The encoded header for access tokens of RFC 9068.
    encoded_at_jwt_header: String,
}

#[derive(Clone)]
enum Material {
    Secret(Arc<hmac::Key>),
    Rsa(Arc<RsaKeyPair>, &'static dyn RsaEncoding),
    Ecdsa(Arc<EcdsaKeyPair>),
    Ed25519(Arc<Ed25519KeyPair>),
    #[cfg(feature = "ml-dsa")]
    MlDsa(Arc<PqdsaKeyPair>),
}

impl SigningKey {
    /// Creates a key for HS256 from a secret of at least 32 bytes.
    ///
    /// # Errors
    ///
    /// The errors of [`from_secret`](Self::from_secret).
    pub fn hs256(secret: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        Self::from_secret(Algorithm::HS256, secret)
    }

    /// Creates a key for HS256, HS384 or HS512 from the bytes of a secret.
    ///
    /// # Errors
    ///
    /// The errors of [`VerifyingKey::from_secret`].
    pub fn from_secret(
        algorithm: Algorithm,
        secret: impl AsRef<[u8]>,
    ) -> Result<Self, ConfigError> {
        let key = secret::prepare(algorithm, secret.as_ref())?;
        let verifying = VerifyingKey::from_secret(algorithm, secret)?;
        Ok(Self::new(Material::Secret(key.into()), verifying, None))
    }

    /// Creates a key from a private key in PEM: `PRIVATE KEY` (PKCS#8), `RSA PRIVATE KEY` (PKCS#1)
    /// or `EC PRIVATE KEY` (SEC1).
    ///
    /// # Errors
    ///
    /// An error unless the PEM contains exactly one private key, which matches the algorithm and is
    /// neither encrypted nor weak.
    pub fn from_pem(algorithm: Algorithm, pem: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        match pem::read(pem.as_ref())? {
            PemKey::Private(der) => Self::from_der(algorithm, &*der),
            PemKey::Public(_) => {
                Err(ConfigError::key("a signing key must be private, and this PEM is public"))
            }
        }
    }

    /// Creates a key from a private key in DER: PKCS#8, PKCS#1 for RSA, or SEC1 for ECDSA.
    ///
    /// # Errors
    ///
    /// The errors of [`from_pem`](Self::from_pem).
    pub fn from_der(algorithm: Algorithm, der: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let der = der.as_ref();
        let material = match algorithm.scheme() {
            Scheme::Hmac(_) => {
                return Err(ConfigError::key(
                    "an HMAC algorithm requires a secret, not a key pair",
                ));
            }
            Scheme::Rsa { signing, .. } => {
                let pair = RsaKeyPair::from_pkcs8(der)
                    .or_else(|_| RsaKeyPair::from_der(der))
                    .map_err(|_| REJECTED)?;
                Material::Rsa(pair.into(), signing)
            }
            Scheme::Ecdsa { signing, .. } => {
                let pair = EcdsaKeyPair::from_private_key_der(signing, der);
                Material::Ecdsa(pair.map_err(|_| REJECTED)?.into())
            }
            Scheme::Ed25519 => {
                let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der);
                Material::Ed25519(pair.map_err(|_| REJECTED)?.into())
            }
            #[cfg(feature = "ml-dsa")]
            Scheme::MlDsa { signing, .. } => {
                let pair = PqdsaKeyPair::from_pkcs8(signing, der);
                Material::MlDsa(pair.map_err(|_| REJECTED)?.into())
            }
        };
        Self::from_pair(algorithm, material)
    }

    /// Creates a key for ML-DSA from its seed of 32 bytes, from which the key pair is expanded.
    ///
    /// The seed is as secret as the key, and must be random.
    ///
    /// ```
    /// use tower_jwt_auth::{Algorithm, SigningKey};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let random_bytes = [7; 32];
    /// let key = SigningKey::from_seed(Algorithm::MlDsa65, random_bytes)?;
    /// let same = SigningKey::from_seed(Algorithm::MlDsa65, random_bytes)?;
    /// assert_eq!(key.kid(), same.kid());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// An error if the algorithm is not one of ML-DSA, or if the seed has not 32 bytes.
    #[cfg(feature = "ml-dsa")]
    pub fn from_seed(algorithm: Algorithm, seed: impl AsRef<[u8]>) -> Result<Self, ConfigError> {
        let Scheme::MlDsa { signing, .. } = algorithm.scheme() else {
            return Err(ConfigError::key("only the algorithms of ML-DSA have keys from a seed"));
        };
        Self::from_pair(algorithm, Material::MlDsa(expand(signing, seed.as_ref())?))
    }

    /// Creates a key from a private or symmetric JSON Web Key. Its `kid` becomes the key id.
    ///
    /// `algorithm` is required if the JWK has no `alg`. Otherwise `alg` must name it, or it is `None`.
    ///
    /// # Errors
    ///
    /// The errors of [`VerifyingKey::from_jwk`]. Also an error if the private members are missing or
    /// do not belong to the public key. The JWK of an RSA key must have its factors,
    /// which are two.
    pub fn from_jwk(
        json: &str,
        algorithm: impl Into<Option<Algorithm>>,
    ) -> Result<Self, ConfigError> {
        let jwk = jwk::read(json, algorithm.into(), Purpose::Sign)?;
        let algorithm = jwk.algorithm;
        let material = match (jwk.material, algorithm.scheme()) {
            (JwkMaterial::Secret(secret), _) => {
                let key = Self::from_secret(algorithm, &*secret)?;
                return match jwk.key_id {
                    Some(kid) => key.with_kid(&kid),
                    None => Ok(key),
                };
            }
            (JwkMaterial::Rsa { n, e }, Scheme::Rsa { signing, .. }) => {
                let private = PrivateMembers::read(json)?;
                let [p, q, dp, dq, qi] = private.factors()?;
                let d = private.d()?;
                let components = KeyPairComponents {
                    public_key: PublicKeyComponents { n, e },
                    d: d.as_slice(),
                    p: p.as_slice(),
                    q: q.as_slice(),
                    dP: dp.as_slice(),
                    dQ: dq.as_slice(),
                    qInv: qi.as_slice(),
                };
                let pair = RsaKeyPair::from_components(&components).map_err(|_| REJECTED)?;
                Material::Rsa(pair.into(), signing)
            }
            (JwkMaterial::Ec(point), Scheme::Ecdsa { signing, .. }) => {
                let d = PrivateMembers::read(json)?.d()?;
                let pair = EcdsaKeyPair::from_private_key_and_public_key(signing, &d, &point);
                Material::Ecdsa(pair.map_err(|_| REJECTED)?.into())
            }
            (JwkMaterial::Ed25519(x), Scheme::Ed25519) => {
                let d = PrivateMembers::read(json)?.d()?;
                let pair = Ed25519KeyPair::from_seed_and_public_key(&d, &x);
                Material::Ed25519(pair.map_err(|_| REJECTED)?.into())
            }
            #[cfg(feature = "ml-dsa")]
            (JwkMaterial::MlDsa(public), Scheme::MlDsa { signing, .. }) => {
                let pair = expand(signing, &akp::read_seed(json)?)?;
                // RFC 9964 section 7.4.
                if pair.public_key().as_ref() != public {
                    return Err(REJECTED);
                }
                Material::MlDsa(pair)
            }
            _ => return Err(REJECTED),
        };
        let key = Self::from_pair(algorithm, material)?;
        match jwk.key_id {
            Some(kid) => key.with_kid(&kid),
            None => Ok(key),
        }
    }

    /// Generates a random key, for development and tests. An RSA key has 2048 bits.
    ///
    /// The key is lost when the process ends. All tokens that it signed are then invalid.
    ///
    /// # Errors
    ///
    /// An error if the random number generator of the system fails.
    pub fn generate(algorithm: Algorithm) -> Result<Self, ConfigError> {
        Self::from_private(algorithm, &private::generate(algorithm)?)
    }

    /// Creates a key from the form that [`private::generate`] returns.
    pub(crate) fn from_private(algorithm: Algorithm, bytes: &[u8]) -> Result<Self, ConfigError> {
        if algorithm.is_symmetric() {
            Self::from_secret(algorithm, bytes)
        } else {
            Self::from_der(algorithm, bytes)
        }
    }

    fn from_pair(algorithm: Algorithm, material: Material) -> Result<Self, ConfigError> {
        let public = match &material {
            Material::Secret(_) => return Err(REJECTED),
            Material::Rsa(pair, _) => pair.public_key().as_ref(),
            Material::Ecdsa(pair) => pair.public_key().as_ref(),
            Material::Ed25519(pair) => pair.public_key().as_ref(),
            #[cfg(feature = "ml-dsa")]
            Material::MlDsa(pair) => pair.public_key().as_ref(),
        };
        let public = PublicKey::read(algorithm, public)?;
        let key_id = KeyId::thumbprint(public.thumbprint());
        let verifying = VerifyingKey::from_public(algorithm, public);
        Ok(Self::new(material, verifying, Some(key_id)))
    }

    fn new(material: Material, verifying: VerifyingKey, key_id: Option<KeyId>) -> Self {
        let alg = verifying.alg();
        let kid = key_id.as_ref().map_or_else(String::new, |id| {
            format!(r#","kid":{}"#, serde_json::Value::from(&*id.name))
        });
        let header = |typ| encode(format!(r#"{{"alg":"{alg}"{kid},"typ":"{typ}"}}"#).as_bytes());
        Self(Arc::new(Inner {
            material,
            verifying: verifying.with_key_id(key_id.clone()),
            encoded_header: header("JWT"),
            encoded_at_jwt_header: header("at+jwt"),
            key_id,
        }))
    }

    /// Sets the key id, which becomes the `kid` of every token. Default: the `kid` of the JWK.
    /// Without one, the thumbprint of [RFC 7638] for an asymmetric key, and none for a secret.
    ///
    /// [RFC 7638]: https://www.rfc-editor.org/rfc/rfc7638
    ///
    /// # Errors
    ///
    /// An error unless the id has 1 to 256 bytes.
    pub fn with_kid(self, kid: &str) -> Result<Self, ConfigError> {
        let key_id = KeyId::chosen(kid)?;
        Ok(Self::new(self.0.material.clone(), self.0.verifying.clone(), Some(key_id)))
    }

    /// Writes the name of [RFC 9864] as `alg` in tokens and in the JWK: `Ed25519` instead of `EdDSA`.
    /// Default: `EdDSA`.
    ///
    /// Services that know only `EdDSA` reject such tokens.
    ///
    /// ```
    /// use tower_jwt_auth::{Algorithm, KeySet, SigningKey};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let key = SigningKey::generate(Algorithm::EdDSA)?.with_fully_specified_alg()?;
    /// assert!(KeySet::from(key).to_jwks().starts_with(r#"{"keys":[{"alg":"Ed25519","kid":""#));
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [RFC 9864]: https://www.rfc-editor.org/rfc/rfc9864
    ///
    /// # Errors
    ///
    /// An error unless the algorithm is [`EdDSA`](Algorithm::EdDSA). Other algorithms have one name.
    pub fn with_fully_specified_alg(self) -> Result<Self, ConfigError> {
        let verifying = self.0.verifying.clone().with_fully_specified_alg()?;
        Ok(Self::new(self.0.material.clone(), verifying, self.0.key_id.clone()))
    }

    /// Removes the key id from the header. SimpleJWT writes none.
    #[cfg(feature = "django")]
    pub(crate) fn without_kid(self) -> Self {
        Self::new(self.0.material.clone(), self.0.verifying.clone(), None)
    }

    /// Returns the algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.0.verifying.algorithm()
    }

    /// Returns the key id.
    #[must_use]
    pub fn kid(&self) -> Option<&str> {
        self.0.key_id.as_ref().map(|id| &*id.name)
    }

    /// Returns the key that verifies what this key signs.
    #[must_use]
    pub fn verifying_key(&self) -> VerifyingKey {
        self.0.verifying.clone()
    }

    pub(in crate::token) fn encoded_header(&self) -> &str {
        &self.0.encoded_header
    }

    pub(in crate::token) fn encoded_at_jwt_header(&self) -> &str {
        &self.0.encoded_at_jwt_header
    }

    /// Appends the signature of `token`. Returns `None` if the cryptography library fails.
    pub(in crate::token) fn sign(&self, token: &mut String) -> Option<()> {
        let rng = rand::SystemRandom::new();
        let message = token.as_bytes();
        match &self.0.material {
            Material::Secret(key) => {
                // Unlike `hmac::sign`, this does not copy the context.
                let mut tag = [0; MAX_TAG_LEN];
                let tag = hmac::sign_to_buffer(key, message, &mut tag).ok()?;
                append(token, tag);
            }
            Material::Rsa(pair, encoding) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(*encoding, &rng, message, &mut signature).ok()?;
                append(token, &signature);
            }
            Material::Ecdsa(pair) => append(token, pair.sign(&rng, message).ok()?.as_ref()),
            Material::Ed25519(pair) => append(token, pair.try_sign(message).ok()?.as_ref()),
            #[cfg(feature = "ml-dsa")]
            Material::MlDsa(pair) => {
                let mut signature = vec![0; pair.algorithm().signature_len()];
                pair.sign(message, &mut signature).ok()?;
                append(token, &signature);
            }
        }
        Some(())
    }
}

#[cfg(feature = "ml-dsa")]
fn expand(
    signing: &'static PqdsaSigningAlgorithm,
    seed: &[u8],
) -> Result<Arc<PqdsaKeyPair>, ConfigError> {
    if seed.len() != signing.seed_len() {
        return Err(ConfigError::key("the seed of an ML-DSA key must have 32 bytes"));
    }
    PqdsaKeyPair::from_seed(signing, seed).map(Arc::new).map_err(|_| REJECTED)
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("algorithm", &self.algorithm())
            .field("kid", &self.kid())
            .field("key", &"[redacted]")
            .finish()
    }
}
