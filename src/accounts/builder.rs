use std::{fmt, sync::Arc, time::Duration};

use axum::response::IntoResponse;
use serde_json::{Map, Value};

#[cfg(feature = "throttle")]
use crate::throttle::Throttle;
#[cfg(feature = "totp")]
use crate::totp::Totp;
#[cfg(feature = "cookie")]
use crate::transport::SessionCookies;
use crate::{
    error::ConfigError,
    issue::Issuer,
    mail::Mailer,
    password::PasswordRules,
    possession::Dpop,
    routes::{BodyReader, RouteError, RouteRejection, without_trailing_slash},
    token::NoClaims,
    url::UrlRule,
    user::{Account, AccountBackend, Fields},
};

#[cfg(feature = "throttle")]
use super::limit::Limit;
use super::{
    account_route::AccountRoute,
    account_token::AccountTokens,
    limit::Limits,
    link::Link,
    outgoing::Outgoing,
    route_table::RouteTable,
    router::AccountRoutes,
    state::{AccountState, SignUpSettings},
};

/// Configures [`AccountRoutes`].
#[must_use]
pub struct AccountRoutesBuilder<U: AccountBackend<C, R>, C = NoClaims, R = NoClaims> {
    state: AccountState<U, C, R>,
    verify_link: Option<String>,
    reset_link: Option<String>,
    link_rule: UrlRule,
}

impl<U: AccountBackend<C, R>, C, R> AccountRoutes<U, C, R> {
    /// Starts a builder, for the accounts of `users`, the tokens of `issuer`, and the mails that
    /// `mailer` sends.
    ///
    /// Requires an issuer with a store.
    pub fn builder(
        issuer: Issuer<C, R>,
        users: U,
        mailer: impl Mailer,
    ) -> AccountRoutesBuilder<U, C, R>
    where
        U::Extra: Default,
    {
        AccountRoutesBuilder {
            state: AccountState {
                issuer,
                users,
                mail: Outgoing::new(mailer),
                tokens: AccountTokens::default(),
                rules: PasswordRules::nist(),
                limits: Limits::default(),
                bodies: BodyReader::default(),
                rejection: RouteRejection::default(),
                routes: RouteTable::default(),
                #[cfg(feature = "totp")]
                totp: None,
                sign_up: SignUpSettings::default(),
                dpop: None,
                describe_user: None,
                read_extra: Arc::new(|_| Some(U::Extra::default())),
                #[cfg(feature = "cookie")]
                cookies: None,
            },
            verify_link: None,
            reset_link: None,
            link_rule: UrlRule::HttpsOrLoopback,
        }
    }
}

impl<U: AccountBackend<C, R>, C, R> AccountRoutesBuilder<U, C, R> {
    /// Sets the base path of all routes, for example `/api`. Default: none.
    pub fn at(mut self, base: impl Into<String>) -> Self {
        self.state.routes.base = without_trailing_slash(&base.into());
        self
    }

    /// Moves a route to another path below the [base path](Self::at). Default:
    /// [`AccountRoute::default_path`].
    pub fn path(mut self, route: AccountRoute, path: impl Into<String>) -> Self {
        self.state.routes.moved.insert(route, path.into());
        self
    }

    /// Leaves a route out, so that the application can serve one of its own there. Default: all routes
    /// are served.
    pub fn without(mut self, route: AccountRoute) -> Self {
        self.state.routes.left_out.insert(route);
        self
    }

    /// Sets the rules for new passwords. Default: [`PasswordRules::nist`].
    pub fn password_rules(mut self, rules: PasswordRules) -> Self {
        self.state.rules = rules;
        self
    }

    /// Sets whether a sign-up must have a `username`. Default: `true`.
    pub fn require_username(mut self, required: bool) -> Self {
        self.state.sign_up.requires_username = required;
        self
    }

