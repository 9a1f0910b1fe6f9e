use std::{fmt, sync::Arc};

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::{
    clock::{Clock, NumericDate},
    error::{AuthError, AuthErrorKind, ConfigError},
    issue::backend_error,
    token::{Claims, KeySet, TokenType, Verifier},
    user::BackendError,
};

use super::{
    Settings, SimpleJwtBuilder, SimpleJwtLayer, TokenClass,
    auth::HeaderSource,
    check::TokenCheck,
    database::{DjangoStore, DjangoUser, DjangoUsers, Outstanding},
    mint::{Draft, Minter},
    json_object::JsonObject,
    error::{TokenFault, Reason, SimpleJwtError},
    revoke_claim::password_mark,
};

/// What SimpleJWT does, on Django's database: tokens for users, refreshes, the blacklist.
///
/// A cheap handle, made by [`builder`](Self::builder). See the [module docs](super).
#[derive(Clone)]
pub struct SimpleJwt(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) keys: KeySet,
    pub(super) clock: Clock,
    pub(super) check: TokenCheck,
    pub(super) users: Option<DjangoUsers>,
    pub(super) header: HeaderSource,
    pub(super) hooks: Hooks,
}

type Hook<T, R = ()> = Option<Arc<dyn Fn(T) -> R + Send + Sync>>;
type NameHook = Option<Arc<dyn Fn(&str) + Send + Sync>>;
type UserHook<R = ()> = Option<Arc<dyn Fn(&DjangoUser) -> R + Send + Sync>>;

/// What the application adds.
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) token_claims: Hook<DjangoUser, BoxFuture<'static, Result<JsonObject, AuthError>>>,
    pub(super) user_rule: UserHook<bool>,
    pub(super) on_login_success: UserHook,
    pub(super) on_login_failed: NameHook,
    pub(super) response_extras: UserHook<Map<String, Value>>,
}

/// A refresh token and an access token.
#[derive(Clone)]
#[non_exhaustive]
pub struct TokenPair {
    /// The refresh token.
    pub refresh: String,
    /// The access token.
    pub access: String,
}

/// What a refresh token bought.
#[derive(Clone)]
#[non_exhaustive]
pub struct Refreshed {
    /// The access token.
    pub access: String,
    /// The new refresh token, where they are rotated.
    pub refresh: Option<String>,
}

impl fmt::Debug for TokenPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenPair").finish_non_exhaustive()
    }
}

impl fmt::Debug for Refreshed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refreshed").finish_non_exhaustive()
    }
}

impl SimpleJwt {
    /// Starts what `settings` describe.
    pub fn builder(settings: Settings) -> SimpleJwtBuilder {
        SimpleJwtBuilder::new(settings)
    }

    /// A layer for routes that need a user: it loads the user of the token from the database, as
    /// `JWTAuthentication` does.
    ///
    /// # Errors
    ///
    /// When no database was given.
    pub fn layer(&self) -> Result<SimpleJwtLayer, ConfigError> {
        if self.0.users.is_none() {
            return Err(ConfigError::ineffective(
                "users are loaded from a database, and none was given",
            ));
        }
        Ok(SimpleJwtLayer::new(self.clone(), true))
    }

    /// A layer for routes that need no more than a good token, as
    /// `JWTStatelessUserAuthentication` does: users are not looked up, so those that were deleted
    /// or deactivated come in until their tokens expire.
    pub fn stateless_layer(&self) -> SimpleJwtLayer {
        SimpleJwtLayer::new(self.clone(), false)
    }

    /// A verifier for this crate's own [`JwtAuthLayer`](crate::JwtAuthLayer), with the keys, times,
    /// names and `AUTH_TOKEN_CLASSES` of the settings: for services that have left Django.
    ///
    /// # Errors
    ///
    /// When an `AUTH_TOKEN_CLASSES` or claim name of the settings has no counterpart there.
    pub fn verifier<C>(&self) -> Result<Verifier<C>, ConfigError> {
        let Inner { settings, keys, clock, .. } = &*self.0;
        let types: Option<Vec<TokenType>> =
            settings.auth_token_classes.iter().map(|class| class.token_type()).collect();
        let verifier = settings.verifier(keys.clone(), clock.clone());
        let verifier = match types.filter(|_| settings.token_type_claim.is_some()) {
            Some(types) => verifier.token_types(types),
            None => verifier.any_token_type(),
        };
        if settings.jti_claim.is_none() { verifier.optional_jti() } else { verifier }.build()
    }

