//! The handlers of the token routes.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    error::{AuthError, AuthErrorKind},
    issue::{Event, Issuer, Tokens},
    user::{Credentials, UserBackend},
};

use super::{
    super::response::ok,
    request,
    response::{TokenResponse, invalid_fields, rejected},
    settings::TokenSettings,
};

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
    let mut fields = match request::fields(request, &state.settings).await {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    let credentials = match U::Credentials::from_fields(&mut fields) {
        Some(credentials) if fields.errors().is_empty() => credentials,
        _ => return invalid_fields(fields.errors()),
    };
    match state.log_in(credentials, label.as_deref()).await {
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
    async fn log_in(
        &self,
        credentials: U::Credentials,
        label: Option<&str>,
    ) -> Result<(Tokens, Map<String, Value>), AuthError> {
        let start = self.issuer.start_login().await?;
        let user = self.users.authenticate(credentials).await?;
        // The response is the same for an inactive and an unknown user, so that clients cannot find
        // out which accounts exist.
        let user = user.filter(|user| user.is_active()).ok_or(AuthErrorKind::InvalidCredentials)?;
        // A user who was revoked during the check has new credentials.
        let tokens = self.issuer.finish_login(start, &user, label).await.map_err(|error| {
            match error.kind() {
                AuthErrorKind::Revoked => AuthErrorKind::InvalidCredentials.into(),
                _ => error,
            }
        })?;
        let extras = self.settings.extras.as_ref().map_or_else(Map::new, |extras| extras(&user));
        Ok((tokens, extras))
    }
}
