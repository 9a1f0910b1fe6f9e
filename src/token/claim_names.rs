use std::borrow::Cow;

use crate::error::ConfigError;

/// Which JSON members of a token hold the user id, the token type and the token id.
///
/// The defaults are those of SimpleJWT: `user_id`, `token_type` and `jti`. Tokens of an OAuth or
/// OpenID provider name the user in `sub`:
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
    /// Sets the member that holds the user id. Default: `user_id`.
    pub fn with_user_id(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.user_id = name.into();
        self
    }

    /// Sets the member that holds the token type. Default: `token_type`.
    pub fn with_token_type(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.token_type = name.into();
        self
    }

    /// Sets the member that holds the id of the token. Default: `jti`.
    pub fn with_jti(mut self, name: impl Into<Cow<'static, str>>) -> Self {
        self.jti = name.into();
        self
    }

    /// The member that holds the user id.
    #[must_use]
    pub fn user_id(&self) -> &str {
        &self.user_id
    }

    /// The member that holds the token type.
    #[must_use]
    pub fn token_type(&self) -> &str {
        &self.token_type
    }

    /// The member that holds the id of the token.
    #[must_use]
    pub fn jti(&self) -> &str {
        &self.jti
    }

    /// The names must be told apart from each other and from the claims that keep their names.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        const FIXED: [&str; 10] =
            ["exp", "nbf", "iat", "iss", "aud", "sid", "auth_time", "scope", "scp", "user_epoch"];
        let names = [&self.user_id, &self.token_type, &self.jti];
        let distinct = names[0] != names[1] && names[1] != names[2] && names[0] != names[2];
        let free = names.iter().all(|name| {
            !name.is_empty() && !FIXED.contains(&name.as_ref()) && name.as_ref() != "cnf"
        });
        if distinct && free && self.jti != "sub" && self.token_type != "sub" {
            Ok(())
        } else {
            Err(ConfigError::conflict(
                "claim names must differ from each other and from the registered claims",
            ))
        }
    }
}
