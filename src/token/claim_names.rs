use std::borrow::Cow;

use crate::error::ConfigError;

/// The names of the claims for user id, token type and token id.
///
/// The defaults are the names that SimpleJWT uses: `user_id`, `token_type` and `jti`. OAuth and
/// OpenID providers use `sub` for the user id:
///
/// ```
/// use tower_jwt_auth::token::ClaimNames;
///
/// let names = ClaimNames::default().with_user_id("sub");
/// assert_eq!(names.user_id(), "sub");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use]
pub struct ClaimNames {
    user_id: Cow<'static, str>,
    token_type: Cow<'static, str>,
    jti: Cow<'static, str>,
}

impl Default for ClaimNames {
    fn default() -> Self {
        Self { user_id: "user_id".into(), token_type: "token_type".into(), jti: "jti".into() }
    }
}

impl ClaimNames {
    /// Sets the name of the user id claim. Default: `user_id`.
    pub fn with_user_id(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.user_id = name.into();
        self
    }

    /// Sets the name of the token type claim. Default: `token_type`.
    pub fn with_token_type(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.token_type = name.into();
        self
    }

    /// Sets the name of the token id claim. Default: `jti`.
    pub fn with_jti(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.jti = name.into();
        self
    }

    /// Returns the name of the user id claim.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// Returns the name of the token type claim.
    #[must_use]
    pub fn token_type(&self) -> &str {
        &self.token_type
    }

    /// Returns the name of the token id claim.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// Checks that the names differ from each other and from the claims whose names are fixed.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        const FIXED: [&str; 15] = [
            "exp",
            "nbf",
            "iat",
            "iss",
            "aud",
            "sid",
            "auth_time",
            "amr",
            "acr",
            "scope",
            "scp",
            "user_epoch",
            "store_generation",
            "session_start",
            "cnf",
        ];
        let names = [&self.user_id, &self.token_type, &self.jti];
        let distinct = names[0] != names[1] && names[1] != names[2] && names[0] != names[2];
        let free = names.iter().all(|name| !name.is_empty() && !FIXED.contains(&name.as_ref()));
        if distinct && free && self.jti != "sub" && self.token_type != "sub" {
            Ok(())
        } else {
            Err(ConfigError::conflict(
                "claim names must not be empty, equal to each other or equal to a registered claim",
            ))
        }
    }
}
