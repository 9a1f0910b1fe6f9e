use std::fmt;

use serde::Deserialize;

use crate::{simplejwt::json_object::JsonObject, token::Claims};

/// The user that a token describes: SimpleJWT's `TokenUser`, with the token, `request.auth`.
///
/// An extractor behind either kind of [`SimpleJwtLayer`](crate::simplejwt::SimpleJwtLayer).
#[derive(Clone)]
pub struct TokenUser(Claims);

impl TokenUser {
    pub(super) const fn new(claims: Claims) -> Self {
        Self(claims)
    }

    /// The user id in the token, as a string.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.user_id().as_str()
    }

    /// The claim `username`, or an empty string.
    #[must_use]
    pub fn username(&self) -> String {
        self.claim("username").unwrap_or_default()
    }

    /// The claim `is_staff`, or `false`.
    #[must_use]
    pub fn is_staff(&self) -> bool {
        self.claim("is_staff").unwrap_or_default()
    }

    /// The claim `is_superuser`, or `false`.
    #[must_use]
    pub fn is_superuser(&self) -> bool {
        self.claim("is_superuser").unwrap_or_default()
    }

    /// The claim `name`; `None` if it is missing or not a `T`.
    #[must_use]
    pub fn claim<T: for<'de> Deserialize<'de>>(&self, name: &str) -> Option<T> {
        JsonObject::read(self.0.json())?.get(name)
    }

    /// The claims of the token.
    pub const fn token(&self) -> &Claims {
        &self.0
    }
}

impl fmt::Debug for TokenUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenUser").finish_non_exhaustive()
    }
}
