use std::{fmt, sync::Arc, time::Duration};

use axum::response::IntoResponse;
use http::HeaderName;
use serde_json::{Map, Value};

#[cfg(feature = "throttle")]
use crate::throttle::Throttle;
use crate::{
    error::ConfigError,
    issue::Issuer,
    middleware::JwtAuthLayer,
    possession::Dpop,
    token::NoClaims,
    user::{SecondFactor, User, UserBackend},
};

#[cfg(feature = "throttle")]
use super::super::login_limit::LoginLimit;
use super::{
    super::{
        login::Logins,
        path::{check_base, check_distinct, is_path, without_trailing_slash},
        rejection::RouteRejection,
        route_error::RouteError,
        session_list,
    },
    settings::TokenSettings,
    token_routes::TokenRoutes,
};

/// The fields of requests and responses, by their default names.
const FIELDS: [&str; 5] = ["username", "password", "access", "refresh", "token"];

/// Configures [`TokenRoutes`].
#[must_use]
pub struct TokenRoutesBuilder<U, C = NoClaims, R = NoClaims> {
    logins: Logins<U, C, R>,
    settings: TokenSettings<C, R>,
}

impl<U: UserBackend<C, R>, C, R> TokenRoutes<U, C, R> {
    /// Starts a builder, for the tokens of `issuer` and the logins of `users`.
    pub fn builder(issuer: Issuer<C, R>, users: U) -> TokenRoutesBuilder<U, C, R> {
        TokenRoutesBuilder {
            logins: Logins::new(issuer, users),
            settings: TokenSettings::default(),
        }
    }
}

impl<U: UserBackend<C, R>, C, R> TokenRoutesBuilder<U, C, R> {
    /// Sets the base path of all routes, for example `/api/token`. Default: none.
    pub fn at(mut self, base: impl Into<String>) -> Self {
        self.settings.base = without_trailing_slash(&base.into());
        self
    }

    /// Sets the path of logins. Default: `/`.
    pub fn obtain_path(mut self, path: impl Into<String>) -> Self {
        self.settings.paths.obtain = path.into();
        self
    }

    /// Sets the path of refreshes. Default: `/refresh`.
    pub fn refresh_path(mut self, path: impl Into<String>) -> Self {
        self.settings.paths.refresh = path.into();
        self
    }

    /// Sets the path that verifies tokens. Default: `/verify`.
    pub fn verify_path(mut self, path: impl Into<String>) -> Self {
        self.settings.paths.verify = path.into();
        self
    }

    /// Sets the path that ends sessions. Default: `/blacklist`.
    pub fn blacklist_path(mut self, path: impl Into<String>) -> Self {
        self.settings.paths.blacklist = path.into();
        self
    }

    /// Sets the path of the [second step](crate::routes#second-factor) of logins. Default:
    /// `/second-factor`.
    pub fn second_factor_path(mut self, path: impl Into<String>) -> Self {
        self.settings.paths.second_factor = path.into();
        self
    }

    /// Adds a route for the password grant ([RFC 6749 section 4.3]) at `path`, for example `/grant`.
    /// Default: none.
    ///
    /// The request is a form with `grant_type=password`, `username` and `password`. The response has
    /// `access_token`, `token_type`, `expires_in` and `refresh_token`. It is for pages that show the
    /// API, such as Swagger UI, whose Authorize button sends such a form: see
    /// [`openapi`](crate::openapi).
    ///
    /// The route is limited like the login. For an account with a second factor, the response is a
    /// `400` with the error `second_factor_required` and the `step` for the route of the
    /// [second step](crate::routes#second-factor). Clients are not authenticated, and `scope` is
    /// ignored.
    ///
    /// <div class="warning">
    ///
    /// OAuth 2.1 has no password grant, because it teaches users to give their password to other
    /// programs. Use it for development pages only.
    ///
    /// </div>
    ///
    /// [RFC 6749 section 4.3]: https://www.rfc-editor.org/rfc/rfc6749#section-4.3
    pub fn password_grant_path(mut self, path: impl Into<String>) -> Self {
        self.settings.password_grant = Some(path.into());
        self
    }

    /// Renames a field in requests and responses. Default: no field is renamed.
    ///
    /// `name` is one of `username`, `password`, `access`, `refresh`, `token`, `step` and `code`, or a
    /// field that the [`Credentials`](crate::user::Credentials) of the user backend read.
    pub fn rename_field(mut self, name: &'static str, to: impl Into<String>) -> Self {
        self.logins.rename_field(name, to.into());
        self
    }