    /// The user with these credentials.
    ///
    /// # Errors
    ///
    /// `401` where there is no active one, `503` where it cannot be found out.
    pub async fn authenticate(
        &self,
        username: &str,
        password: &str,
    ) -> Result<DjangoUser, SimpleJwtError> {
        let user = self.users()?.authenticate(username, password).await.map_err(unavailable)?;
        match user.filter(|user| self.permits(user)) {
            Some(user) => Ok(user),
            None => {
                if let Some(failed) = &self.0.hooks.on_login_failed {
                    failed(username);
                }
                Err(Reason::InvalidCredentials.into())
            }
        }
    }

    /// Tokens for the user with these credentials, noted as a [login](Self::record_login).
    ///
    /// # Errors
    ///
    /// As [`authenticate`](Self::authenticate) and [`tokens_for`](Self::tokens_for).
    pub async fn log_in(&self, username: &str, password: &str) -> Result<TokenPair, SimpleJwtError> {
        let user = self.authenticate(username, password).await?;
        let pair = self.tokens_for(&user).await?;
        self.record_login(&user).await?;
        Ok(pair)
    }

    /// Tokens for a user, without asking for credentials: `RefreshToken.for_user`.
    ///
    /// # Errors
    ///
    /// `503` where they cannot be recorded; then none are given out.
    pub async fn tokens_for(&self, user: &DjangoUser) -> Result<TokenPair, SimpleJwtError> {
        let minter = self.minter();
        let own = self.own_claims(user).await?;
        let refresh = minter.for_user(TokenClass::Refresh, user, &own)?;
        let access = minter.access_of(&refresh.payload)?;
        let pair = TokenPair { refresh: minter.sign(&refresh)?, access: minter.sign(&access)? };
        self.outstand(&refresh, user, minter.now).await?;
        Ok(pair)
    }

    /// A sliding token for a user, without asking for credentials: `SlidingToken.for_user`.
    ///
    /// # Errors
    ///
    /// As [`tokens_for`](Self::tokens_for).
    pub async fn sliding_token_for(&self, user: &DjangoUser) -> Result<String, SimpleJwtError> {
        let minter = self.minter();
        let own = self.own_claims(user).await?;
        let sliding = minter.for_user(TokenClass::Sliding, user, &own)?;
        let token = minter.sign(&sliding)?;
        self.outstand(&sliding, user, minter.now).await?;
        Ok(token)
    }

    /// The tables of the blacklist app, for [`purge`](DjangoStore::purge), if it is installed.
    #[must_use]
    pub fn blacklist_app(&self) -> Option<&DjangoStore> {
        self.0.check.blacklist.as_ref()
    }

    /// Notes that a user has logged in: `last_login` if the settings say so, and the hook.
    ///
    /// # Errors
    ///
    /// `503` where it cannot be noted.
    pub async fn record_login(&self, user: &DjangoUser) -> Result<(), SimpleJwtError> {
        let Inner { settings, clock, hooks, .. } = &*self.0;
        if settings.update_last_login {
            self.users()?.record_login(user, clock.now()).await.map_err(unavailable)?;
        }
        if let Some(succeeded) = &hooks.on_login_success {
            succeeded(user);
        }
        Ok(())
    }

