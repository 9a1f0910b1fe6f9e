//! What calls to a store carry, and what they return.

use std::{fmt, num::NonZeroUsize, time::Duration};

use crate::{clock::NumericDate, token::UserId};

use super::error::StoreError;

/// The longest id or label that a store accepts, in bytes.
pub const MAX_ID_LEN: usize = 255;

/// A number that a store raises with every [`Revocation::User`].
///
/// Read it before a user authenticates, and pass it to [`NewSession::with_generation`]: a login
/// that began before its user was revoked is then refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// The generation with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

/// A session that begins with a login.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct NewSession<'a> {
    /// The session's id.
    pub session_id: &'a str,
    /// The user's id.
    pub user_id: &'a UserId,
    /// The `jti` of the session's first refresh token.
    pub refresh: &'a str,
    /// The current time.
    pub now: NumericDate,
    /// When the refresh token expires.
    pub expires_at: NumericDate,
    /// Until when the session must be remembered: no token of it is valid afterwards.
    pub keep_until: NumericDate,
    /// Until when the session must be remembered if it ends early: no access token of it that
    /// exists by then is valid afterwards.
    pub access_until: NumericDate,
    /// A label by which the user may recognize the session, for example the name of the device.
    pub label: Option<&'a str>,
    /// How many sessions the user may have; `None` for any number.
    pub limit: Option<NonZeroUsize>,
    /// The store's generation, read before the user authenticated; `None` to begin the session
    /// whatever was revoked in the meantime.
    pub generation: Option<Generation>,
}

impl<'a> NewSession<'a> {
    /// A session `session_id` of `user_id` whose first refresh token is `refresh`. All times are
    /// `now`; it has no label, limit or generation.
    #[must_use]
    pub const fn new(
        session_id: &'a str,
        user_id: &'a UserId,
        refresh: &'a str,
        now: NumericDate,
    ) -> Self {
        Self {
            session_id,
            user_id,
            refresh,
            now,
            expires_at: now,
            keep_until: now,
            access_until: now,
            label: None,
            limit: None,
            generation: None,
        }
    }

    /// Sets when the refresh token expires, and until when the session must be remembered, also if
    /// it ends early.
    #[must_use]
    pub const fn with_expiry(mut self, expires_at: NumericDate, keep_until: NumericDate) -> Self {
        self.expires_at = expires_at;
        self.keep_until = keep_until;
        self.access_until = keep_until;
        self
    }

    /// Sets until when the session must be remembered if it ends early. Call it after
    /// [`with_expiry`](Self::with_expiry), which sets this too.
    #[must_use]
    pub const fn with_access_until(mut self, access_until: NumericDate) -> Self {
        self.access_until = access_until;
        self
    }

    /// Sets the label.
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

    /// Sets the generation that was read before the user authenticated.
    #[must_use]
    pub const fn with_generation(mut self, generation: Option<Generation>) -> Self {
        self.generation = generation;
        self
    }

    /// Checks the lengths of ids and label. Stores call this first.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](super::StoreErrorKind::InvalidInput) if one exceeds [`MAX_ID_LEN`].
    pub fn validate(&self) -> Result<(), StoreError> {
        check_lengths([self.session_id, self.user_id.as_str(), self.refresh])?;
        check_lengths(self.label)
    }
}

/// The outcome of beginning a session.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Begun {
    /// The session has begun.
    Started {
        /// The ids of the sessions that the [limit](NewSession::limit) ended, in any order.
        ended: Vec<Box<str>>,
    },
    /// The user was revoked after the [generation](NewSession::generation) was read. Nothing has
    /// changed.
    UserRevoked,
}

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
    /// [`InvalidInput`](super::StoreErrorKind::InvalidInput) if one exceeds [`MAX_ID_LEN`].
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

/// What to revoke.
///
/// A store must return an error for a variant that it does not know.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum Revocation<'a> {
    /// One token.
    Token {
        /// The token's `jti`.
        jti: &'a str,
        /// The user's id.
        user_id: &'a UserId,
        /// Until when the revocation must be remembered.
        keep_until: NumericDate,
    },
    /// One session. If the store does not know it, nothing is stored.
    Session {
        /// The session's id.
        session_id: &'a str,
        /// The user's id.
        user_id: &'a UserId,
        /// Until when the session must be remembered: no access token of it that exists by then is
        /// valid afterwards.
        keep_until: NumericDate,
    },
    /// All sessions of a user, all logins under way, and all tokens of the user that belong to no
    /// known session.
    User {
        /// The user's id.
        user_id: &'a UserId,
        /// A session that continues.
        except: Option<&'a str>,
        /// Until when the revocation must be remembered.
        keep_until: NumericDate,
    },
}

impl<'a> Revocation<'a> {
    /// The id of the user whose token, session or sessions are revoked.
    pub(super) const fn user_id(&self) -> &'a UserId {
        let (Self::Token { user_id, .. }
        | Self::Session { user_id, .. }
        | Self::User { user_id, .. }) = *self;
        user_id
    }

    /// The same revocation for another user.
    pub(super) const fn with_user_id<'b>(&self, user_id: &'b UserId) -> Revocation<'b>
    where
        'a: 'b,
    {
        match *self {
            Self::Token { jti, keep_until, .. } => Revocation::Token { jti, user_id, keep_until },
            Self::Session { session_id, keep_until, .. } => {
                Revocation::Session { session_id, user_id, keep_until }
            }
            Self::User { except, keep_until, .. } => {
                Revocation::User { user_id, except, keep_until }
            }
        }
    }

    /// Checks the lengths of the ids. Stores call this first.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](super::StoreErrorKind::InvalidInput) if one exceeds [`MAX_ID_LEN`].
    pub fn validate(&self) -> Result<(), StoreError> {
        let (id, user_id) = match *self {
            Self::Token { jti, user_id, .. } => (Some(jti), user_id),
            Self::Session { session_id, user_id, .. } => (Some(session_id), user_id),
            Self::User { user_id, except, .. } => (except, user_id),
        };
        check_lengths(id.into_iter().chain([user_id.as_str()]))
    }
}

