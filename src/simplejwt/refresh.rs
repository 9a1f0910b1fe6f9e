//! Refreshing tokens.

use std::fmt;

use crate::{clock::NumericDate, error::AuthErrorKind, metrics::count, token::Claims};

use super::{
    blacklist::user_id,
    error::{Reason, SimpleJwtError},
    json_object::JsonObject,
    settings::Settings,
    simple_jwt::{Inner, SimpleJwt, object_of},
    token_class::TokenClass,
    token_fault::TokenFault,
};

/// The tokens that a refresh returns.
#[derive(Clone)]
#[non_exhaustive]
pub struct Refreshed {
    /// The access token.
    pub access: String,
    /// The new refresh token, with `ROTATE_REFRESH_TOKENS`.
    pub refresh: Option<String>,
}

impl fmt::Debug for Refreshed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refreshed").finish_non_exhaustive()
    }
}

impl SimpleJwt {
    /// Exchanges a refresh token for an access token and, with `ROTATE_REFRESH_TOKENS`, a new
    /// refresh token.
    ///
    /// With `BLACKLIST_AFTER_ROTATION`, exactly one of any number of concurrent refreshes of one
    /// token succeeds.
    ///
    /// # Errors
    ///
    /// `401` for an invalid token or an inactive user, `503` if that cannot be decided or the
    /// tokens cannot be recorded. The token then stays valid.
    pub async fn refresh(&self, token: &str) -> Result<Refreshed, SimpleJwtError> {
        let Inner { settings, check, blacklist, .. } = &*self.0;
        let minter = self.minter();
        let claims = check.check_before_blacklisting(token, TokenClass::Refresh).await?;
        let is_spent = settings.rotate_refresh_tokens && settings.blacklist_after_rotation;
        if !is_spent {
            blacklist.check(&claims, TokenClass::Refresh).await?;
        }
        self.check_user(&claims, TokenClass::Refresh).await?;

        let old = object_of(&claims)?;
        let access = minter.sign(&minter.access_of(&old)?)?;
        if !settings.rotate_refresh_tokens {
            count!("jwt_auth_refreshes_total", "outcome" => "renewed");
            return Ok(Refreshed { access, refresh: None });
        }
        let new = minter.successor_of(&old)?;
        let refresh = Some(minter.sign(&new)?);
        if is_spent {
            blacklist.rotate(&claims, &new, minter.now).await?;
        } else {
            blacklist.record(&new, user_id(&claims), minter.now).await?;
        }
        count!("jwt_auth_refreshes_total", "outcome" => "rotated");
        Ok(Refreshed { access, refresh })
    }

    /// Exchanges a sliding token for a copy that expires later.
    ///
    /// # Errors
    ///
    /// Those of [`refresh`](Self::refresh).
    pub async fn refresh_sliding(&self, token: &str) -> Result<String, SimpleJwtError> {
        let Inner { check, blacklist, .. } = &*self.0;
        let minter = self.minter();
        let claims = check.check(token, TokenClass::Sliding).await?;
        let old = object_of(&claims)?;
        self.check_refresh_expiry(&old, minter.now)?;
        self.check_user(&claims, TokenClass::Sliding).await?;

        let new = minter.slid(&old);
        let token = minter.sign(&new)?;
        blacklist.slide(&claims, &new, minter.now).await?;
        count!("jwt_auth_refreshes_total", "outcome" => "renewed");
        Ok(token)
    }

    /// Checks the user of a token that is being refreshed, if it names one.
    async fn check_user(&self, claims: &Claims, class: TokenClass) -> Result<(), SimpleJwtError> {
        let Inner { settings, blacklist, clock, .. } = &*self.0;
        let Some(id) = user_id(claims) else { return Ok(()) };
        let user = self.users()?.find(id).await?;
        let Some(user) = user.filter(|user| self.permits(user)) else {
            blacklist.check(claims, class).await?;
            return Err(Reason::NoActiveAccount.into());
        };
        if settings.check_revoke_token && !self.has_current_password(claims, &user)? {
            blacklist.add(claims, self.last_expiry(claims, class)?, clock.now()).await?;
            return Err(Reason::PasswordChanged { with_code: false }.into());
        }
        Ok(())
    }

    /// When the last copy of a token expires. All copies of a sliding token have one id, and each may
    /// be refreshed until `refresh_exp`.
    fn last_expiry(
        &self,
        claims: &Claims,
        class: TokenClass,
    ) -> Result<NumericDate, SimpleJwtError> {
        let Settings { sliding_token_lifetime, leeway, .. } = &self.0.settings;
        if class != TokenClass::Sliding {
            return Ok(claims.expires_at());
        }
        let end = self.refresh_expiry(&object_of(claims)?)?;
        let last = end.saturating_add(*leeway).saturating_add(*sliding_token_lifetime);
        Ok(last.max(claims.expires_at()))
    }

    fn check_refresh_expiry(
        &self,
        claims: &JsonObject,
        now: NumericDate,
    ) -> Result<(), TokenFault> {
        let Settings { sliding_token_refresh_exp_claim, leeway, .. } = &self.0.settings;
        let end = self.refresh_expiry(claims)?.saturating_add(*leeway);
        if now >= end {
            return Err(TokenFault::ClaimExpired(sliding_token_refresh_exp_claim.clone()));
        }
        Ok(())
    }

    /// The claim `refresh_exp`.
    fn refresh_expiry(&self, claims: &JsonObject) -> Result<NumericDate, TokenFault> {
        let name = &self.0.settings.sliding_token_refresh_exp_claim;
        if !claims.contains(name) {
            return Err(TokenFault::NoClaim(name.clone()));
        }
        let end: Option<f64> = claims.get(name);
        let latest = NumericDate::MAX.as_secs() as f64;
        let end = end.filter(|end| (0.0..=latest).contains(end));
        let end = end.ok_or(TokenFault::Invalid(AuthErrorKind::InvalidClaims))?;
        Ok(NumericDate::from_secs(end as u64))
    }
}