    /// What a refresh token buys.
    ///
    /// With `BLACKLIST_AFTER_ROTATION`, of any number of refreshes of one token at once, exactly
    /// one succeeds.
    ///
    /// # Errors
    ///
    /// `401` for a token or user that is not good, `503` where that cannot be found out or stored;
    /// the token then stays as it was.
    pub async fn refresh(&self, token: &str) -> Result<Refreshed, SimpleJwtError> {
        let Inner { settings, check, .. } = &*self.0;
        let minter = self.minter();
        let claims = check.check_before_blacklisting(token, TokenClass::Refresh).await?;
        let is_spent = settings.rotate_refresh_tokens && settings.blacklist_after_rotation;
        if !is_spent {
            check.refuse_blacklisted(&claims, TokenClass::Refresh).await?;
        }
        self.check_refreshing_user(&claims, TokenClass::Refresh).await?;

        let old = payload_of(&claims)?;
        let access = minter.sign(&minter.access_of(&old)?)?;
        if !settings.rotate_refresh_tokens {
            return Ok(Refreshed { access, refresh: None });
        }
        let new = minter.successor_of(&old)?;
        let refresh = Some(minter.sign(&new)?);
        if let (Some(blacklist), Some(old)) = (&check.blacklist, outstanding(&claims)) {
            let new =
                Outstanding { jti: &new.jti, user_id: old.user_id, expires_at: new.expires_at };
            if !is_spent {
                blacklist.outstand(&new, minter.now).await?;
            } else if !blacklist.rotate(&old, &new, minter.now).await? {
                return Err(TokenFault::Blacklisted.into());
            }
        }
        Ok(Refreshed { access, refresh })
    }

    /// The same sliding token, good for longer.
    ///
    /// # Errors
    ///
    /// As [`refresh`](Self::refresh).
    pub async fn refresh_sliding(&self, token: &str) -> Result<String, SimpleJwtError> {
        let check = &self.0.check;
        let minter = self.minter();
        let claims = check.check(token, TokenClass::Sliding).await?;
        let old = payload_of(&claims)?;
        self.check_refresh_expiry(&old, minter.now)?;
        self.check_refreshing_user(&claims, TokenClass::Sliding).await?;

        let new = minter.slid(&old);
        let token = minter.sign(&new)?;
        if let (Some(blacklist), Some(old)) = (&check.blacklist, outstanding(&claims)) {
            let new = Outstanding { expires_at: new.expires_at, ..old };
            if !blacklist.slide(&new, minter.now).await? {
                return Err(TokenFault::Blacklisted.into());
            }
        }
        Ok(token)
    }

    /// Whether a token of any type is good.
    ///
    /// # Errors
    ///
    /// `401` where it is not; `400` where it was blacklisted, which is looked at if
    /// `BLACKLIST_AFTER_ROTATION` is set; `503` where it cannot be found out.
    pub async fn verify(&self, token: &str) -> Result<(), SimpleJwtError> {
        let Inner { settings, check, .. } = &*self.0;
        let claims = check.check(token, TokenClass::Untyped).await?;
        if let (true, Some(blacklist), Some(jti)) =
            (settings.blacklist_after_rotation, &check.blacklist, claims.jti())
            && blacklist.is_blacklisted(jti).await?
        {
            return Err(Reason::VerifiedBlacklisted.into());
        }
        Ok(())
    }

    /// Blacklists a refresh token. Without the blacklist app this has no effect.
    ///
    /// # Errors
    ///
    /// `401` for a token that is not good, or was blacklisted before; `503` where it could not be
    /// stored.
    pub async fn blacklist(&self, token: &str) -> Result<(), SimpleJwtError> {
        let check = &self.0.check;
        let claims = check.check_before_blacklisting(token, TokenClass::Refresh).await?;
        if self.add_to_blacklist(&claims).await? { Ok(()) } else { Err(TokenFault::Blacklisted.into()) }
    }

    /// Blacklists a good token; tells whether it was not before.
    async fn add_to_blacklist(&self, claims: &Claims) -> Result<bool, SimpleJwtError> {
        let Inner { check, clock, .. } = &*self.0;
        match (&check.blacklist, outstanding(claims)) {
            (Some(blacklist), Some(token)) => Ok(blacklist.blacklist(&token, clock.now()).await?),
            _ => Ok(true),
        }
    }

    pub(super) fn users(&self) -> Result<&DjangoUsers, SimpleJwtError> {
        let users = self.0.users.as_ref();
        users.ok_or_else(|| AuthError::from(AuthErrorKind::Misconfigured).into())
    }

