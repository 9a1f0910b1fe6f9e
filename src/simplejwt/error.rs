//! [`SimpleJwtError`]: what SimpleJWT says when it does not do what it was asked.

use std::{error::Error, fmt};

use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::{
    error::{AuthError, AuthErrorKind},
    store::StoreError,
};

use super::TokenClass;

/// Why a request was refused, with SimpleJWT's status and body.
///
/// A response: handlers may return it. Like every refused response it carries an [`AuthError`] in
/// its extensions. Its text is fixed for each reason, and holds nothing of the token.
#[derive(Clone, Debug)]
pub struct SimpleJwtError {
    reason: Reason,
    /// The challenge of a `401`, if it is another than `Bearer realm="api"`.
    challenge: Option<HeaderValue>,
}

/// What is wrong with a token, told as SimpleJWT tells it.
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
    fn kind(&self) -> AuthErrorKind {
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

#[derive(Clone, Debug)]
pub(super) enum Reason {
    /// At a token view: the token is not good.
    Token(TokenFault),
    /// At a protected view: it is not good as a token of any accepted class.
    NoClassFits(Vec<(TokenClass, TokenFault)>),
    /// At `verify`: it was blacklisted.
    VerifiedBlacklisted,
    InvalidCredentials,
    NoActiveAccount,
    NotAuthenticated,
    BadHeader,
    NoUserId,
    UserNotFound,
    UserInactive,
    /// `with_code` at protected views.
    PasswordChanged {
        with_code: bool,
    },
    /// A handler asked for what no layer can have put there.
    MissingLayer(&'static str),
    /// Something else that SimpleJWT does not speak of: an outage, mostly.
    Other(AuthError),
}

impl SimpleJwtError {
    pub(super) fn with_challenge(self, challenge: HeaderValue) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    pub(super) const fn challenge(&self) -> Option<&HeaderValue> {
        self.challenge.as_ref()
    }

    pub(super) const fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The error that goes into the extensions of the response.
    pub(super) fn auth_error(&self) -> AuthError {
        let kind = match &self.reason {
            Reason::Token(fault) => fault.kind(),
            Reason::NoClassFits(faults) => {
                faults.first().map_or(AuthErrorKind::Malformed, |(_, fault)| fault.kind())
            }
            Reason::VerifiedBlacklisted => AuthErrorKind::Revoked,
            Reason::InvalidCredentials => AuthErrorKind::InvalidCredentials,
            Reason::NotAuthenticated => AuthErrorKind::MissingCredentials,
            Reason::BadHeader => AuthErrorKind::InvalidRequest,
            Reason::NoUserId => AuthErrorKind::InvalidClaims,
            Reason::NoActiveAccount
            | Reason::UserNotFound
            | Reason::UserInactive
            | Reason::PasswordChanged { .. } => AuthErrorKind::UserInactive,
            Reason::MissingLayer(_) => AuthErrorKind::Misconfigured,
            Reason::Other(error) => return error.clone(),
        };
        kind.into()
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match &self.reason {
            Reason::VerifiedBlacklisted => StatusCode::BAD_REQUEST,
            Reason::MissingLayer(_) => StatusCode::INTERNAL_SERVER_ERROR,
            Reason::Other(error) => error.kind().status(),
            _ => StatusCode::UNAUTHORIZED,
        }
    }

    /// The `detail` of the response, for people.
    #[must_use]
    pub fn detail(&self) -> String {
        match &self.reason {
            Reason::Token(fault) => fault.to_string(),
            Reason::NoClassFits(_) => "Given token not valid for any token type".to_owned(),
            Reason::VerifiedBlacklisted => TokenFault::Blacklisted.to_string(),
            Reason::InvalidCredentials => {
                "No active account found with the given credentials".to_owned()
            }
            Reason::NoActiveAccount => "No active account found for the given token.".to_owned(),
            Reason::NotAuthenticated => "Authentication credentials were not provided.".to_owned(),
            Reason::BadHeader => {
                "Authorization header must contain two space-delimited values".to_owned()
            }
            Reason::NoUserId => "Token contained no recognizable user identification".to_owned(),
            Reason::UserNotFound => "User not found".to_owned(),
            Reason::UserInactive => "User is inactive".to_owned(),
            Reason::PasswordChanged { .. } => "The user's password has been changed.".to_owned(),
            Reason::MissingLayer(user) => {
                format!("{user} needs a SimpleJwtLayer around this route.")
            }
            Reason::Other(error) => error.detail().into_owned(),
        }
    }

    /// The `code` of the response, for programs, where SimpleJWT sends one.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match &self.reason {
            Reason::Token(_) | Reason::NoClassFits(_) | Reason::NoUserId => Some("token_not_valid"),
            Reason::BadHeader => Some("bad_authorization_header"),
            Reason::UserNotFound => Some("user_not_found"),
            Reason::UserInactive => Some("user_inactive"),
            Reason::PasswordChanged { with_code } => with_code.then_some("password_changed"),
            Reason::MissingLayer(_) => Some(AuthErrorKind::Misconfigured.code()),
            Reason::Other(error) => Some(error.kind().code()),
            Reason::VerifiedBlacklisted
            | Reason::InvalidCredentials
            | Reason::NoActiveAccount
            | Reason::NotAuthenticated => None,
        }
    }

    /// The body of the response.
    pub(super) fn to_json(&self) -> String {
        let body = match &self.reason {
            Reason::VerifiedBlacklisted => Body::NonField { non_field_errors: [self.detail()] },
            Reason::NoClassFits(faults) => Body::Detail {
                detail: self.detail(),
                code: self.code(),
                messages: faults.iter().map(Message::new).collect(),
            },
            _ => Body::Detail { detail: self.detail(), code: self.code(), messages: Vec::new() },
        };
        serde_json::to_string(&body).unwrap_or_default()
    }
}

#[derive(Serialize)]
#[serde(untagged)]
enum Body {
    Detail {
        detail: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        code: Option<&'static str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        messages: Vec<Message>,
    },
    NonField {
        non_field_errors: [String; 1],
    },
}

#[derive(Serialize)]
struct Message {
    token_class: &'static str,
    token_type: &'static str,
    message: String,
}

impl Message {
    fn new((class, fault): &(TokenClass, TokenFault)) -> Self {
        Self {
            token_class: class.name(),
            token_type: class.type_name(),
            message: fault.to_string(),
        }
    }
}

impl From<AuthError> for SimpleJwtError {
    fn from(error: AuthError) -> Self {
        Reason::Other(error).into()
    }
}

impl From<StoreError> for SimpleJwtError {
    fn from(error: StoreError) -> Self {
        AuthError::with_source(AuthErrorKind::Unavailable, error).into()
    }
}

impl From<Reason> for SimpleJwtError {
    fn from(reason: Reason) -> Self {
        Self { reason, challenge: None }
    }
}

impl From<TokenFault> for SimpleJwtError {
    fn from(fault: TokenFault) -> Self {
        Reason::Token(fault).into()
    }
}

impl fmt::Display for SimpleJwtError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.auth_error(), f)
    }
}

impl Error for SimpleJwtError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.reason {
            Reason::Other(error) => Some(error),
            _ => None,
        }
    }
}