    /// Adds members to the response of a login, for example the user's name. Default: none.
    ///
    /// They cannot replace the tokens.
    pub fn response_extras(
        mut self,
        extras: impl Fn(&User<C, R>) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        self.settings.extras = Some(Arc::new(extras));
        self
    }

    /// [Labels](Issuer::login_with_label) each session with the header `name` of the login request,
    /// for example [`USER_AGENT`](http::header::USER_AGENT). Requires an issuer with a store.
    /// Default: sessions have no label.
    pub fn session_label_from(mut self, name: HeaderName) -> Self {
        self.logins.session_label = Some(name);
        self
    }

    /// Limits attempts to log in, for each account and each address of a client. Default: no limit.
    ///
    /// Too many attempts are rejected with `429` and `Retry-After`, before the password is checked.
    #[cfg(feature = "throttle")]
    pub fn throttle(mut self, throttle: Throttle) -> Self {
        self.logins.limit = LoginLimit::new(throttle);
        self
    }

    /// Limits refreshes that fail, for each address of a client. Default: no limit.
    ///
    /// Each refresh that is rejected with `401` counts. After too many, all refreshes of the address are
    /// rejected with `429` and `Retry-After` before the token is verified, and the tokens remain valid.
    /// Give `throttle` a [namespace](crate::throttle::ThrottleBuilder::namespace) of its own, unless
    /// refreshes should share the limit of logins.
    ///
    /// ```
    /// use tower_jwt_auth::{store::AttemptLimit, throttle::Throttle};
    /// # use tower_jwt_auth::MemoryStore;
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let store = MemoryStore::new();
    /// let throttle = Throttle::builder(store)
    ///     .namespace("refresh")
    ///     .per_address(AttemptLimit::new(1_000)?)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    #[cfg(feature = "throttle")]
    pub fn refresh_throttle(mut self, throttle: Throttle) -> Self {
        self.logins.refresh_limit = LoginLimit::new(throttle);
        self
    }

    /// Sets the second factors of users, and adds the route `POST /second-factor`. Requires an issuer
    /// with a store. Default: none, and the login of a user whom the backend returns as
    /// [`Authentication::SecondFactor`](crate::user::Authentication::SecondFactor) fails with `500`.
    ///
    /// See [the second step](crate::routes#second-factor).
    ///
    /// <div class="warning">
    ///
    /// Five codes can be tried per login. Somebody who knows the password can log in again for
    /// more: limit attempts to log in, for example with the `throttle` of the feature of that name.
    ///
    /// </div>
    pub fn second_factor(mut self, second_factor: impl SecondFactor) -> Self {
        self.logins.second_factor = Some(Arc::new(second_factor));
        self
    }

    /// Binds tokens to the key of the client ([RFC 9449]). Default: no tokens are bound, and the header
    /// `DPoP` is ignored.
    ///
    /// A login whose request has a proof in the header `DPoP` returns an access and a refresh token
    /// that are bound to the key of the proof, and `"token_type": "DPoP"`. The refresh token then
    /// works only with a proof of the same key, so nobody else can use a stolen one. So does the
    /// token for the second step of the login. A request with an invalid proof is rejected with `401`
    /// and the code `invalid_dpop_proof`, and has no other effect: no token is spent, and no session
    /// ends.
    ///
    /// If `dpop` [requires](crate::possession::DpopBuilder::require) bound tokens, each login and each
    /// refresh needs a proof. The layers of the API must have the same [`Dpop`]:
    /// [`JwtAuthLayer::with_dpop`]. See [`possession`](crate::possession).
    ///
    /// [RFC 9449]: https://www.rfc-editor.org/rfc/rfc9449#section-5
    pub fn dpop(mut self, dpop: Dpop) -> Self {
        self.settings.dpop = Some(dpop);
        self
    }

