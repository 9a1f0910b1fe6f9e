use std::{fmt, net::IpAddr, sync::Arc};

#[cfg(feature = "accounts")]
use crate::mail::{MailError, MessageKind};
use crate::{clock::NumericDate, error::AuthErrorKind};

/// A function that is called on each [`Event`].
pub(super) type Listener = Arc<dyn Fn(&Event<'_>) + Send + Sync>;

/// A change of a user's session, passed to the listeners added with
/// [`IssuerBuilder::on_event`](super::IssuerBuilder::on_event).
///
/// `Debug` shows the name of the event and no id.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Event<'a> {
    /// A user logged in.
    LoginSucceeded {
        /// The id of the user.
        user_id: &'a str,
        /// The id of the new session.
        session_id: &'a str,
    },
    /// A login was rejected.
    LoginFailed {
        /// Why it was rejected.
        reason: AuthErrorKind,
        /// The [keyed hash](super::Issuer::login_name_hash) of the name that the client sent. `None`
        /// without a [key](super::IssuerBuilder::login_name_key), and if there was no name.
        name_hash: Option<&'a str>,
        /// The address of the client: that of the connection or, with the
        /// [trusted proxies](crate::throttle::ThrottleBuilder::trusted_proxies) of a throttle, the one that
        /// they name. `None` if the server does not provide it, and without the feature `throttle`.
        address: Option<IpAddr>,
    },
    /// A session was refreshed.
    Refreshed {
        /// The id of the user.
        user_id: &'a str,
        /// The id of the session.
        session_id: &'a str,
    },
    /// A spent refresh token was used again within the
    /// [grace](super::IssuerBuilder::reuse_grace), and returned the same successor again.
    ///
    /// Two tabs of a browser cause this event now and then, and so does a client whose connection
    /// broke. A thief who uses a stolen token right after its owner causes nothing else, so count it
    /// for each session.
    Replayed {
        /// The id of the user.
        user_id: &'a str,
        /// The id of the session.
        session_id: &'a str,
        /// The id of the spent token.
        jti: &'a str,
        /// The id of the successor.
        successor: &'a str,
        /// When the token was spent.
        spent_at: NumericDate,
        /// When it was used again.
        replayed_at: NumericDate,
    },
    /// A spent refresh token was used again, and its session was ended. Either the client or a thief
    /// used it; they cannot be distinguished.
    ReuseDetected {
        /// The id of the user.
        user_id: &'a str,
        /// The id of the session.
        session_id: &'a str,
    },
    /// A token was revoked.
    TokenRevoked {
        /// The id of the user.
        user_id: &'a str,
        /// The id of the token.
        jti: &'a str,
    },
    /// A session was ended by its user or by an operator.
    SessionRevoked {
        /// The id of the user.
        user_id: &'a str,
        /// The id of the session.
        session_id: &'a str,
    },
    /// A session was ended by a login that exceeded the
    /// [limit](super::IssuerBuilder::sessions_per_user) of sessions.
    ///
    /// The event may be missing if the connection to the store broke during that login.
    SessionDisplaced {
        /// The id of the user.
        user_id: &'a str,
        /// The id of the session.
        session_id: &'a str,
    },
    /// All sessions of a user were ended.
    UserRevoked {
        /// The id of the user.
        user_id: &'a str,
    },
    /// A user signed up.
    #[cfg(feature = "accounts")]
    AccountCreated {
        /// The id of the user.
        user_id: &'a str,
    },
    /// A user confirmed an e-mail address.
    #[cfg(feature = "accounts")]
    EmailVerified {
        /// The id of the user.
        user_id: &'a str,
    },
    /// A user changed or reset the password.
    #[cfg(feature = "accounts")]
    PasswordChanged {
        /// The id of the user.
        user_id: &'a str,
    },
    /// A user deleted the account.
    #[cfg(feature = "accounts")]
    AccountDeleted {
        /// The id of the user.
        user_id: &'a str,
    },
    /// A user enabled a second factor with the account routes.
    #[cfg(all(feature = "accounts", feature = "totp"))]
    SecondFactorEnabled {
        /// The id of the user.
        user_id: &'a str,
    },
    /// A user disabled the second factor with the account routes.
    #[cfg(all(feature = "accounts", feature = "totp"))]
    SecondFactorDisabled {
        /// The id of the user.
        user_id: &'a str,
    },
    /// A mail of the account routes was not sent.
    #[cfg(feature = "accounts")]
    MailFailed {
        /// What the mail was about.
        kind: MessageKind,
        /// Why it was not sent. The source may contain the address of the recipient.
        error: &'a MailError,
    },
}

impl fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::LoginSucceeded { .. } => "LoginSucceeded",
            Self::LoginFailed { .. } => "LoginFailed",
            Self::Refreshed { .. } => "Refreshed",
            Self::Replayed { .. } => "Replayed",
            Self::ReuseDetected { .. } => "ReuseDetected",
            Self::TokenRevoked { .. } => "TokenRevoked",
            Self::SessionRevoked { .. } => "SessionRevoked",
            Self::SessionDisplaced { .. } => "SessionDisplaced",
            Self::UserRevoked { .. } => "UserRevoked",
            #[cfg(feature = "accounts")]
            Self::AccountCreated { .. } => "AccountCreated",
            #[cfg(feature = "accounts")]
            Self::EmailVerified { .. } => "EmailVerified",
            #[cfg(feature = "accounts")]
            Self::PasswordChanged { .. } => "PasswordChanged",
            #[cfg(feature = "accounts")]
            Self::AccountDeleted { .. } => "AccountDeleted",
            #[cfg(all(feature = "accounts", feature = "totp"))]
            Self::SecondFactorEnabled { .. } => "SecondFactorEnabled",
            #[cfg(all(feature = "accounts", feature = "totp"))]
            Self::SecondFactorDisabled { .. } => "SecondFactorDisabled",
            #[cfg(feature = "accounts")]
            Self::MailFailed { .. } => "MailFailed",
        })
    }
}
