use std::{fmt, sync::Arc};

use serde::Serialize;
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::{
    clock::Clock,
    error::{AuthError, AuthErrorKind, ConfigError},
    token::KeySet,
    user::BackendError,
};

use super::{
    auth::HeaderSource,
    blacklist::Blacklist,
    check::TokenCheck,
    database::{DjangoStore, DjangoUser, DjangoUsers},
    hooks::Hooks,
    json_object::JsonObject,
    settings::Settings,
    simple_jwt::{Inner, SimpleJwt},
};

/// Sets up [`SimpleJwt`].
#[must_use]
pub struct SimpleJwtBuilder {
    settings: Settings,
    secret_key: Option<Zeroizing<String>>,
    keys: Option<KeySet>,
    users: Option<DjangoUsers>,
    has_blacklist_app: bool,
    clock: Clock,
    hooks: Hooks,
}

impl SimpleJwt {
    /// Starts a configuration with `settings`.
    pub fn builder(settings: Settings) -> SimpleJwtBuilder {
        SimpleJwtBuilder::new(settings)
    }
}

impl SimpleJwtBuilder {
    fn new(settings: Settings) -> Self {
        Self {
            settings,
            secret_key: None,
            keys: None,
            users: None,
            has_blacklist_app: false,
            clock: Clock::system(),
            hooks: Hooks::default(),
        }
    }

    /// Sets Django's `SECRET_KEY`, which signs where the settings have no `SIGNING_KEY`. Default:
    /// none.
    pub fn secret_key(mut self, secret_key: impl Into<String>) -> Self {
        self.secret_key = Some(secret_key.into().into());
        self
    }

    /// Sets the keys, in place of those that the settings name: several while they are rotated, or
    /// those of a URL (`JWK_URL`). Default: none.
    ///
    /// Tokens are signed only if they have a signing key.
    pub fn keys(mut self, keys: impl Into<KeySet>) -> Self {
        self.keys = Some(keys.into());
        self
    }

    /// Sets where the users are; tokens name them by `USER_ID_FIELD`, whatever their
    /// [table](super::UserTable::with_user_id) says. Default: none, and only
    /// [stateless](SimpleJwt::stateless_layer) routes can be served.
    pub fn users(mut self, users: DjangoUsers) -> Self {
        self.users = Some(users);
        self
    }

    /// Sets whether Django has the blacklist app among its `INSTALLED_APPS`, whose tables are in the
    /// database of the users then. Default: `false`, and tokens cannot be blacklisted.
    pub const fn blacklist_app(mut self, is_installed: bool) -> Self {
        self.has_blacklist_app = is_installed;
        self
    }

    /// Adds claims to the tokens of a login: what `get_token` of a custom serializer does. Default:
    /// none.
    ///
    /// They go into refresh and sliding tokens, and from refresh tokens into access tokens. `claims`
    /// is called with the user, may ask a database, and returns what serializes to a JSON object.
    /// A claim that has a meaning of its own is a mistake that makes the login fail with `500`.
    ///
    /// ```
    /// use serde::Serialize;
    /// use tower_jwt_auth::simplejwt::{Settings, SimpleJwt};
    ///
    /// #[derive(Serialize)]
    /// struct Name { name: String }
    ///
    /// let builder = SimpleJwt::builder(Settings::default())
    ///     .token_claims(|user| async move { Ok(Name { name: user.username().to_owned() }) });
    /// ```
    pub fn token_claims<F, Fut, T>(mut self, claims: F) -> Self
    where
        F: Fn(DjangoUser) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<T, BackendError>> + Send + 'static,
        T: Serialize,
    {
        self.hooks.token_claims = Some(Arc::new(move |user| {
            let claims = claims(user);
            Box::pin(async move {
                let claims = claims.await.map_err(AuthError::from)?;
                JsonObject::of(&claims).ok_or_else(|| AuthErrorKind::Misconfigured.into())
            })
        }));
        self
    }

    /// Sets who may log in and refresh: `USER_AUTHENTICATION_RULE`. Default: active users, or all
    /// where `CHECK_USER_IS_ACTIVE` is off.
    pub fn user_rule(mut self, rule: impl Fn(&DjangoUser) -> bool + Send + Sync + 'static) -> Self {
        self.hooks.user_rule = Some(Arc::new(rule));
        self
    }

    /// Is told of each login: `ON_LOGIN_SUCCESS`. Default: nobody is.
    pub fn on_login_success(mut self, hook: impl Fn(&DjangoUser) + Send + Sync + 'static) -> Self {
        self.hooks.on_login_success = Some(Arc::new(hook));
        self
    }

    /// Is told the user name of each login that failed: `ON_LOGIN_FAILED`. Default: nobody is.
    ///
    /// Now and then a user types a password in place of the name.
    pub fn on_login_failed(mut self, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.hooks.on_login_failed = Some(Arc::new(hook));
        self
    }

    /// Adds members to the answer of a login: what a custom serializer's `validate` adds. Default:
    /// none.
    ///
    /// They cannot replace the tokens.
    pub fn response_extras(
        mut self,
        extras: impl Fn(&DjangoUser) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        self.hooks.response_extras = Some(Arc::new(extras));
        self
    }

    /// Sets the clock. Default: the system's.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Builds it. Nothing is connected yet.
    ///
    /// # Errors
    ///
    /// When a key is missing, weak or malformed, does not fit `ALGORITHM`, or `VERIFYING_KEY` is not
    /// that of `SIGNING_KEY`; when a lifetime is zero, `LEEWAY` exceeds five minutes, a list is
    /// empty, names of claims clash, or a header or scheme is none; when
    /// `BLACKLIST_AFTER_ROTATION` is set without the blacklist app, or the app is there and
    /// `JTI_CLAIM` is `None`; when there is a blacklist app but no users.
    pub fn build(self) -> Result<SimpleJwt, ConfigError> {
        let Self { settings, secret_key, keys, users, has_blacklist_app, clock, hooks } = self;
        settings.check(has_blacklist_app)?;
        let users = users.map(|users| users.with_user_id(&settings.user_id_field)).transpose()?;
        let tables = match (&users, has_blacklist_app) {
            (Some(users), true) => Some(
                DjangoStore::new(users.clone())
                    .with_leeway(settings.leeway)
                    .with_sliding_lifetime(settings.sliding_token_refresh_lifetime),
            ),
            (None, true) => {
                return Err(ConfigError::conflict(
                    "the blacklist app is in the database of the users, and there are no users",
                ));
            }
            (_, false) => None,
        };
        let keys = match keys {
            Some(keys) => keys,
            None => settings.key_set(secret_key.as_deref().map(String::as_str))?,
        };
        let header = HeaderSource::new(&settings)?;
        let verifier = settings.verifier(keys.clone(), clock.clone()).pyjwt_rules().build()?;
        let blacklist = Blacklist::new(tables);
        let check = TokenCheck::new(&settings, verifier, blacklist.clone());
        Ok(SimpleJwt(Arc::new(Inner {
            settings,
            keys,
            clock,
            check,
            blacklist,
            users,
            header,
            hooks,
        })))
    }
}

impl fmt::Debug for SimpleJwtBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimpleJwtBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}
