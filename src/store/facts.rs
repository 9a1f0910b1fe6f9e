//! What calls to a store carry, and what they return.

use std::{fmt, num::NonZeroUsize, time::Duration};

use crate::{clock::NumericDate, token::UserId};

/// A session that begins.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct NewSession<'a> {
    /// Its id.
    pub session_id: &'a str,
    /// Whose it is.
    pub user_id: &'a UserId,
    /// The `jti` of its first refresh token.
    pub refresh: &'a str,
    /// Now.
    pub now: NumericDate,
    /// When its refresh token expires.
    pub expires_at: NumericDate,
    /// Until when it must be remembered: no token of it can be good afterwards.
    pub keep_until: NumericDate,
    /// What its user may recognize it by, such as the name of the device.
    pub label: Option<&'a str>,
    /// How many sessions the user may have; `None` for any number.
    pub limit: Option<NonZeroUsize>,
}

impl<'a> NewSession<'a> {
    /// A session `session_id` of `user_id`, whose first refresh token is `refresh`, with the times
    /// all set to `now`.
    #[must_use]
    pub const fn new(
        session_id: &'a str,
        user_id: &'a UserId,
        refresh: &'a str,
        now: NumericDate,
    ) -> Self {
        let (expires_at, keep_until) = (now, now);
        let (label, limit) = (None, None);
        Self { session_id, user_id, refresh, now, expires_at, keep_until, label, limit }
    }

    /// Sets when its refresh token expires, and until when it must be remembered.
    #[must_use]
    pub const fn with_expiry(mut self, expires_at: NumericDate, keep_until: NumericDate) -> Self {
        self.expires_at = expires_at;
        self.keep_until = keep_until;
        self
    }

    /// Sets what its user may recognize it by.
    #[must_use]
    pub const fn with_label(mut self, label: Option<&'a str>) -> Self {
        self.label = label;
        self
    }

    /// Sets how many sessions the user may have.
    #[must_use]
    pub const fn with_limit(mut self, limit: Option<NonZeroUsize>) -> Self {
        self.limit = limit;
        self
    }
}

/// A refresh token that is being spent.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Spend<'a> {
    /// Its session.
    pub session_id: &'a str,
    /// Its user.
    pub user_id: &'a UserId,
    /// Its `jti`.
    pub refresh: &'a str,
    /// When it was issued.
    pub issued_at: NumericDate,
    /// The `jti` of the token that shall succeed it: a new one with every call.
    pub successor: &'a str,
    /// How long, in whole seconds, after its first spending it gets the same successor again.
    pub grace: Duration,
    /// Whether its session may be unknown: it names none, and its own `jti` stands for it.
    pub adopt: bool,
    /// Now.
    pub now: NumericDate,
    /// When the successor expires.
    pub expires_at: NumericDate,
    /// Until when the session must be remembered: no token of it can be good afterwards.
    pub keep_until: NumericDate,
}

impl<'a> Spend<'a> {
    /// The spending of `refresh`, issued for the session at `issued_at`, in favour of `successor`,
    /// without grace or adoption, with the other times set to `session.now` and its expiries.
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
        }
    }

    /// Sets how long after its first spending the token gets the same successor again.
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
}

/// What became of a [`Spend`].
#[derive(Clone, PartialEq, Eq)]
pub enum Spent {
    /// It was good, and its successor took its place.
    First,
    /// It had been spent within the grace time, and its successor is still unspent.
    Again {
        /// The `jti` of the successor named by the first spending.
        successor: Box<str>,
        /// When the first spending was.
        at: NumericDate,
    },
    /// It had been spent before: its session has ended just now.
    Reused,
    /// It, its session or its user was revoked before, or its session is unknown.
    Revoked,
}

/// What shall not be good any more.
///
/// A store must answer a kind that it does not know with an error.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Revocation<'a> {
    /// One token.
    Token {
        /// Its `jti`.
        jti: &'a str,
        /// Whose it is.
        user_id: &'a UserId,
        /// Until when this must be remembered.
        keep_until: NumericDate,
    },
    /// A session, also one the store has never heard of.
    Session {
        /// Its id.
        session_id: &'a str,
        /// Whose it is.
        user_id: &'a UserId,
        /// Until when this must be remembered.
        keep_until: NumericDate,
    },
    /// All sessions of a user, and all its tokens that name no session.
    User {
        /// Who.
        user_id: &'a UserId,
        /// A session that goes on.
        except: Option<&'a str>,
        /// Until when this must be remembered.
        keep_until: NumericDate,
    },
}

/// A token as a store knows it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct TokenRef<'a> {
    /// Its `jti`.
    pub jti: Option<&'a str>,
    /// Its session.
    pub session_id: Option<&'a str>,
    /// Its user.
    pub user_id: &'a str,
    /// When it was issued; tokens without `iat` count as issued in 1970.
    pub issued_at: NumericDate,
    /// Whether it is a refresh token, which must also be unspent.
    pub refresh: bool,
    /// Whether its session may be unknown, as for [`Spend::adopt`].
    pub adopt: bool,
}

impl<'a> TokenRef<'a> {
    /// A token of a user, issued at `issued_at`, without id or session, not a refresh token.
    #[must_use]
    pub const fn new(user_id: &'a str, issued_at: NumericDate) -> Self {
        Self { jti: None, session_id: None, user_id, issued_at, refresh: false, adopt: false }
    }

    /// Sets its `jti`.
    #[must_use]
    pub const fn with_jti(mut self, jti: Option<&'a str>) -> Self {
        self.jti = jti;
        self
    }

    /// Sets its session.
    #[must_use]
    pub const fn with_session(mut self, session_id: Option<&'a str>) -> Self {
        self.session_id = session_id;
        self
    }

    /// Makes it a refresh token, whose session may be unknown if `adopt` is set.
    #[must_use]
    pub const fn as_refresh(mut self, adopt: bool) -> Self {
        self.refresh = true;
        self.adopt = adopt;
        self
    }
}

/// A session as its user may see it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// Its id, as the tokens' `sid` says it.
    pub id: Box<str>,
    /// When the user logged in.
    pub created_at: NumericDate,
    /// When it was last refreshed.
    pub last_used_at: NumericDate,
    /// When its refresh token expires.
    pub expires_at: NumericDate,
    /// What its user may recognize it by.
    pub label: Option<Box<str>>,
}

impl Session {
    /// A session `id` with these times, without a label.
    #[must_use]
    pub fn new(
        id: impl Into<Box<str>>,
        created_at: NumericDate,
        last_used_at: NumericDate,
        expires_at: NumericDate,
    ) -> Self {
        Self { id: id.into(), created_at, last_used_at, expires_at, label: None }
    }

    /// Sets what its user may recognize it by.
    #[must_use]
    pub fn with_label(mut self, label: Option<Box<str>>) -> Self {
        self.label = label;
        self
    }
}

macro_rules! redacted_debug {
    ($($name:ident),*) => {$(
        impl fmt::Debug for $name<'_> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}
redacted_debug!(NewSession, Spend, Revocation, TokenRef);

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

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
