use std::{fmt, num::NonZeroUsize};

use crate::{clock::NumericDate, token::UserId};

use super::{
    super::error::StoreError, generation::Generation, lengths::check_lengths,
    redacted::redacted_debug,
};

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
    /// [`InvalidInput`](crate::store::StoreErrorKind::InvalidInput) if one exceeds
    /// [`MAX_ID_LEN`](super::MAX_ID_LEN).
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

redacted_debug!(NewSession);

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
