use crate::{clock::NumericDate, token::UserId};

use super::{super::error::StoreError, lengths::check_lengths, redacted::redacted_debug};

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
    pub(in super::super) const fn user_id(&self) -> &'a UserId {
        let (Self::Token { user_id, .. }
        | Self::Session { user_id, .. }
        | Self::User { user_id, .. }) = *self;
        user_id
    }

    /// The same revocation for another user.
    pub(in super::super) const fn with_user_id<'b>(&self, user_id: &'b UserId) -> Revocation<'b>
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
    /// [`InvalidInput`](crate::store::StoreErrorKind::InvalidInput) if one exceeds
    /// [`MAX_ID_LEN`](super::MAX_ID_LEN).
    pub fn validate(&self) -> Result<(), StoreError> {
        let (id, user_id) = match *self {
            Self::Token { jti, user_id, .. } => (Some(jti), user_id),
            Self::Session { session_id, user_id, .. } => (Some(session_id), user_id),
            Self::User { user_id, except, .. } => (except, user_id),
        };
        check_lengths(id.into_iter().chain([user_id.as_str()]))
    }
}

redacted_debug!(Revocation);
