use std::{fmt, time::Duration};

use crate::{clock::NumericDate, token::UserId};

use super::{
    super::error::StoreError, begin::NewSession, lengths::check_lengths, redacted::redacted_debug,
};

/// A refresh token that is being spent.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Spend<'a> {
    /// The session's id.
    pub session_id: &'a str,
    /// The user's id.
    pub user_id: &'a UserId,
    /// The token's `jti`.
    pub refresh: &'a str,
    /// When the token was issued.
    pub issued_at: NumericDate,
    /// The `jti` of the token's successor, a new one for each call.
    pub successor: &'a str,
    /// How long, in whole seconds, after it was first spent the token gets the same successor.
    pub grace: Duration,
    /// Whether the session may be unknown: the token names none, and its own `jti` stands for it.
    pub adopt: bool,
    /// The current time.
    pub now: NumericDate,
    /// When the successor expires.
    pub expires_at: NumericDate,
    /// Until when the session must be remembered: no token of it is valid afterwards.
    pub keep_until: NumericDate,
    /// Until when the session must be remembered if it ends early: no access token of it that
    /// exists by then is valid afterwards. This includes those that a repetition within the grace
    /// gets.
    pub access_until: NumericDate,
}

impl<'a> Spend<'a> {
    /// The token `session.refresh`, issued at `issued_at`, is spent for `successor`, with the times
    /// of `session`, without grace and without adoption.
    #[must_use]
    pub const fn new(session: &NewSession<'a>, issued_at: NumericDate, successor: &'a str) -> Self {
        Self {
            session_id: session.session_id,
            user_id: session.user_id,
            refresh: session.refresh,
            issued_at,
            successor,
            grace: Duration::ZERO,
            adopt: false,
            now: session.now,
            expires_at: session.expires_at,
            keep_until: session.keep_until,
            access_until: session.access_until,
        }
    }

    /// Sets how long after it was first spent the token gets the same successor.
    #[must_use]
    pub const fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets whether the session may be unknown.
    #[must_use]
    pub const fn with_adoption(mut self, adopt: bool) -> Self {
        self.adopt = adopt;
        self
    }

    /// Checks the lengths of the ids. Stores call this first.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::store::StoreErrorKind::InvalidInput) if one exceeds
    /// [`MAX_ID_LEN`](super::MAX_ID_LEN).
    pub fn validate(&self) -> Result<(), StoreError> {
        check_lengths([self.session_id, self.user_id.as_str(), self.refresh, self.successor])
    }
}

/// The outcome of spending a refresh token.
#[derive(Clone, PartialEq, Eq)]
pub enum Spent {
    /// The token was valid, and its successor has taken its place.
    First,
    /// The token had been spent within the grace, and its successor is still unspent.
    Again {
        /// The `jti` of the successor that the first spending named.
        successor: Box<str>,
        /// When the token was first spent.
        at: NumericDate,
    },
    /// The token had been spent before. Its session has ended with this call.
    Reused,
    /// The token, its session or its user was revoked before, or its session is unknown.
    Revoked,
}

redacted_debug!(Spend);

impl fmt::Debug for Spent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::First => f.write_str("First"),
            Self::Again { at, .. } => {
                f.debug_struct("Again").field("at", at).finish_non_exhaustive()
            }
            Self::Reused => f.write_str("Reused"),
            Self::Revoked => f.write_str("Revoked"),
        }
    }
}
