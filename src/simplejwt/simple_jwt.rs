use std::{fmt, sync::Arc};

use crate::{
    clock::Clock,
    error::{AuthError, AuthErrorKind, ConfigError},
    token::{Claims, KeySet, TokenType, Verifier},
};

use super::{
    auth::HeaderSource,
    blacklist::Blacklist,
    check::TokenCheck,
    database::{DjangoStore, DjangoUser, DjangoUsers},
    error::{Reason, SimpleJwtError},
    hooks::Hooks,
    json_object::JsonObject,
    mint::Minter,
    settings::Settings,
    token_class::TokenClass,
    token_fault::TokenFault,
};

/// Issues, refreshes, verifies and blacklists tokens as SimpleJWT does, on Django's database.
///
/// A cheap handle, made by [`builder`](Self::builder). See the [module docs](super).
#[derive(Clone)]
pub struct SimpleJwt(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) settings: Settings,
    pub(super) keys: KeySet,
    pub(super) clock: Clock,
    pub(super) check: TokenCheck,
    pub(super) blacklist: Blacklist,
    pub(super) users: Option<DjangoUsers>,
    pub(super) header: HeaderSource,
    pub(super) hooks: Hooks,
}

impl SimpleJwt {
    /// A verifier for this crate's own [`JwtAuthLayer`](crate::JwtAuthLayer), with the keys, times,
    /// names and `AUTH_TOKEN_CLASSES` of the settings: for services that have left Django.
    ///
    /// # Errors
    ///
    /// - [`Conflict`](crate::ConfigErrorKind::Conflict) if the blacklist app is set and
    ///   `AUTH_TOKEN_CLASSES` accepts tokens that can be blacklisted. A [`Verifier`] does not ask
    ///   the blacklist. [`layer`](Self::layer) and [`stateless_layer`](Self::stateless_layer) do.
    /// - Other kinds if a claim name of the settings has no equivalent in a [`Verifier`].
    pub fn verifier<C>(&self) -> Result<Verifier<C>, ConfigError> {
        let Inner { settings, keys, clock, check, blacklist, .. } = &*self.0;
        if blacklist.tables().is_some() && check.accepts_blacklistable_tokens() {
            return Err(ConfigError::conflict(
                "a Verifier does not ask the blacklist: with the blacklist app, \
                 AUTH_TOKEN_CLASSES must hold only AccessToken and TOKEN_TYPE_CLAIM must not be \
                 None; or use SimpleJwt::layer",
            ));
        }
        let types: Option<Vec<TokenType>> =
            settings.auth_token_classes.iter().map(|class| class.token_type()).collect();
        let verifier = settings.verifier(keys.clone(), clock.clone());
        let verifier = match types.filter(|_| settings.token_type_claim.is_some()) {
            Some(types) => verifier.token_types(types),
            None => verifier.any_token_type(),
        };
        if settings.jti_claim.is_none() { verifier.optional_jti() } else { verifier }.build()
    }

    /// The tables of the blacklist app, for [`purge`](DjangoStore::purge), if it is installed.
    #[must_use]
    pub fn blacklist_app(&self) -> Option<&DjangoStore> {
        self.0.blacklist.tables()
    }

    /// Verifies a token of any type.
    ///
    /// # Errors
    ///
    /// `401` for an invalid token, `400` for a blacklisted one, `503` if that cannot be decided.
    pub async fn verify(&self, token: &str) -> Result<(), SimpleJwtError> {
        let Inner { check, blacklist, .. } = &*self.0;
        let claims = check.check(token, TokenClass::Untyped).await?;
        if blacklist.contains(&claims).await? {
            return Err(Reason::VerifiedBlacklisted.into());
        }
        Ok(())
    }

    /// Blacklists a refresh token. Without the blacklist app this has no effect.
    ///
    /// As in SimpleJWT, access tokens that were issued with it stay valid until they expire.
    ///
    /// # Errors
    ///
    /// `401` for a token that is invalid or blacklisted already, `503` if the token could not be
    /// blacklisted.
    pub async fn blacklist(&self, token: &str) -> Result<(), SimpleJwtError> {
        let Inner { check, blacklist, clock, .. } = &*self.0;
        let claims = check.check_before_blacklisting(token, TokenClass::Refresh).await?;
        blacklist.add(&claims, claims.expires_at(), clock.now()).await
    }

    /// Checks that the database matches the configuration: that the table of users has its columns,
    /// and that the tables of the blacklist app exist if and only if
    /// [`blacklist_app`](super::SimpleJwtBuilder::blacklist_app) is `true`.
    ///
    /// Call it when the service starts. Requests fail with `503` while the database does not match.
    /// Without users there is nothing to check.
    ///
    /// # Errors
    ///
    /// [`status`](SimpleJwtError::status) `500` if the database does not match, and the error's
    /// sources name the table or column. `503` if the database is unavailable.
    pub async fn check_database(&self) -> Result<(), SimpleJwtError> {
        let Some(users) = &self.0.users else { return Ok(()) };
        match users.check_schema().await? {
            Ok(()) => Ok(()),
            Err(mismatch) => {
                Err(AuthError::with_source(AuthErrorKind::Misconfigured, mismatch).into())
            }
        }
    }

    pub(super) fn users(&self) -> Result<&DjangoUsers, SimpleJwtError> {
        let users = self.0.users.as_ref();
        users.ok_or_else(|| AuthError::from(AuthErrorKind::Misconfigured).into())
    }

    pub(super) fn minter(&self) -> Minter<'_> {
        let Inner { settings, keys, clock, .. } = &*self.0;
        Minter { settings, keys, now: clock.now() }
    }

    /// Whether the user may have tokens: `USER_AUTHENTICATION_RULE`.
    pub(super) fn permits(&self, user: &DjangoUser) -> bool {
        let Inner { settings, hooks, .. } = &*self.0;
        match &hooks.user_rule {
            Some(rule) => rule(user),
            None => user.is_active() || !settings.check_user_is_active,
        }
    }

    /// Whether the token was issued under the user's current password: `CHECK_REVOKE_TOKEN`.
    pub(super) fn has_current_password<C: ?Sized>(
        &self,
        claims: &Claims<C>,
        user: &DjangoUser,
    ) -> Result<bool, SimpleJwtError> {
        let digest: Option<String> = object_of(claims)?.get(&self.0.settings.revoke_token_claim);
        Ok(digest.is_some_and(|digest| digest == user.password_digest()))
    }
}

/// The claims of a token, in their order.
pub(super) fn object_of<C: ?Sized>(claims: &Claims<C>) -> Result<JsonObject, SimpleJwtError> {
    // The verifier has read it as an object already.
    let object = JsonObject::read(claims.json());
    object.ok_or_else(|| TokenFault::Invalid(AuthErrorKind::InvalidClaims).into())
}

impl fmt::Debug for SimpleJwt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimpleJwt").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}
