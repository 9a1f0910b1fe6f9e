use std::fmt;

use crate::clock::NumericDate;

/// The tokens that a login or a refresh returns.
#[derive(Clone)]
pub struct Tokens {
    pub(super) access: String,
    /// With the time of its expiry.
    pub(super) refresh: Option<(String, NumericDate)>,
    pub(super) access_expires_at: NumericDate,
    pub(super) session_id: Box<str>,
    pub(super) is_bound: bool,
}

impl Tokens {
    /// The access token.
    #[must_use]
    pub fn access(&self) -> &str {
        &self.access
    }

    /// The refresh token. `None` after a refresh without rotation: the old one remains valid.
    #[must_use]
    pub fn refresh(&self) -> Option<&str> {
        self.refresh.as_ref().map(|(token, _)| &**token)
    }

    /// When the refresh token expires. `None` without a [refresh token](Self::refresh).
    #[must_use]
    pub fn refresh_expires_at(&self) -> Option<NumericDate> {
        self.refresh.as_ref().map(|(_, expires_at)| *expires_at)
    }

    /// When the access token expires.
    #[must_use]
    pub const fn access_expires_at(&self) -> NumericDate {
        self.access_expires_at
    }

    /// The id of the session that the tokens belong to.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.session_id
    }

    /// Whether the tokens are bound to a key of the client: see [`possession`](crate::possession).
    /// The type of the access token is then `DPoP` instead of `Bearer`.
    #[must_use]
    pub const fn is_bound(&self) -> bool {
        self.is_bound
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}
