//! Logging in, for all routes that begin sessions.

use std::{error::Error, fmt, net::IpAddr, sync::Arc};

use axum::extract::Request;
use http::{HeaderName, HeaderValue};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value};

use crate::{
    error::{AuthError, AuthErrorKind, ConfigError},
    issue::{Event, Issuer, Tokens},
    possession::UnusedProof,
    token::KeyThumbprint,
    user::{Authentication, DynSecondFactor, User, UserBackend},
};

use super::{
    body_reader::BodyReader,
    login_limit::{LoginLimit, StepClaims},
    login_request::LoginRequest,
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
    pub(super) refresh_limit: LoginLimit,
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
            refresh_limit: LoginLimit::default(),
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
        self.refresh_limit.check_limits_addresses()?;
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
    /// Begins a session for the user whose credentials are in the body of `request`. Its tokens are
    /// bound to the key of `proof`, if there is one.
    pub(super) async fn log_in(
        &self,
        request: Request,
        mut proof: Option<UnusedProof>,
    ) -> Result<(Tokens, User<C, R>), RouteError> {
        let label = self.label_of(&request);
        // A request without credentials is no attempt.
        let login =
            LoginRequest::read::<U::Credentials>(request, &self.bodies, &self.limit).await?;
        let name_hash = login.account.as_ref().and_then(|name| self.issuer.login_name_hash(name));
        let emit_failure =
            |error: &AuthError| self.emit_failure(error, name_hash.as_deref(), login.address);
        let attempt = self.limit.count(login.account.as_deref(), login.address).await;
        let attempt = attempt.inspect_err(emit_failure)?;
        let claims = attempt.step_claims(name_hash.as_deref());
        let result = self.check_and_begin(&login, label.as_deref(), &claims, &mut proof).await;
        attempt.conclude(result.as_ref().err().map(RouteError::status)).await;
        if let Err(RouteError::Auth(error)) = &result {
            emit_failure(error);
        }
        result
    }

    /// Refreshes for a client at `address`.
    pub(super) async fn refresh(
        &self,
        token: &str,
        address: Option<IpAddr>,
        proof: Option<UnusedProof>,
    ) -> Result<Tokens, AuthError> {
        let attempt = self.refresh_limit.count(None, address).await?;
        let result = self.issuer.refresh_with_proof(token, &self.users, proof).await;
        attempt.conclude(result.as_ref().err().map(|error| error.kind().status())).await;
        result
    }

    pub(super) fn emit_failure(
        &self,
        error: &AuthError,
        name_hash: Option<&str>,
        address: Option<IpAddr>,
    ) {
        self.issuer.emit(&Event::LoginFailed { reason: error.kind(), name_hash, address });
    }

    async fn check_and_begin(
        &self,
        login: &LoginRequest<'_>,
        label: Option<&str>,
        claims: &StepClaims,
        proof: &mut Option<UnusedProof>,
    ) -> Result<(Tokens, User<C, R>), RouteError> {
        let key = proof.as_ref().map(UnusedProof::key);
        let mut attempts = 0;
        loop {
            let credentials = login.credentials()?;
            attempts += 1;
            match self.begin_session(credentials, label, claims, (key, &mut *proof)).await {
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
        claims: &StepClaims,
        (key, proof): (Option<KeyThumbprint>, &mut Option<UnusedProof>),
    ) -> Result<Option<(Tokens, User<C, R>)>, RouteError> {
        let start = self.issuer.start_password_login().await?.bound_to(key);
        let outcome = self.users.authenticate(credentials).await.map_err(AuthError::from)?;
        let (user, is_required) = match outcome {
            Authentication::SecondFactor(user) if user.is_active() => (user, true),
            outcome => {
                let user = outcome.into_result()?;
                let is_enabled = self.has_second_factor(&user).await?;
                (user, is_enabled)
            }
        };
        // Only users write to the store of used proofs.
        if let Some(proof) = proof.take() {
            proof.use_once().await?;
        }
        if is_required {
            return Err(self.require_second_factor(start, &user, claims));
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
