use std::{fmt, str::FromStr};

#[cfg(feature = "ml-dsa")]
use aws_lc_rs::signature::{PqdsaSigningAlgorithm, PqdsaVerificationAlgorithm};
use aws_lc_rs::{
    hmac,
    signature::{
        self, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, RsaEncoding, RsaParameters,
    },
};

use crate::error::ConfigError;

/// A signature algorithm of [RFC 7518 section 3.1], [RFC 8037] or, with the feature `ml-dsa`,
/// [RFC 9964].
///
/// Each key has exactly one algorithm, which a token cannot change. There is no `none`.
///
/// [RFC 7518 section 3.1]: https://www.rfc-editor.org/rfc/rfc7518#section-3.1
/// [RFC 8037]: https://www.rfc-editor.org/rfc/rfc8037
/// [RFC 9964]: https://www.rfc-editor.org/rfc/rfc9964
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Algorithm {
    /// HMAC with SHA-256. The secret has at least 32 bytes.
    HS256,
    /// HMAC with SHA-384. The secret has at least 48 bytes.
    HS384,
    /// HMAC with SHA-512. The secret has at least 64 bytes.
    HS512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    RS256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    RS384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    RS512,
    /// RSASSA-PSS with SHA-256.
    PS256,
    /// RSASSA-PSS with SHA-384.
    PS384,
    /// RSASSA-PSS with SHA-512.
    PS512,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// ECDSA on P-384 with SHA-384.
    ES384,
    /// Ed25519. Its name is `EdDSA` in [RFC 8037] and `Ed25519` in [RFC 9864]. Keys and tokens with
    /// either name are accepted. `EdDSA` is written, unless
    /// [`with_fully_specified_alg`](super::SigningKey::with_fully_specified_alg) is set.
    ///
    /// [RFC 8037]: https://www.rfc-editor.org/rfc/rfc8037#section-3.1
    /// [RFC 9864]: https://www.rfc-editor.org/rfc/rfc9864#section-2.2
    EdDSA,
    /// ML-DSA-44. A signature has 2420 bytes.
    #[cfg(feature = "ml-dsa")]
    MlDsa44,
    /// ML-DSA-65. A signature has 3309 bytes.
    #[cfg(feature = "ml-dsa")]
    MlDsa65,
    /// ML-DSA-87. A signature has 4627 bytes.
    #[cfg(feature = "ml-dsa")]
    MlDsa87,
}

/// The parameters of an algorithm in the cryptography library.
pub(super) enum Scheme {
    Hmac(hmac::Algorithm),
    Rsa {
        verifying: &'static RsaParameters,
        signing: &'static dyn RsaEncoding,
    },
    Ecdsa {
        verifying: &'static EcdsaVerificationAlgorithm,
        signing: &'static EcdsaSigningAlgorithm,
        coordinate_len: usize,
    },
    Ed25519,
    #[cfg(feature = "ml-dsa")]
    MlDsa {
        verifying: &'static PqdsaVerificationAlgorithm,
        signing: &'static PqdsaSigningAlgorithm,
    },
}

impl Algorithm {
    const ALL: &[Self] = &[
        Self::HS256,
        Self::HS384,
        Self::HS512,
        Self::RS256,
        Self::RS384,
        Self::RS512,
        Self::PS256,
        Self::PS384,
        Self::PS512,
        Self::ES256,
        Self::ES384,
        Self::EdDSA,
        #[cfg(feature = "ml-dsa")]
        Self::MlDsa44,
        #[cfg(feature = "ml-dsa")]
        Self::MlDsa65,
        #[cfg(feature = "ml-dsa")]
        Self::MlDsa87,
    ];