    /// Sets whether a sign-up must have an `email`. Default: `true`.
    ///
    /// Without an address, a user cannot reset the password.
    pub fn require_email(mut self, required: bool) -> Self {
        self.state.sign_up.requires_email = required;
        self
    }

    /// Sets how the columns of the application are read from the body of a sign-up. Default: they
    /// have their default values.
    ///
    /// The function reads each field, and records errors in `fields`. If it returns `None`, the
    /// sign-up is rejected with `400` and these errors, together with those of all other fields.
    ///
    /// <div class="warning">
    ///
    /// The client chooses these values. Do not read a role from them.
    ///
    /// </div>
    pub fn sign_up_fields(
        mut self,
        read: impl Fn(&mut Fields) -> Option<U::Extra> + Send + Sync + 'static,
    ) -> Self {
        self.state.read_extra = Arc::new(read);
        self
    }

    /// Sets how an account is described in responses. Default: `{"id", "username", "email"}`.
    pub fn describe_user(
        mut self,
        describe: impl Fn(&Account<U::Extra>) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        self.state.describe_user = Some(Arc::new(describe));
        self
    }

    /// Sets whether a sign-up reveals nothing about the accounts that exist. Default: `false`, and a
    /// taken name is rejected with `400`.
    ///
    /// If `true`, the response to every sign-up with valid fields is the same `202`, after the same
    /// work, and the mail has the rest: [`VerifyEmail`], [`AccountExists`] or [`UsernameTaken`].
    /// Have the backend reject logins until the address is verified, for example with
    /// `SqlUsersBuilder::require_verified_email`. Otherwise a login reveals whether the account was
    /// created.
    ///
    /// [`VerifyEmail`]: crate::mail::MessageKind::VerifyEmail
    /// [`AccountExists`]: crate::mail::MessageKind::AccountExists
    /// [`UsernameTaken`]: crate::mail::MessageKind::UsernameTaken
    pub fn enumeration_safe(mut self, safe: bool) -> Self {
        self.state.sign_up.enumeration_safe = safe;
        self
    }

    /// Sets whether a sign-up with `"tokens": true` in its body logs the user in, so that the response
    /// also has `access` and `refresh`. Default: `false`, and the member is ignored.
    ///
    /// The response has no tokens if the backend does not let the user log in yet, or if the session
    /// could not begin.
    pub fn tokens_at_sign_up(mut self, tokens: bool) -> Self {
        self.state.sign_up.tokens = tokens;
        self
    }

    /// Accepts access tokens that are bound to the key of the client ([RFC 9449]), and binds those of a
    /// sign-up whose request has a proof in the header `DPoP`. Default: bound tokens are rejected.
    ///
    /// Pass the [`Dpop`] of the token routes. If it
    /// [requires](crate::possession::DpopBuilder::require) bound tokens, a sign-up with tokens needs a
    /// proof.
    ///
    /// [RFC 9449]: https://www.rfc-editor.org/rfc/rfc9449
    pub fn dpop(mut self, dpop: Dpop) -> Self {
        self.state.dpop = Some(dpop);
        self
    }

    /// Accepts the session cookies of browsers beside Bearer tokens, and rejects requests that other
    /// sites cause. Default: Bearer tokens only.
    ///
    /// Pass the cookies of the session routes, from
    /// [`SessionRoutes::cookies`](crate::routes::SessionRoutes::cookies).
    #[cfg(feature = "cookie")]
    pub fn with_cookies(mut self, cookies: &SessionCookies) -> Self {
        self.state.cookies = Some(cookies.clone());
        self
    }

    /// Sets whether a sign-up logs the browser in: the response has the cookies of a session, unless
    /// the body has `"tokens": true`. Requires [`with_cookies`](Self::with_cookies). Default: `false`.
    #[cfg(feature = "cookie")]
    pub fn cookies_at_sign_up(mut self, cookies: bool) -> Self {
        self.state.sign_up.cookies = cookies;
        self
    }

