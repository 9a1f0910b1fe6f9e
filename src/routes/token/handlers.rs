//! The handlers of the token routes.

use std::{error::Error, fmt, sync::Arc};

use axum::{extract::Request, response::Response};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    error::{AuthError, AuthErrorKind},
    issue::{Event, Issuer, Tokens},
    user::UserBackend,
};

use super::{
    super::response::ok,
    request,
    response::{TokenResponse, rejected},
    settings::TokenSettings,
};

/// How often the credentials of one request are checked, if the user is revoked each time meanwhile.
const MAX_LOGIN_ATTEMPTS: usize = 2;

/// The state of the handlers.
pub(super) struct TokenState<U, C, R> {
    pub(super) issuer: Issuer<C, R>,
    pub(super) users: U,
    pub(super) settings: TokenSettings<C, R>,
}

pub(super) async fn obtain<U, C, R>(state: Arc<TokenState<U, C, R>>, request: Request) -> Response
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let label = state.session_label(&request);
    let body = match request::body(request, &state.settings).await {
        Ok(body) => body,
        Err(response) => return response,
    };
    let mut attempts = 0;
    let outcome = loop {
        let credentials = match request::credentials(&body, &state.settings) {
            Ok(credentials) => credentials,
            Err(invalid) => return invalid.response(),
        };
        attempts += 1;
        match state.log_in(credentials, label.as_deref()).await {
            Ok(None) if attempts < MAX_LOGIN_ATTEMPTS => {}
            Ok(Some(logged_in)) => break Ok(logged_in),
            Ok(None) => {
                break Err(AuthError::with_source(AuthErrorKind::Unavailable, InterruptedLogin));
            }
            Err(error) => break Err(error),
        }
    };
    match outcome {
        Ok((tokens, extras)) => ok(&state.token_response(&tokens, extras)),
        Err(error) => {
            state.issuer.emit(&Event::LoginFailed { reason: error.kind() });
            rejected(error)
        }
    }
}

pub(super) async fn refresh<U, C, R>(state: Arc<TokenState<U, C, R>>, request: Request) -> Response
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    match request::token(request, &state.settings, "refresh").await {
        Ok(token) => match state.issuer.refresh(&token, &state.users).await {
            Ok(tokens) => ok(&state.token_response(&tokens, Map::new())),
            Err(error) => rejected(error),
        },
        Err(response) => response,
    }
}

pub(super) async fn verify<U, C, R>(state: Arc<TokenState<U, C, R>>, request: Request) -> Response
where
    U: UserBackend<C, R>,
    C: DeserializeOwned + Send + Sync + 'static,
    R: DeserializeOwned + Send + Sync + 'static,
{
    match request::token(request, &state.settings, "token").await {
        Ok(token) => empty_or_rejected(state.issuer.verify(&token).await.map(drop)),
        Err(response) => response,
    }
}

pub(super) async fn blacklist<U, C, R>(
    state: Arc<TokenState<U, C, R>>,
    request: Request,
) -> Response
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    match request::token(request, &state.settings, "refresh").await {
        Ok(token) => empty_or_rejected(state.issuer.logout(&token).await),
        Err(response) => response,
    }
}

fn empty_or_rejected(result: Result<(), AuthError>) -> Response {
    match result {
        Ok(()) => ok(&json!({})),
        Err(error) => rejected(error),
    }
}

impl<U, C, R> TokenState<U, C, R> {
    fn session_label(&self, request: &Request) -> Option<String> {
        let value = request.headers().get(self.settings.session_label.as_ref()?)?;
        Some(String::from_utf8_lossy(value.as_bytes()).into_owned())
    }

    fn token_response<'a>(
        &'a self,
        tokens: &'a Tokens,
        extras: Map<String, Value>,
    ) -> TokenResponse<'a> {
        let name = |name| self.settings.client_name(name);
        TokenResponse {
            access: (name("access"), tokens.access()),
            refresh: tokens.refresh().map(|refresh| (name("refresh"), refresh)),
            extras,
        }
    }
}

impl<U, C, R> TokenState<U, C, R>
where
    U: UserBackend<C, R>,
    C: Serialize,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Checks the credentials and begins a session. `None` if the user was revoked in between: the
    /// credentials may have been replaced, and must be checked again.
    async fn log_in(
        &self,
        credentials: U::Credentials,
        label: Option<&str>,
    ) -> Result<Option<(Tokens, Map<String, Value>)>, AuthError> {
        let start = self.issuer.start_login().await?;
        let user = self.users.authenticate(credentials).await?;
        // The response is the same for an inactive and an unknown user, so that clients cannot find
        // out which accounts exist.
        let user = user.filter(|user| user.is_active()).ok_or(AuthErrorKind::InvalidCredentials)?;
        let tokens = match self.issuer.finish_login(start, &user, label).await {
            Err(error) if error.kind() == AuthErrorKind::Revoked => return Ok(None),
            tokens => tokens?,
        };
        let extras = self.settings.extras.as_ref().map_or_else(Map::new, |extras| extras(&user));
        Ok(Some((tokens, extras)))
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
