//! Logging in: from credentials, or for a user that is known already.

use std::fmt;

use crate::metrics::count;

use super::{
    database::DjangoUser,
    error::{Reason, SimpleJwtError},
    json_object::JsonObject,
    simple_jwt::{Inner, SimpleJwt},
    token_class::TokenClass,
};

/// A refresh token and an access token.
#[derive(Clone)]
#[non_exhaustive]
pub struct TokenPair {
    /// The refresh token.
    pub refresh: String,
    /// The access token.
    pub access: String,
}

impl fmt::Debug for TokenPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenPair").finish_non_exhaustive()
    }
}

impl SimpleJwt {
    /// Issues tokens to the user with these credentials, and [records](Self::record_login) the
    /// login.
    ///
    /// # Errors
    ///
    /// Those of [`authenticate`](Self::authenticate) and [`tokens_for`](Self::tokens_for).
    pub async fn log_in(
        &self,
        username: &str,
        password: &str,
    ) -> Result<TokenPair, SimpleJwtError> {
        let user = self.authenticate(username, password).await?;
        let pair = self.tokens_for(&user).await?;
        self.record_login(&user).await?;
        Ok(pair)
    }

    /// The user with these credentials.
    ///
    /// # Errors
    ///
    /// `401` if there is no active one, `503` if that cannot be decided.
    pub async fn authenticate(
        &self,
        username: &str,
        password: &str,
    ) -> Result<DjangoUser, SimpleJwtError> {
        let user = self.users()?.authenticate(username, password).await?;
        match user.filter(|user| self.permits(user)) {
            Some(user) => Ok(user),
            None => {
                count!("jwt_auth_logins_total", "outcome" => "failed");
                if let Some(failed) = &self.0.hooks.on_login_failed {
                    failed(username);
                }
                Err(Reason::InvalidCredentials.into())
            }
        }
    }

    /// Issues tokens to a user without checking credentials: `RefreshToken.for_user`.
    ///
    /// # Errors
    ///
    /// `503` if they cannot be recorded; then none are issued.
    pub async fn tokens_for(&self, user: &DjangoUser) -> Result<TokenPair, SimpleJwtError> {
        let minter = self.minter();
        let custom = self.custom_claims(user).await?;
        let refresh = minter.for_user(TokenClass::Refresh, user, &custom)?;
        let access = minter.access_of(&refresh.payload)?;
        let pair = TokenPair { refresh: minter.sign(&refresh)?, access: minter.sign(&access)? };
        self.0.blacklist.record(&refresh, Some(user.id()), minter.now).await?;
        Ok(pair)
    }

    /// Issues a sliding token to a user without checking credentials: `SlidingToken.for_user`.
    ///
    /// # Errors
    ///
    /// Those of [`tokens_for`](Self::tokens_for).
    pub async fn sliding_token_for(&self, user: &DjangoUser) -> Result<String, SimpleJwtError> {
        let minter = self.minter();
        let custom = self.custom_claims(user).await?;
        let sliding = minter.for_user(TokenClass::Sliding, user, &custom)?;
        let token = minter.sign(&sliding)?;
        self.0.blacklist.record(&sliding, Some(user.id()), minter.now).await?;
        Ok(token)
    }

    /// Records that a user has logged in: `last_login`, if the settings require it. Then calls
    /// [`on_login_success`](super::SimpleJwtBuilder::on_login_success).
    ///
    /// # Errors
    ///
    /// `503` if it cannot be recorded.
    pub async fn record_login(&self, user: &DjangoUser) -> Result<(), SimpleJwtError> {
        let Inner { settings, clock, hooks, .. } = &*self.0;
        if settings.update_last_login {
            self.users()?.record_login(user, clock.now()).await?;
        }
        count!("jwt_auth_logins_total", "outcome" => "succeeded");
        if let Some(succeeded) = &hooks.on_login_success {
            succeeded(user);
        }
        Ok(())
    }

    async fn custom_claims(&self, user: &DjangoUser) -> Result<JsonObject, SimpleJwtError> {
        match &self.0.hooks.token_claims {
            Some(claims) => Ok(claims(user.clone()).await?),
            None => Ok(JsonObject::default()),
        }
    }
}
