use crate::clock::NumericDate;

use super::{super::error::StoreError, lengths::check_lengths, redacted::redacted_debug};

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
    /// Whether the session may be unknown, as for [`Spend::adopt`](super::Spend::adopt).
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
    /// [`InvalidInput`](crate::store::StoreErrorKind::InvalidInput) if one exceeds
    /// [`MAX_ID_LEN`](super::MAX_ID_LEN).
    pub fn validate(&self) -> Result<(), StoreError> {
        check_lengths(self.jti.into_iter().chain(self.session_id).chain([self.user_id]))
    }
}

redacted_debug!(TokenRef);
