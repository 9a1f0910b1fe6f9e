use std::fmt;

use crate::error::AuthErrorKind;

/// Something that happened to a user's session, told to
/// [`IssuerBuilder::on_event`](super::IssuerBuilder::on_event).
///
/// Sessions that end because of [a limit](super::IssuerBuilder::sessions_per_user) have no event of
/// their own, since stores do not tell which those were: any
/// [`LoginSucceeded`](Self::LoginSucceeded) may have ended some.
///
/// `Debug` shows which event it is, and no id.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A user logged in.
    LoginSucceeded {
        /// Who.
        user_id: &'a str,
        /// The session that began.
        session_id: &'a str,
    },
    /// A login was refused.
    LoginFailed {
        /// Why.
        reason: AuthErrorKind,
    },
    /// A session got new tokens.
    Refreshed {
        /// Whose.
        user_id: &'a str,
        /// Which.
        session_id: &'a str,
    },
    /// A spent refresh token was used again, so its session has been ended. Either the client or
    /// a thief has it; they cannot be told apart.
    ReuseDetected {
        /// Whose.
        user_id: &'a str,
        /// Which.
        session_id: &'a str,
    },
    /// A token was revoked.
    TokenRevoked {
        /// Whose.
        user_id: &'a str,
        /// Its `jti`.
        jti: &'a str,
    },
    /// A session was ended by its user or an operator.
    SessionRevoked {
        /// Whose.
        user_id: &'a str,
        /// Which.
        session_id: &'a str,
    },
    /// All sessions of a user were ended.
    UserRevoked {
        /// Who.
        user_id: &'a str,
    },
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LoginSucceeded { .. } => "LoginSucceeded",
            Self::LoginFailed { .. } => "LoginFailed",
            Self::Refreshed { .. } => "Refreshed",
            Self::ReuseDetected { .. } => "ReuseDetected",
            Self::TokenRevoked { .. } => "TokenRevoked",
            Self::SessionRevoked { .. } => "SessionRevoked",
            Self::UserRevoked { .. } => "UserRevoked",
        })
    }
}
