//! The handlers of the token routes.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{issue::Tokens, user::UserBackend};

use super::{
    super::{login::Logins, response::ok, route_error::RouteError},
    response::TokenResponse,
    settings::TokenSettings,
};

/// The state of the handlers.
pub(super) struct TokenState<U, C, R> {
    pub(super) logins: Logins<U, C, R>,
    pub(super) settings: TokenSettings<C, R>,
}

pub(super) async fn obtain<U, C, R>(
    state: Arc<TokenState<U, C, R>>,
    request: Request,
) -> Result<Response, RouteError>
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let (tokens, user) = state.logins.log_in(request).await?;
    let extras = state.settings.extras.as_ref().map_or_else(Map::new, |extras| extras(&user));
    Ok(ok(&state.token_response(&tokens, extras)))
}

pub(super) async fn refresh<U, C, R>(
    state: Arc<TokenState<U, C, R>>,
    request: Request,
) -> Result<Response, RouteError>
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let Logins { issuer, users, bodies, .. } = &state.logins;
    let token = bodies.string(request, "refresh").await?;
    let tokens = issuer.refresh(&token, users).await?;
    Ok(ok(&state.token_response(&tokens, Map::new())))
}

pub(super) async fn verify<U, C, R>(
    state: Arc<TokenState<U, C, R>>,
    request: Request,
) -> Result<Response, RouteError>
where
    U: UserBackend<C, R>,
    C: DeserializeOwned + Send + Sync + 'static,
    R: DeserializeOwned + Send + Sync + 'static,
{
    let token = state.logins.bodies.string(request, "token").await?;
    let result = state.logins.issuer.verify(&token).await;
    Ok(result.map(|_| ok(&json!({})))?)
}

pub(super) async fn blacklist<U, C, R>(
    state: Arc<TokenState<U, C, R>>,
    request: Request,
) -> Result<Response, RouteError>
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let token = state.logins.bodies.string(request, "refresh").await?;
    state.logins.issuer.logout(&token).await?;
    Ok(ok(&json!({})))
}

impl<U, C, R> TokenState<U, C, R> {
    fn token_response<'a>(
        &'a self,
        tokens: &'a Tokens,
        extras: Map<String, Value>,
    ) -> TokenResponse<'a> {
        let name = |name| self.logins.bodies.client_name(name);
        TokenResponse {
            access: (name("access"), tokens.access()),
            refresh: tokens.refresh().map(|refresh| (name("refresh"), refresh)),
            extras,
        }
    }
}
