use std::fmt;

use crate::clock::NumericDate;

use super::redacted::redacted_debug;

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

redacted_debug!(Page);

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