    /// Returns the value of `alg` in the header of a token.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HS256 => "HS256",
            Self::HS384 => "HS384",
            Self::HS512 => "HS512",
            Self::RS256 => "RS256",
            Self::RS384 => "RS384",
            Self::RS512 => "RS512",
            Self::PS256 => "PS256",
            Self::PS384 => "PS384",
            Self::PS512 => "PS512",
            Self::ES256 => "ES256",
            Self::ES384 => "ES384",
            Self::EdDSA => "EdDSA",
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa44 => "ML-DSA-44",
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa65 => "ML-DSA-65",
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa87 => "ML-DSA-87",
        }
    }

    /// Returns the name that determines all parameters: `Ed25519` instead of `EdDSA`.
    pub(super) const fn fully_specified(self) -> &'static str {
        match self {
            Self::EdDSA => "Ed25519",
            other => other.as_str(),
        }
    }

    /// Returns the names of this algorithm.
    pub(super) fn names(self) -> impl Iterator<Item = &'static str> {
        let other = Some(self.fully_specified()).filter(|other| *other != self.as_str());
        [self.as_str()].into_iter().chain(other)
    }

    /// Returns whether `name` is a name of this algorithm.
    pub(super) fn has_name(self, name: &str) -> bool {
        self.as_str() == name || self.fully_specified() == name
    }

    /// Returns whether the same secret signs and verifies, so that every verifier can also sign.
    #[must_use]
    pub const fn is_symmetric(self) -> bool {
        matches!(self, Self::HS256 | Self::HS384 | Self::HS512)
    }

    /// Returns whether a token can fit into a cookie, which has at most 4096 bytes.
    #[cfg(all(feature = "cookie", feature = "ml-dsa", feature = "routes"))]
    pub(crate) const fn fits_into_cookie(self) -> bool {
        !matches!(self, Self::MlDsa65 | Self::MlDsa87)
    }

    pub(super) const fn scheme(self) -> Scheme {
        match self {
            Self::HS256 => Scheme::Hmac(hmac::HMAC_SHA256),
            Self::HS384 => Scheme::Hmac(hmac::HMAC_SHA384),
            Self::HS512 => Scheme::Hmac(hmac::HMAC_SHA512),
            Self::RS256 => Scheme::Rsa {
                verifying: &signature::RSA_PKCS1_2048_8192_SHA256,
                signing: &signature::RSA_PKCS1_SHA256,
            },
            Self::RS384 => Scheme::Rsa {
                verifying: &signature::RSA_PKCS1_2048_8192_SHA384,
                signing: &signature::RSA_PKCS1_SHA384,
            },
            Self::RS512 => Scheme::Rsa {
                verifying: &signature::RSA_PKCS1_2048_8192_SHA512,
                signing: &signature::RSA_PKCS1_SHA512,
            },
            Self::PS256 => Scheme::Rsa {
                verifying: &signature::RSA_PSS_2048_8192_SHA256,
                signing: &signature::RSA_PSS_SHA256,
            },
            Self::PS384 => Scheme::Rsa {
                verifying: &signature::RSA_PSS_2048_8192_SHA384,
                signing: &signature::RSA_PSS_SHA384,
            },
            Self::PS512 => Scheme::Rsa {
                verifying: &signature::RSA_PSS_2048_8192_SHA512,
                signing: &signature::RSA_PSS_SHA512,
            },
            Self::ES256 => Scheme::Ecdsa {
                verifying: &signature::ECDSA_P256_SHA256_FIXED,
                signing: &signature::ECDSA_P256_SHA256_FIXED_SIGNING,
                coordinate_len: 32,
            },
            Self::ES384 => Scheme::Ecdsa {
                verifying: &signature::ECDSA_P384_SHA384_FIXED,
                signing: &signature::ECDSA_P384_SHA384_FIXED_SIGNING,
                coordinate_len: 48,
            },
            Self::EdDSA => Scheme::Ed25519,
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa44 => Scheme::MlDsa {
                verifying: &signature::ML_DSA_44,
                signing: &signature::ML_DSA_44_SIGNING,
            },
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa65 => Scheme::MlDsa {
                verifying: &signature::ML_DSA_65,
                signing: &signature::ML_DSA_65_SIGNING,
            },
            #[cfg(feature = "ml-dsa")]
            Self::MlDsa87 => Scheme::MlDsa {
                verifying: &signature::ML_DSA_87,
                signing: &signature::ML_DSA_87_SIGNING,
            },
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Algorithm {
    type Err = ConfigError;

    /// Parses the exact name. `Ed25519` is another name of `EdDSA`.
    ///
    /// # Errors
    ///
    /// [`Key`](crate::ConfigErrorKind::Key) for any other string.
    fn from_str(name: &str) -> Result<Self, ConfigError> {
        Self::ALL
            .iter()
            .copied()
            .find(|algorithm| algorithm.has_name(name))
            .ok_or(ConfigError::key("the signature algorithm is unknown or not supported"))
    }
}
