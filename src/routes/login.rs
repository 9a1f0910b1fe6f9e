//! Logging in, for all routes that begin sessions.

use std::{error::Error, fmt, sync::Arc};

use axum::extract::Request;
use http::{HeaderName, HeaderValue};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    error::{AuthError, AuthErrorKind, ConfigError},
    issue::{Event, Issuer, Tokens},
    user::{Authentication, DynSecondFactor, User, UserBackend},
};

use super::{
    body_reader::BodyReader,
    login_limit::{LoginAttempt, LoginLimit},
    rejection::RouteRejection,
    route_error::RouteError,
    session_list::SessionList,
};

/// How often the credentials of one request are checked, if the user is revoked each time meanwhile.
const MAX_LOGIN_ATTEMPTS: usize = 2;

/// Describes a user in a response.
pub(super) type DescribeUser<C, R> = Arc<dyn Fn(&User<C, R>) -> Map<String, Value> + Send + Sync>;

/// The users, the issuer of their tokens, and how a login is read.
pub(super) struct Logins<U, C, R> {
    pub(super) issuer: Issuer<C, R>,
    pub(super) users: U,
    pub(super) bodies: BodyReader,
    pub(super) limit: LoginLimit,
    /// The header of a login that labels the session.
    pub(super) session_label: Option<HeaderName>,
    /// Verifies the codes of users with a second factor.
    pub(super) second_factor: Option<Arc<dyn DynSecondFactor>>,
}

impl<U, C, R> Logins<U, C, R> {
    pub(super) fn new(issuer: Issuer<C, R>, users: U) -> Self {
        Self {
            issuer,
            users,
            bodies: BodyReader::default(),
            limit: LoginLimit::default(),
            session_label: None,
            second_factor: None,
        }
    }

    /// Fails if the settings are contradictory. `names` are the fields of requests and responses.
    pub(super) fn check(&self, names: &[&str]) -> Result<(), ConfigError> {
        let mut names = names.to_vec();
        if self.second_factor.is_some() {
            names.extend(["step", "code"]);
        }
        self.check_field_names(&names)?;
        self.bodies.limits.check()?;
        if self.session_label.is_some() && !self.issuer.has_store() {
            return Err(ConfigError::ineffective(
                "`session_label_from` requires an issuer with a store",
            ));
        }
        if self.second_factor.is_some() && !self.issuer.has_store() {
            return Err(ConfigError::ineffective(
                "`second_factor` requires an issuer with a store",
            ));
        }
        Ok(())
    }

    fn check_field_names(&self, names: &[&str]) -> Result<(), ConfigError> {
        let custom = self.bodies.renamed.iter().map(|(name, _)| *name);
        let custom = custom.filter(|name| !names.contains(name));
        let own = names.iter().copied().chain(custom);
        let mut names: Vec<&str> = own.map(|name| self.bodies.client_name(name)).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) || names.contains(&"") {
            return Err(ConfigError::conflict(
                "`rename_field` must give each field a name of its own",
            ));
        }
        Ok(())
    }

    /// The session list of the users who log in.
    pub(super) fn session_list(
        &self,
        rejection: RouteRejection,
        clear_cookies: Vec<HeaderValue>,
    ) -> SessionList<C, R> {
        SessionList {
            issuer: self.issuer.clone(),
            bodies: BodyReader { limits: self.bodies.limits, renamed: Vec::new() },
            rejection,
            has_labels: self.session_label.is_some(),
            clear_cookies,
        }
    }

    /// Has clients call the field `name` by another name.
    pub(super) fn rename_field(&mut self, name: &'static str, to: String) {
        self.bodies.renamed.retain(|(renamed, _)| *renamed != name);
        self.bodies.renamed.push((name, to));
    }

    pub(super) fn label_of(&self, request: &Request) -> Option<String> {
        let value = request.headers().get(self.session_label.as_ref()?)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }
}

impl<U, C, R> Logins<U, C, R>
where
    U: UserBackend<C, R>,
    C: Serialize,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Begins a session for the user whose credentials are in the body of `request`.
    pub(super) async fn log_in(
        &self,
        request: Request,
    ) -> Result<(Tokens, User<C, R>), RouteError> {
        let label = self.label_of(&request);
        let client = self.limit.client(&request)?;
        let body = self.bodies.read(request).await?;
        // A request without credentials is no attempt.
        self.bodies.credentials::<U::Credentials>(&body)?;
        let attempt = self.limit.count(client, || self.bodies.fields(&body)).await;
        let attempt = attempt.inspect_err(|error| self.emit_failure(error))?;
        let result = self.check_and_begin(&body, label.as_deref(), &attempt).await;
        attempt.conclude(&result).await;
        if let Err(RouteError::Auth(error)) = &result {
            self.emit_failure(error);
        }
        result
    }

    pub(super) fn emit_failure(&self, error: &AuthError) {
        self.issuer.emit(&Event::LoginFailed { reason: error.kind() });
    }

    async fn check_and_begin(
        &self,
        body: &[u8],
        label: Option<&str>,
        attempt: &LoginAttempt,
    ) -> Result<(Tokens, User<C, R>), RouteError> {
        let mut attempts = 0;
        loop {
            let credentials = self.bodies.credentials(body)?;
            attempts += 1;
            match self.begin_session(credentials, label, attempt).await {
                Ok(Some(logged_in)) => return Ok(logged_in),
                Ok(None) if attempts < MAX_LOGIN_ATTEMPTS => {}
                Ok(None) => {
                    let kind = AuthErrorKind::Unavailable;
                    return Err(AuthError::with_source(kind, InterruptedLogin).into());
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Checks the credentials and begins a session. `None` if the user was revoked in between: the
    /// credentials may have been replaced, and must be checked again.
    async fn begin_session(
        &self,
        credentials: U::Credentials,
        label: Option<&str>,
        attempt: &LoginAttempt,
    ) -> Result<Option<(Tokens, User<C, R>)>, RouteError> {
        let start = self.issuer.start_login().await?;
        let outcome = self.users.authenticate(credentials).await.map_err(AuthError::from)?;
        let (user, is_required) = match outcome {
            Authentication::SecondFactor(user) if user.is_active() => (user, true),
            outcome => {
                let user = outcome.into_result()?;
                let is_enabled = self.has_second_factor(&user).await?;
                (user, is_enabled)
            }
        };
        if is_required {
            return Err(self.require_second_factor(start, &user, attempt));
        }
        match self.issuer.finish_login(start, &user, label).await {
            Ok(tokens) => Ok(Some((tokens, user))),
            Err(error) if error.kind() == AuthErrorKind::Revoked => Ok(None),
            Err(error) => Err(error.into()),
        }
    }
}

/// Why a login fails whose credentials were right at each attempt.
#[derive(Debug)]
struct InterruptedLogin;

impl fmt::Display for InterruptedLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the user was revoked during each attempt to log in")
    }
}

impl Error for InterruptedLogin {}