/// A token as a store knows it.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct TokenRef<'a> {
    /// The token's `jti`.
    pub jti: Option<&'a str>,
    /// The session's id.
    pub session_id: Option<&'a str>,
    /// The user's id.
    pub user_id: &'a str,
    /// When the token was issued; tokens without `iat` count as issued in 1970.
    pub issued_at: NumericDate,
    /// Whether it is a refresh token, which must also be unspent.
    pub refresh: bool,
    /// Whether the session may be unknown, as for [`Spend::adopt`].
    pub adopt: bool,
}

impl<'a> TokenRef<'a> {
    /// A token of a user, issued at `issued_at`, without id or session, not a refresh token.
    #[must_use]
    pub const fn new(user_id: &'a str, issued_at: NumericDate) -> Self {
        Self { jti: None, session_id: None, user_id, issued_at, refresh: false, adopt: false }
    }

    /// Sets the `jti`.
    #[must_use]
    pub const fn with_jti(mut self, jti: Option<&'a str>) -> Self {
        self.jti = jti;
        self
    }

    /// Sets the session's id.
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

    /// Checks the lengths of the ids. Stores call this first.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](super::StoreErrorKind::InvalidInput) if one exceeds [`MAX_ID_LEN`].
    pub fn validate(&self) -> Result<(), StoreError> {
        check_lengths(self.jti.into_iter().chain(self.session_id).chain([self.user_id]))
    }
}

/// Which of a user's sessions to list.
#[derive(Clone, Copy)]
pub struct Page<'a> {
    cursor: Option<&'a str>,
    limit: usize,
}

impl<'a> Page<'a> {
    /// The highest [limit](Self::limit).
    pub const MAX_LIMIT: usize = 100;

    /// The first page.
    #[must_use]
    pub const fn first() -> Self {
        Self { cursor: None, limit: Self::MAX_LIMIT }
    }

    /// The page after the one that returned `cursor` as [`SessionPage::next`].
    #[must_use]
    pub const fn after(cursor: &'a str) -> Self {
        Self { cursor: Some(cursor), limit: Self::MAX_LIMIT }
    }

    /// Sets how many sessions the page has at most, from 1 to [`MAX_LIMIT`](Self::MAX_LIMIT). Other
    /// numbers are taken to the nearest of these. Default: `MAX_LIMIT`.
    #[must_use]
    pub fn with_limit(mut self, limit: usize) -> Self {
        self.limit = limit.clamp(1, Self::MAX_LIMIT);
        self
    }

    /// The cursor after which the page begins; `None` for the first page.
    #[must_use]
    pub const fn cursor(&self) -> Option<&'a str> {
        self.cursor
    }

    /// How many sessions the page has at most.
    #[must_use]
    pub const fn limit(&self) -> usize {
        self.limit
    }
}

/// Some of a user's sessions.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct SessionPage {
    /// The sessions. There may be fewer than the limit, or none, although more pages follow.
    pub sessions: Vec<Session>,
    /// The cursor of the next page; `None` if this is the last one.
    pub next: Option<Box<str>>,
}

impl SessionPage {
    /// A page with these sessions, followed by the page after `next`.
    #[must_use]
    pub const fn new(sessions: Vec<Session>, next: Option<Box<str>>) -> Self {
        Self { sessions, next }
    }
}

/// A session as its user may see it.
#[derive(Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Session {
    /// The session's id, which is the `sid` of its tokens.
    pub id: Box<str>,
    /// When the user logged in.
    pub created_at: NumericDate,
    /// When the session was last refreshed.
    pub last_used_at: NumericDate,
    /// When its refresh token expires.
    pub expires_at: NumericDate,
    /// Its label.
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

    /// Sets the label.
    #[must_use]
    pub fn with_label(mut self, label: Option<Box<str>>) -> Self {
        self.label = label;
        self
    }
}

/// Rejects ids and labels that are too long.
pub(super) fn check_lengths<'a>(
    strings: impl IntoIterator<Item = &'a str>,
) -> Result<(), StoreError> {
    if strings.into_iter().any(|string| string.len() > MAX_ID_LEN) {
        return Err(StoreError::invalid_input("an id or label is longer than 255 bytes"));
    }
    Ok(())
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
redacted_debug!(NewSession, Spend, Revocation, TokenRef, Page);

impl fmt::Debug for Begun {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Started { ended } => {
                f.debug_struct("Started").field("ended", &ended.len()).finish()
            }
            Self::UserRevoked => f.write_str("UserRevoked"),
        }
    }
}

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

impl fmt::Debug for SessionPage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionPage")
            .field("sessions", &self.sessions.len())
            .field("is_last", &self.next.is_none())
            .finish()
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session").finish_non_exhaustive()
    }
}
