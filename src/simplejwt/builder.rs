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
    token_class::TokenClass,
};

/// Configures a [`SimpleJwt`].
#[must_use]
pub struct SimpleJwtBuilder {
    settings: Settings,
    secret_key: Option<Zeroizing<String>>,
    keys: Option<KeySet>,
    users: Option<DjangoUsers>,
    blacklist_app: Option<bool>,
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
            blacklist_app: None,
            clock: Clock::system(),
            hooks: Hooks::default(),
        }
    }

    /// Sets Django's `SECRET_KEY`. It signs tokens if the settings have no `SIGNING_KEY`. Default:
    /// none.
    pub fn secret_key(mut self, secret_key: impl Into<String>) -> Self {
        self.secret_key = Some(secret_key.into().into());
        self
    }

    /// Sets the keys, and ignores those in the settings: several keys during a rotation, or the keys
    /// of a URL (`JWK_URL`). Default: none.
    ///
    /// Tokens can be issued only if there is a signing key among them.
    pub fn keys(mut self, keys: impl Into<KeySet>) -> Self {
        self.keys = Some(keys.into());
        self
    }

    /// Sets the users. Default: none, and only [stateless](SimpleJwt::stateless_layer) routes can be
    /// served.
    ///
    /// Tokens identify users by `USER_ID_FIELD`, which overrides
    /// [`UserTable::with_user_id`](super::UserTable::with_user_id).
    pub fn users(mut self, users: DjangoUsers) -> Self {
        self.users = Some(users);
        self
    }

    /// Sets whether the blacklist app is among Django's `INSTALLED_APPS`. Its tables are then in the
    /// database of the users. Required with [users](Self::users), and if `AUTH_TOKEN_CLASSES` holds
    /// `SlidingToken`. Otherwise the default is `false`.
    ///
    /// With `false` tokens cannot be blacklisted, and tokens that Django has blacklisted would be
    /// accepted. Therefore calls to the database fail if the tables exist. Drop tables that Django
    /// no longer uses.
    pub const fn blacklist_app(mut self, is_installed: bool) -> Self {
        self.blacklist_app = Some(is_installed);
        self
    }

    /// Adds claims to the tokens of a login, as `get_token` of a custom serializer does. Default:
    /// none.
    ///
    /// They are written into refresh and sliding tokens, and copied from refresh tokens into access
    /// tokens. `claims` is called with the user, may query a database, and returns a value that
    /// serializes to a JSON object. The login fails with `500` if a claim has a reserved name.
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

    /// Sets which users may log in and refresh: `USER_AUTHENTICATION_RULE`. Default: active users,
    /// or all users if `CHECK_USER_IS_ACTIVE` is off.
    pub fn user_rule(mut self, rule: impl Fn(&DjangoUser) -> bool + Send + Sync + 'static) -> Self {
        self.hooks.user_rule = Some(Arc::new(rule));
        self
    }

    /// Sets a function that is called after each login: `ON_LOGIN_SUCCESS`. Default: none.
    pub fn on_login_success(mut self, hook: impl Fn(&DjangoUser) + Send + Sync + 'static) -> Self {
        self.hooks.on_login_success = Some(Arc::new(hook));
        self
    }

    /// Sets a function that is called with the user name after each failed login:
    /// `ON_LOGIN_FAILED`. Default: none.
    ///
    /// The name may be a password that the user typed into the wrong field.
    pub fn on_login_failed(mut self, hook: impl Fn(&str) + Send + Sync + 'static) -> Self {
        self.hooks.on_login_failed = Some(Arc::new(hook));
        self
    }

    /// Adds members to the response to a login, as `validate` of a custom serializer does. Default:
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

    /// Sets the clock. Default: the system's clock.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Builds it. Does not connect to the database.
    ///
    /// # Errors
    ///
    /// - [`Key`](crate::ConfigErrorKind::Key) if a key is missing, weak or malformed, or does not
    ///   match `ALGORITHM`.
    /// - [`OutOfRange`](crate::ConfigErrorKind::OutOfRange) if a lifetime is zero, `LEEWAY` exceeds
    ///   five minutes, or a header or column name is malformed.
    /// - [`Ineffective`](crate::ConfigErrorKind::Ineffective) if a list is empty, or
    ///   `BLACKLIST_AFTER_ROTATION` is set without the blacklist app.
    /// - [`Conflict`](crate::ConfigErrorKind::Conflict) if `VERIFYING_KEY` does not match
    ///   `SIGNING_KEY`, two claims have one name, [`blacklist_app`](Self::blacklist_app) is required
    ///   and not set, or it is `true` without users or with `None` as `JTI_CLAIM`.
    pub fn build(self) -> Result<SimpleJwt, ConfigError> {
        let Self { settings, secret_key, keys, users, blacklist_app, clock, hooks } = self;
        let accepts_sliding = settings.auth_token_classes.contains(&TokenClass::Sliding);
        let has_blacklist_app = match blacklist_app {
            Some(is_installed) => is_installed,
            None if users.is_some() || accepts_sliding => {
                return Err(ConfigError::conflict(
                    "SimpleJwtBuilder::blacklist_app must be set with users, or if \
                     AUTH_TOKEN_CLASSES holds SlidingToken: true if \
                     rest_framework_simplejwt.token_blacklist is among Django's INSTALLED_APPS",
                ));
            }
            None => false,
        };
        settings.check(has_blacklist_app)?;
        let users = users
            .map(|users| users.with_settings(&settings.user_id_field, has_blacklist_app))
            .transpose()?;
        let blacklist = match (&users, has_blacklist_app) {
            (Some(users), true) => Blacklist::Installed(
                DjangoStore::new(users.clone())
                    .with_leeway(settings.leeway)
                    .with_sliding_lifetime(settings.sliding_token_refresh_lifetime),
            ),
            (None, true) => {
                return Err(ConfigError::conflict(
                    "the blacklist app is in the database of the users: set \
                     SimpleJwtBuilder::users",
                ));
            }
            (users, false) => Blacklist::Absent(users.clone()),
        };
        let keys = match keys {
            Some(keys) => keys,
            None => settings.key_set(secret_key.as_deref().map(String::as_str))?,
        };
        let header = HeaderSource::new(&settings)?;
        let verifier = settings.verifier(keys.clone(), clock.clone()).pyjwt_rules().build()?;
        let check = TokenCheck::new(&settings, verifier, blacklist.clone());
        let inner = Inner { settings, keys, clock, check, blacklist, users, header, hooks };
        Ok(SimpleJwt(Arc::new(inner)))
    }
}

impl fmt::Debug for SimpleJwtBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimpleJwtBuilder").field("settings", &self.settings).finish_non_exhaustive()
    }
}
