use crate::{clock::NumericDate, token::UserId};

use super::{
    super::error::StoreError, generation::Generation, lengths::check_lengths,
    redacted::redacted_debug,
};

/// The use of a token, or of another id, that can be used once.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub struct Consume<'a> {
    /// What is used.
    pub id: ConsumeId<'a>,
    /// The user's id.
    pub user_id: &'a UserId,
    /// The session's id. If there is one, the session must be live.
    pub session_id: Option<&'a str>,
    /// When the token was issued. A token without session must have been issued after the last
    /// revocation of its user.
    pub issued_at: NumericDate,
    /// The store's generation when the token was issued. It decides about a revocation in the same
    /// second.
    pub generation: Option<Generation>,
    /// Until when the use must be remembered.
    pub keep_until: NumericDate,
}

/// The id of something that can be used once.
#[derive(Clone, Copy)]
#[non_exhaustive]
pub enum ConsumeId<'a> {
    /// The `jti` of a token. Consuming the token revokes it.
    Token(&'a str),
    /// Another id, for example of a one-time code.
    ///
    /// It is separate from the ids of tokens: consuming it revokes no token, even if one has an equal
    /// `jti`. Give ids for different purposes different prefixes, such as `totp:`.
    Other(&'a str),
}

impl<'a> Consume<'a> {
    /// The token `jti` of `user_id`, issued at `issued_at`, without session or generation.
    #[must_use]
    pub const fn token(
        jti: &'a str,
        user_id: &'a UserId,
        issued_at: NumericDate,
        keep_until: NumericDate,
    ) -> Self {
        let (session_id, generation) = (None, None);
        Self { id: ConsumeId::Token(jti), user_id, session_id, issued_at, generation, keep_until }
    }

    /// An id that is not that of a token. Revoking the user does not affect it.
    #[must_use]
    pub const fn other(id: &'a str, user_id: &'a UserId, keep_until: NumericDate) -> Self {
        let (issued_at, generation) = (NumericDate::MAX, Some(Generation::new(u64::MAX)));
        let token = Self::token(id, user_id, issued_at, keep_until);
        Self { id: ConsumeId::Other(id), generation, ..token }
    }

    /// Sets the session that must be live.
    #[must_use]
    pub const fn with_session(mut self, session_id: Option<&'a str>) -> Self {
        self.session_id = session_id;
        self
    }

    /// Sets the store's generation when the token was issued.
    #[must_use]
    pub const fn with_generation(mut self, generation: Option<Generation>) -> Self {
        self.generation = generation;
        self
    }

    /// Checks the lengths of the ids. Stores call this first.
    ///
    /// # Errors
    ///
    /// [`InvalidInput`](crate::store::StoreErrorKind::InvalidInput) if one exceeds
    /// [`MAX_ID_LEN`](super::MAX_ID_LEN).
    pub fn validate(&self) -> Result<(), StoreError> {
        let (ConsumeId::Token(id) | ConsumeId::Other(id)) = self.id;
        check_lengths([id, self.user_id.as_str()].into_iter().chain(self.session_id))
    }
}

/// The outcome of consuming an id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consumed {
    /// This is its only use.
    First,
    /// It was used before; or it is a token that is revoked, itself, with its session, or with its
    /// user.
    Before,
}

redacted_debug!(Consume, ConsumeId);
