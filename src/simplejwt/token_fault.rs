use std::fmt;

use crate::error::AuthErrorKind;

/// What is wrong with a token, in SimpleJWT's words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum TokenFault {
    Invalid(AuthErrorKind),
    Expired,
    NoClaim(Box<str>),
    ClaimExpired(Box<str>),
    NoId,
    NoType,
    WrongType,
    Blacklisted,
}

impl TokenFault {
    pub(super) const fn kind(&self) -> AuthErrorKind {
        match self {
            Self::Invalid(kind) => *kind,
            Self::Expired | Self::ClaimExpired(_) => AuthErrorKind::Expired,
            Self::NoClaim(_) | Self::NoId => AuthErrorKind::InvalidClaims,
            Self::NoType | Self::WrongType => AuthErrorKind::WrongTokenType,
            Self::Blacklisted => AuthErrorKind::Revoked,
        }
    }
}

impl fmt::Display for TokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(_) => f.write_str("Token is invalid"),
            Self::Expired => f.write_str("Token is expired"),
            Self::NoClaim(name) => write!(f, "Token has no '{name}' claim"),
            Self::ClaimExpired(name) => write!(f, "Token '{name}' claim has expired"),
            Self::NoId => f.write_str("Token has no id"),
            Self::NoType => f.write_str("Token has no type"),
            Self::WrongType => f.write_str("Token has wrong type"),
            Self::Blacklisted => f.write_str("Token is blacklisted"),
        }
    }
}

impl From<AuthErrorKind> for TokenFault {
    fn from(kind: AuthErrorKind) -> Self {
        if kind == AuthErrorKind::Expired { Self::Expired } else { Self::Invalid(kind) }
    }
}