    /// Sets the link in mails that verify an address, with `{token}` where the token is, for example
    /// `https://app.example/verify#{token}`. Default: no link, and the application makes one of the
    /// [token](crate::mail::Message::token).
    ///
    /// The page at the link sends the token to the route. Behind `#`, the token does not get into the
    /// logs of servers.
    pub fn verify_link(mut self, link: impl Into<String>) -> Self {
        self.verify_link = Some(link.into());
        self
    }

    /// Sets whether links in mails may be `http` to any host. Default: `false`, and they must be `https`,
    /// or `http` to a loopback address.
    ///
    /// <div class="warning">
    ///
    /// Whoever can read the network between a user and this service can then use the token of a link
    /// before the user does.
    ///
    /// </div>
    pub fn insecure_http_links(mut self, insecure: bool) -> Self {
        self.link_rule = if insecure { UrlRule::HttpsOrHttp } else { UrlRule::HttpsOrLoopback };
        self
    }

    /// Sets for how long the token in a mail can verify an address, in whole seconds. Default: 3 days.
    pub fn verify_lifetime(mut self, lifetime: Duration) -> Self {
        self.state.tokens.verify_email.lifetime = lifetime;
        self
    }

    /// Sets the link in mails that reset a password, like [`verify_link`](Self::verify_link). Default: no
    /// link.
    pub fn reset_link(mut self, link: impl Into<String>) -> Self {
        self.reset_link = Some(link.into());
        self
    }

    /// Sets for how long the token in a mail can reset a password, in whole seconds. Default: an hour.
    pub fn reset_lifetime(mut self, lifetime: Duration) -> Self {
        self.state.tokens.reset_password.lifetime = lifetime;
        self
    }

    /// Adds the routes with which users enable and disable codes of authenticator apps. Default: none.
    ///
    /// Pass the same `totp` to [`second_factor`](crate::routes::TokenRoutesBuilder::second_factor) of
    /// the routes for logins. Otherwise it has no effect there.
    #[cfg(feature = "totp")]
    pub fn totp(mut self, totp: Totp) -> Self {
        self.state.totp = Some(totp);
        self.state.routes.has_totp = true;
        self
    }

    /// Limits sign-ups, for each e-mail address and each address of a client. Default: no limit.
    ///
    /// A sign-up is counted before the password is hashed, even if it succeeds. Give the throttle a
    /// [namespace](crate::throttle::ThrottleBuilder::namespace) of its own.
    #[cfg(feature = "throttle")]
    pub fn sign_up_throttle(mut self, throttle: Throttle) -> Self {
        self.state.limits.sign_up = Limit::new(throttle);
        self
    }

    /// Limits the mails that anybody can have sent, for each e-mail address and each address of a
    /// client. Default: no limit, so that anybody can fill a mailbox.
    ///
    /// Give the throttle a [namespace](crate::throttle::ThrottleBuilder::namespace) of its own.
    #[cfg(feature = "throttle")]
    pub fn mail_throttle(mut self, throttle: Throttle) -> Self {
        self.state.limits.mail = Limit::new(throttle);
        self
    }

    /// Limits passwords of users who are logged in, for each account and each address of a client.
    /// Default: no limit, so that whoever has an access token can guess the password.
    ///
    /// These attempts count for the id of the user, apart from logins, so nobody else can use them up,
    /// and a change of the name does not renew them. Pass the throttle of the
    /// [token routes](crate::routes::TokenRoutesBuilder::throttle) or session routes: then a reset of the
    /// password also ends the wait of logins.
    #[cfg(feature = "throttle")]
    pub fn password_throttle(mut self, throttle: Throttle) -> Self {
        self.state.limits.password = Limit::new(throttle);
        self
    }

    /// Sets how many requests may have mails being sent at once. Further requests that need one are
    /// rejected with `503` before anything is stored. Default: 256.
    pub fn max_pending_mails(mut self, max: usize) -> Self {
        self.state.mail.set_max_tasks(max);
        self
    }