    /// Sets the maximum length of request bodies, in bytes. Default: 16 384 bytes.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.logins.bodies.limits.len = bytes;
        self
    }

    /// Sets the time in which the whole request body must be received. Default: 10 seconds.
    ///
    /// A request with a slower body is rejected with `408`.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.logins.bodies.limits.timeout = timeout;
        self
    }

    /// Sets how the responses to rejected requests are made. Default: the JSON of the
    /// [module docs](crate::routes).
    ///
    /// The routes complete the response. They add `Cache-Control: no-store`, the challenge,
    /// `Retry-After` and `Allow` where they are required, and put the [`AuthError`] or
    /// [`RequestError`] into the extensions.
    ///
    /// ```
    /// use axum::response::IntoResponse;
    /// use tower_jwt_auth::routes::RouteError;
    /// # use tower_jwt_auth::{Algorithm, Issuer, MemoryStore, SigningKey, TokenRoutes};
    /// # use tower_jwt_auth::password::{MemoryUsers, PasswordHasher};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?)
    /// #     .store(MemoryStore::new())
    /// #     .build()?;
    /// # let users = MemoryUsers::<tower_jwt_auth::token::NoClaims>::new(PasswordHasher::new());
    /// fn plain(error: &RouteError) -> impl IntoResponse + use<> {
    ///     (error.status(), error.detail())
    /// }
    ///
    /// let tokens = TokenRoutes::builder(issuer, users).rejection(plain).build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [`AuthError`]: crate::AuthError
    /// [`RequestError`]: super::super::RequestError
    pub fn rejection<T: IntoResponse>(
        mut self,
        rejection: impl Fn(&RouteError) -> T + Send + Sync + 'static,
    ) -> Self {
        self.settings.rejection = RouteRejection::new(rejection);
        self
    }

    /// Adds the [session list](crate::routes#session-list) below the path `base`, for example
    /// `/api`. Requires an issuer with a store. Default: no session list.
    pub fn session_list_at(mut self, base: impl Into<String>) -> Self {
        self.settings.session_list = Some(without_trailing_slash(&base.into()));
        self
    }

    /// Sets the layer that admits requests to the session list, for example one that reads the token
    /// from another place. Requires [`session_list_at`](Self::session_list_at). Default:
    /// [`Issuer::layer`], which rejects revoked tokens.
    ///
    /// The routes set how its responses to rejected requests are made.
    pub fn session_list_layer(mut self, layer: JwtAuthLayer<C>) -> Self {
        self.settings.session_list_layer = Some(layer);
        self
    }

    /// Builds the routes.
    ///
    /// # Errors
    ///
    /// - A path does not start with a slash, or contains other characters than letters, digits and
    ///   `/-._~`.
    /// - Two routes have the same path.
    /// - Two fields have the same name, or a name is empty.
    /// - [`refresh_throttle`](Self::refresh_throttle) does not limit addresses.
    /// - The [body limit](Self::body_limit) is less than 256 bytes or more than 1 MiB.
    /// - The [body timeout](Self::body_timeout) is zero or more than 300 seconds.
    /// - [`session_label_from`](Self::session_label_from),
    ///   [`second_factor`](Self::second_factor) or
    ///   [`session_list_at`](Self::session_list_at) is set, but the issuer has no store.
    /// - [`session_list_layer`](Self::session_list_layer) is set, but not
    ///   [`session_list_at`](Self::session_list_at).
    pub fn build(self) -> Result<TokenRoutes<U, C, R>, ConfigError> {
        let Self { logins, settings } = self;
        check_base(&settings.base)?;
        check_paths(settings.paths.all().into_iter().chain(settings.password_grant.as_deref()))?;
        logins.check(&FIELDS)?;
        let mut list_paths = Vec::new();
        if let Some(base) = &settings.session_list {
            check_base(base)?;
            if !logins.issuer.has_store() {
                return Err(ConfigError::ineffective(
                    "`session_list_at` requires an issuer with a store",
                ));
            }
            list_paths = session_list::paths(base).into();
        } else if settings.session_list_layer.is_some() {
            return Err(ConfigError::ineffective(
                "`session_list_layer` requires `session_list_at`",
            ));
        }
        let paths = settings.full_paths();
        let grant = settings.password_grant.as_deref().map(|path| settings.full_path(path));
        let other_paths = list_paths.iter().chain(&grant).map(String::as_str);
        check_distinct(paths.all().into_iter().chain(other_paths))?;
        Ok(TokenRoutes::with_settings(logins, settings))
    }
}

/// Checks the paths without their base: a base would hide that a path has no slash.
fn check_paths<'p>(mut paths: impl Iterator<Item = &'p str>) -> Result<(), ConfigError> {
    if paths.all(is_path) {
        return Ok(());
    }
    Err(ConfigError::out_of_range(
        "the path of a route must start with a slash and contain only letters, digits and `/-._~`",
    ))
}

impl<U, C, R> fmt::Debug for TokenRoutesBuilder<U, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRoutesBuilder")
            .field("issuer", &self.logins.issuer)
            .finish_non_exhaustive()
    }
}
