use std::fmt;

use serde::Deserialize;

use crate::{simplejwt::json_object::JsonObject, token::Claims};

/// The user as a token tells of it: `TokenUser`, and the token itself, `request.auth`.
///
/// An extractor behind either [layer](super::SimpleJwtLayer).
#[derive(Clone)]
pub struct TokenUser(Claims);

impl TokenUser {
    pub(super) const fn new(claims: Claims) -> Self {
        Self(claims)
    }

    /// The id in the token, as text.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.user_id()
    }

    /// The claim `username`, empty where there is none.
    #[must_use]
    pub fn username(&self) -> String {
        self.claim("username").unwrap_or_default()
    }

    /// The claim `is_staff`, `false` where there is none.
    #[must_use]
    pub fn is_staff(&self) -> bool {
        self.claim("is_staff").unwrap_or_default()
    }

    /// The claim `is_superuser`, `false` where there is none.
    #[must_use]
    pub fn is_superuser(&self) -> bool {
        self.claim("is_superuser").unwrap_or_default()
    }

    /// The claim `name`, `None` where it is missing or no `T`.
    #[must_use]
    pub fn claim<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Option<T> {
        JsonObject::read(self.0.json())?.get(name)
    }

    /// The token's claims.
    pub const fn token(&self) -> &Claims {
        &self.0
    }
}

impl fmt::Debug for TokenUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenUser").finish_non_exhaustive()
    }
}