    /// Sets how long the mailer may take for a message. Then it is dropped. Default: 60 seconds.
    pub fn mail_timeout(mut self, timeout: Duration) -> Self {
        self.state.mail.set_timeout(timeout);
        self
    }

    /// Sets the maximum length of request bodies, in bytes. Default: 16 384 bytes.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.state.bodies.limits.len = bytes;
        self
    }

    /// Sets the time in which the whole request body must be received. Default: 10 seconds.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.state.bodies.limits.timeout = timeout;
        self
    }

    /// Sets how the responses to rejected requests are made, like
    /// [`TokenRoutesBuilder::rejection`](crate::routes::TokenRoutesBuilder::rejection). Default: the
    /// JSON of the [routes](crate::routes#errors).
    pub fn rejection<T: IntoResponse>(
        mut self,
        rejection: impl Fn(&RouteError) -> T + Send + Sync + 'static,
    ) -> Self {
        self.state.rejection = RouteRejection::new(rejection);
        self
    }

    /// Builds the routes.
    ///
    /// # Errors
    ///
    /// - The issuer has no store.
    /// - A path does not start with a slash, or contains other characters than letters, digits and
    ///   `/-._~`.
    /// - Two routes have the same method and path, a route is both moved and left out, or all routes
    ///   are left out.
    /// - A link is not an absolute URL with `https`, or `http` to a loopback address unless
    ///   [`insecure_http_links`](Self::insecure_http_links) is set, or does not have `{token}` in it
    ///   once, behind the host.
    /// - The lifetime of a [token](Self::verify_lifetime) is less than a second, or more than the
    ///   issuer allows for single-use tokens.
    /// - A sign-up requires neither a user name nor an e-mail address.
    /// - [`enumeration_safe`](Self::enumeration_safe) is set without a required e-mail address, or
    ///   together with tokens or cookies at sign-up.
    /// - The [body limit](Self::body_limit) is less than 256 bytes or more than 1 MiB.
    /// - The [body timeout](Self::body_timeout) is zero or more than 300 seconds.
    /// - [`max_pending_mails`](Self::max_pending_mails) is zero or more than 65 536, or
    ///   [`mail_timeout`](Self::mail_timeout) is zero or more than 600 seconds.
    #[cfg_attr(
        feature = "cookie",
        doc = "- Cookies at sign-up are set without [`with_cookies`](Self::with_cookies), or the cookies are \
               not those of session routes."
    )]
    pub fn build(self) -> Result<AccountRoutes<U, C, R>, ConfigError> {
        let Self { mut state, verify_link, reset_link, link_rule } = self;
        if !state.issuer.has_store() {
            return Err(ConfigError::ineffective("`AccountRoutes` require an issuer with a store"));
        }
        state.routes.check()?;
        state.bodies.limits.check()?;
        state.mail.check()?;
        let parse = |link: Option<String>| {
            link.map(|template| Link::parse(&template, link_rule)).transpose()
        };
        state.tokens.verify_email.link = parse(verify_link)?;
        state.tokens.reset_password.link = parse(reset_link)?;
        state.tokens.check(&state.issuer)?;
        state.sign_up.check()?;
        #[cfg(feature = "cookie")]
        match &state.cookies {
            Some(cookies) if !cookies.has_refresh_path() => {
                return Err(ConfigError::conflict(
                    "`with_cookies` requires the cookies of the session routes, or cookies with a \
                     `refresh_path`",
                ));
            }
            None if state.sign_up.cookies => {
                return Err(ConfigError::ineffective(
                    "`cookies_at_sign_up` requires `with_cookies`",
                ));
            }
            _ => {}
        }
        Ok(AccountRoutes::new(state))
    }
}

impl<U: AccountBackend<C, R>, C, R> fmt::Debug for AccountRoutesBuilder<U, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountRoutesBuilder")
            .field("issuer", &self.state.issuer)
            .field("routes", &self.state.routes)
            .finish_non_exhaustive()
    }
}
