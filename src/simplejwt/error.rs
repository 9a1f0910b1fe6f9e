//! [`SimpleJwtError`], with SimpleJWT's statuses and bodies.

use std::{error::Error, fmt};

use http::{HeaderValue, StatusCode};
use serde::Serialize;

use crate::{
    error::{AuthError, AuthErrorKind},
    store::{StoreError, StoreErrorKind},
    user::BackendError,
};

use super::{token_class::TokenClass, token_fault::TokenFault};

/// Why a request was rejected, with SimpleJWT's status and body.
///
/// A handler may return it as a response. The response carries an [`AuthError`] in its extensions,
/// like every rejection. Its message is fixed for each reason and holds nothing of the token.
#[derive(Clone, Debug)]
pub struct SimpleJwtError {
    reason: Reason,
    /// The challenge of a `401`, unless it is `Bearer realm="api"`.
    challenge: Option<HeaderValue>,
    /// What the check of the token found, with more details than the reason.
    found: Option<AuthError>,
}

#[derive(Clone, Debug)]
pub(super) enum Reason {
    /// At a token view: what is wrong with the token.
    Token(TokenFault),
    /// At a protected view: why no accepted class takes the token.
    NoClassFits(Vec<(TokenClass, TokenFault)>),
    /// At `verify`: the token is blacklisted.
    VerifiedBlacklisted,
    InvalidCredentials,
    NoActiveAccount,
    NotAuthenticated,
    MalformedHeader,
    NoUserId,
    UserNotFound,
    UserInactive,
    /// Only protected views send a code.
    PasswordChanged {
        with_code: bool,
    },
    /// What SimpleJWT has no response for, mostly an outage.
    Other(AuthError),
}

impl SimpleJwtError {
    /// A handler extracts `user` on a route without the layer.
    pub(super) fn missing_layer(user: &'static str) -> Self {
        AuthError::missing_layer(user, "SimpleJwtLayer").into()
    }

    pub(super) fn with_challenge(self, challenge: HeaderValue) -> Self {
        Self { challenge: Some(challenge), ..self }
    }

    /// Sets the error for the extensions of the response. It must have the kind of the reason.
    pub(super) fn with_found(self, error: AuthError) -> Self {
        Self { found: Some(error), ..self }
    }

    pub(super) const fn challenge(&self) -> Option<&HeaderValue> {
        self.challenge.as_ref()
    }

    pub(super) const fn reason(&self) -> &Reason {
        &self.reason
    }

    /// The error for the extensions of the response.
    pub(super) fn auth_error(&self) -> AuthError {
        if let Some(found) = &self.found {
            return found.clone();
        }
        let kind = match &self.reason {
            Reason::Token(fault) => fault.kind(),
            Reason::NoClassFits(faults) => {
                faults.first().map_or(AuthErrorKind::Malformed, |(_, fault)| fault.kind())
            }
            Reason::VerifiedBlacklisted => AuthErrorKind::Revoked,
            Reason::InvalidCredentials => AuthErrorKind::InvalidCredentials,
            Reason::NotAuthenticated => AuthErrorKind::MissingCredentials,
            Reason::MalformedHeader => AuthErrorKind::InvalidRequest,
            Reason::NoUserId => AuthErrorKind::InvalidClaims,
            Reason::NoActiveAccount
            | Reason::UserNotFound
            | Reason::UserInactive
            | Reason::PasswordChanged { .. } => AuthErrorKind::UserInactive,
            Reason::Other(error) => return error.clone(),
        };
        kind.into()
    }

    /// The status of the response.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match &self.reason {
            Reason::VerifiedBlacklisted => StatusCode::BAD_REQUEST,
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
            Reason::MalformedHeader => {
                "Authorization header must contain two space-delimited values".to_owned()
            }
            Reason::NoUserId => "Token contained no recognizable user identification".to_owned(),
            Reason::UserNotFound => "User not found".to_owned(),
            Reason::UserInactive => "User is inactive".to_owned(),
            Reason::PasswordChanged { .. } => "The user's password has been changed.".to_owned(),
            Reason::Other(error) => error.kind().detail().to_owned(),
        }
    }

    /// The `code` of the response, for programs. `None` if SimpleJWT sends no code.
    #[must_use]
    pub fn code(&self) -> Option<&'static str> {
        match &self.reason {
            Reason::Token(_) | Reason::NoClassFits(_) | Reason::NoUserId => Some("token_not_valid"),
            Reason::MalformedHeader => Some("bad_authorization_header"),
            Reason::UserNotFound => Some("user_not_found"),
            Reason::UserInactive => Some("user_inactive"),
            Reason::PasswordChanged { with_code } => with_code.then_some("password_changed"),
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
        match error.kind() {
            // An id that no row can hold.
            StoreErrorKind::InvalidInput => {
                TokenFault::Invalid(AuthErrorKind::InvalidClaims).into()
            }
            _ => AuthError::with_source(AuthErrorKind::Unavailable, error).into(),
        }
    }
}

impl From<BackendError> for SimpleJwtError {
    fn from(error: BackendError) -> Self {
        AuthError::from(error).into()
    }
}

impl From<Reason> for SimpleJwtError {
    fn from(reason: Reason) -> Self {
        Self { reason, challenge: None, found: None }
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
