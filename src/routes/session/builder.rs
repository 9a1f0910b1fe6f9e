use std::{fmt, sync::Arc, time::Duration};

use axum::response::IntoResponse;
use http::HeaderName;
use serde_json::{Map, Value};

#[cfg(feature = "throttle")]
use crate::throttle::Throttle;
use crate::{
    error::ConfigError,
    issue::Issuer,
    token::NoClaims,
    transport::SessionCookies,
    user::{SecondFactor, User, UserBackend},
};

#[cfg(feature = "throttle")]
use super::super::login_limit::LoginLimit;
use super::{
    super::{
        login::{DescribeUser, Logins},
        path::{check_base, check_distinct, without_trailing_slash},
        rejection::RouteRejection,
        route_error::RouteError,
        session_list,
    },
    router::SessionRoutes,
    state::SessionState,
};

/// The fields of a login, by their default names.
const FIELDS: [&str; 2] = ["username", "password"];

/// Configures [`SessionRoutes`].
#[must_use]
pub struct SessionRoutesBuilder<U, C = NoClaims, R = NoClaims> {
    logins: Logins<U, C, R>,
    cookies: SessionCookies,
    base: String,
    list_base: Option<String>,
    describe_user: Option<DescribeUser<C, R>>,
    rejection: RouteRejection,
}

impl<U: UserBackend<C, R>, C, R> SessionRoutes<U, C, R> {
    /// Starts a builder, for the tokens of `issuer`, the logins of `users`, and these cookies.
    ///
    /// Requires an issuer with a store, because a logout ends the session.
    pub fn builder(
        issuer: Issuer<C, R>,
        users: U,
        cookies: &SessionCookies,
    ) -> SessionRoutesBuilder<U, C, R> {
        SessionRoutesBuilder {
            logins: Logins::new(issuer, users),
            cookies: cookies.clone(),
            base: String::new(),
            list_base: None,
            describe_user: None,
            rejection: RouteRejection::default(),
        }
    }
}

impl<U: UserBackend<C, R>, C, R> SessionRoutesBuilder<U, C, R> {
    /// Sets the base path of all routes, for example `/api/session`. Default: none.
    ///
    /// Browsers send the refresh cookie only to this path and those below it.
    pub fn at(mut self, base: impl Into<String>) -> Self {
        self.base = without_trailing_slash(&base.into());
        self
    }

    /// Sets the base path of the [session list](crate::routes#session-list), for example `/api` for
    /// `/api/sessions`. Default: the base path of all routes.
    pub fn session_list_at(mut self, base: impl Into<String>) -> Self {
        self.list_base = Some(without_trailing_slash(&base.into()));
        self
    }

    /// Sets the member `user` of responses. Default: `{"id": "…"}` with the id of the user.
    pub fn describe_user(
        mut self,
        describe: impl Fn(&User<C, R>) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        self.describe_user = Some(Arc::new(describe));
        self
    }

    /// Renames a field of a login. Default: no field is renamed.
    ///
    /// `name` is `username`, `password`, `step`, `code`, or a field that the
    /// [`Credentials`](crate::user::Credentials) of the user backend read.
    pub fn rename_field(mut self, name: &'static str, to: impl Into<String>) -> Self {
        self.logins.rename_field(name, to.into());
        self
    }

    /// [Labels](Issuer::login_with_label) each session with the header `name` of the login request,
    /// for example [`USER_AGENT`](http::header::USER_AGENT). Default: sessions have no label until
    /// their user sets one.
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

    /// Sets the maximum length of request bodies, in bytes. Default: 16 384 bytes.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.logins.bodies.limits.len = bytes;
        self
    }

    /// Sets the time in which the whole request body must be received. Default: 10 seconds.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.logins.bodies.limits.timeout = timeout;
        self
    }

    /// Sets how the responses to rejected requests are made, like
    /// [`TokenRoutesBuilder::rejection`](super::super::TokenRoutesBuilder::rejection). Default: the
    /// JSON of the [module docs](crate::routes#errors).
    pub fn rejection<T: IntoResponse>(
        mut self,
        rejection: impl Fn(&RouteError) -> T + Send + Sync + 'static,
    ) -> Self {
        self.rejection = RouteRejection::new(rejection);
        self
    }

    /// Builds the routes.
    ///
    /// # Errors
    ///
    /// - The issuer has no store.
    /// - The issuer signs, or after a rotation will sign, with ML-DSA-65 or ML-DSA-87, whose signatures
    ///   are too long for a cookie.
    /// - A path does not start with a slash, or contains other characters than letters, digits and
    ///   `/-._~`.
    /// - Two routes have the same path.
    /// - Browsers would not send the cookies to the routes, because the
    ///   [`refresh_path`](crate::transport::SessionCookiesBuilder::refresh_path) or the
    ///   [`path`](crate::transport::SessionCookiesBuilder::path) of the cookies does not contain
    ///   them, or would reject a cookie.
    /// - Two fields have the same name, or a name is empty.
    /// - [`refresh_throttle`](Self::refresh_throttle) does not limit addresses.
    /// - The [body limit](Self::body_limit) is less than 256 bytes or more than 1 MiB.
    /// - The [body timeout](Self::body_timeout) is zero or more than 300 seconds.
    pub fn build(self) -> Result<SessionRoutes<U, C, R>, ConfigError> {
        let Self { logins, cookies, base, list_base, describe_user, rejection } = self;
        if !logins.issuer.has_store() {
            return Err(ConfigError::ineffective("`SessionRoutes` require an issuer with a store"));
        }
        #[cfg(feature = "ml-dsa")]
        if !logins.issuer.tokens_fit_into_cookies() {
            return Err(ConfigError::conflict(
                "tokens of ML-DSA-65 and ML-DSA-87 do not fit into the cookies of `SessionRoutes`",
            ));
        }
        let list_base = list_base.unwrap_or_else(|| base.clone());
        check_base(&base)?;
        check_base(&list_base)?;
        logins.check(&FIELDS)?;
        let list_paths = session_list::paths(&list_base);
        let paths = [base.clone(), format!("{base}/refresh"), format!("{base}/second-factor")];
        check_distinct(paths.iter().chain(&list_paths).map(String::as_str))?;
        let cookies = cookies.with_refresh_path(&base)?;
        cookies.check_access_path([&base, &list_base])?;
        let state = SessionState { logins, cookies, base, list_base, describe_user, rejection };
        Ok(SessionRoutes::new(state))
    }
}

impl<U, C, R> fmt::Debug for SessionRoutesBuilder<U, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRoutesBuilder")
            .field("issuer", &self.logins.issuer)
            .field("cookies", &self.cookies)
            .finish_non_exhaustive()
    }
}
