use std::fmt;

use crate::error::AuthErrorKind;

/// Something that happened to a user's session, told to
/// [`IssuerBuilder::on_event`](super::IssuerBuilder::on_event).
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
    /// A session has ended because its user logged in once more than
    /// [the limit](super::IssuerBuilder::sessions_per_user) allows.
    ///
    /// Where the connection to the store broke during that login, this may be missing.
    SessionDisplaced {
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
            Self::SessionDisplaced { .. } => "SessionDisplaced",
            Self::UserRevoked { .. } => "UserRevoked",
        })
    }
}