    fn minter(&self) -> Minter<'_> {
        let Inner { settings, keys, clock, .. } = &*self.0;
        Minter { settings, keys, now: clock.now() }
    }

    /// Whether the user may have tokens: `USER_AUTHENTICATION_RULE`.
    fn permits(&self, user: &DjangoUser) -> bool {
        let Inner { settings, hooks, .. } = &*self.0;
        match &hooks.user_rule {
            Some(rule) => rule(user),
            None => user.is_active() || !settings.check_user_is_active,
        }
    }

    async fn own_claims(&self, user: &DjangoUser) -> Result<JsonObject, SimpleJwtError> {
        match &self.0.hooks.token_claims {
            Some(claims) => Ok(claims(user.clone()).await?),
            None => Ok(JsonObject::default()),
        }
    }

    async fn outstand(
        &self,
        draft: &Draft,
        user: &DjangoUser,
        now: NumericDate,
    ) -> Result<(), SimpleJwtError> {
        match &self.0.check.blacklist {
            Some(blacklist) => {
                let Draft { jti, expires_at, .. } = draft;
                let user_id = Some(user.id());
                let token = Outstanding { jti, user_id, expires_at: *expires_at };
                Ok(blacklist.outstand(&token, now).await?)
            }
            None => Ok(()),
        }
    }

    /// Looks the user up for whom a token shall be refreshed, if the token names one.
    async fn check_refreshing_user(
        &self,
        claims: &Claims,
        class: TokenClass,
    ) -> Result<(), SimpleJwtError> {
        let Inner { settings, check, .. } = &*self.0;
        if claims.user_id().is_empty() {
            return Ok(());
        }
        let user = self.users()?.find(claims.user_id()).await.map_err(unavailable)?;
        let Some(user) = user.filter(|user| self.permits(user)) else {
            check.refuse_blacklisted(claims, class).await?;
            return Err(Reason::NoActiveAccount.into());
        };
        if settings.check_revoke_token && !self.has_mark_of(claims, &user)? {
            check.refuse_blacklisted(claims, class).await?;
            self.add_to_blacklist(claims).await?;
            return Err(Reason::PasswordChanged { with_code: false }.into());
        }
        Ok(())
    }

    /// Whether the token was issued under the password that the user has now.
    pub(super) fn has_mark_of(&self, claims: &Claims, user: &DjangoUser) -> Result<bool, SimpleJwtError> {
        let mark: Option<String> = payload_of(claims)?.get(&self.0.settings.revoke_token_claim);
        Ok(mark.is_some_and(|mark| mark == password_mark(user.password_hash())))
    }

    fn check_refresh_expiry(&self, payload: &JsonObject, now: NumericDate) -> Result<(), TokenFault> {
        let name = &self.0.settings.sliding_token_refresh_exp_claim;
        if !payload.contains(name) {
            return Err(TokenFault::NoClaim(name.clone()));
        }
        let end: Option<f64> = payload.get(name);
        let latest = NumericDate::MAX.as_secs() as f64;
        let Some(end) = end.filter(|end| (0.0..=latest).contains(end)) else {
            return Err(TokenFault::Invalid(AuthErrorKind::InvalidClaims));
        };
        let end = NumericDate::from_secs(end as u64).saturating_add(self.0.settings.leeway);
        if now >= end { Err(TokenFault::ClaimExpired(name.clone())) } else { Ok(()) }
    }
}

/// A token as the tables of the blacklist app hold it; none for one without an id.
fn outstanding(claims: &Claims) -> Option<Outstanding<'_>> {
    let user_id = Some(claims.user_id()).filter(|user_id| !user_id.is_empty());
    Some(Outstanding { jti: claims.jti()?, user_id, expires_at: claims.expires_at() })
}

fn payload_of(claims: &Claims) -> Result<JsonObject, SimpleJwtError> {
    // The verifier has read it as an object already.
    JsonObject::read(claims.json()).ok_or_else(|| TokenFault::Invalid(AuthErrorKind::InvalidClaims).into())
}

pub(super) fn unavailable(error: BackendError) -> SimpleJwtError {
    backend_error(error).into()
}

impl fmt::Debug for SimpleJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimpleJwt").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
