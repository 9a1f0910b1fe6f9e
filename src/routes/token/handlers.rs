//! The handlers of the token routes.

use std::sync::Arc;

use axum::{extract::Request, response::Response};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::{Map, Value, json};

use crate::{
    error::AuthError,
    issue::Tokens,
    middleware::JwtAuthLayer,
    possession::{Evidence, UnusedProof},
    user::{User, UserBackend},
};

use super::{
    super::{login::Logins, rejection::RouteRejection, response::ok, route_error::RouteError},
    response::TokenResponse,
    settings::TokenSettings,
};

/// The state of the handlers.
pub(super) struct TokenState<U, C, R> {
    pub(super) logins: Logins<U, C, R>,
    pub(super) settings: TokenSettings<C, R>,
}

impl<U, C, R> TokenState<U, C, R>
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    pub(super) async fn obtain(self: Arc<Self>, request: Request) -> Result<Response, RouteError> {
        let proof = self.proof(&request)?;
        let (tokens, user) = self.logins.log_in(request, proof).await?;
        Ok(self.logged_in(&tokens, &user))
    }

    /// The second step of a login.
    pub(super) async fn complete(
        self: Arc<Self>,
        request: Request,
    ) -> Result<Response, RouteError> {
        let proof = self.proof(&request)?;
        let (tokens, user) = self.logins.complete(request, proof).await?;
        Ok(self.logged_in(&tokens, &user))
    }

    fn logged_in(&self, tokens: &Tokens, user: &User<C, R>) -> Response {
        let extras = self.settings.extras.as_ref().map_or_else(Map::new, |extras| extras(user));
        ok(&self.token_response(tokens, extras))
    }

    pub(super) async fn refresh(self: Arc<Self>, request: Request) -> Result<Response, RouteError> {
        let proof = self.proof(&request)?;
        let address = self.logins.refresh_limit.client_address(&request)?;
        let token = self.logins.bodies.string(request, "refresh").await?;
        let tokens = self.logins.refresh(&token, address, proof).await?;
        Ok(ok(&self.token_response(&tokens, Map::new())))
    }

    pub(super) async fn verify(self: Arc<Self>, request: Request) -> Result<Response, RouteError> {
        let token = self.logins.bodies.string(request, "token").await?;
        let result = self.logins.issuer.verify(&token).await;
        Ok(result.map(|_| ok(&json!({})))?)
    }

    pub(super) async fn blacklist(
        self: Arc<Self>,
        request: Request,
    ) -> Result<Response, RouteError> {
        let token = self.logins.bodies.string(request, "refresh").await?;
        self.logins.issuer.logout(&token).await?;
        Ok(ok(&json!({})))
    }
}

impl<U, C, R> TokenState<U, C, R> {
    /// The layer that admits requests to the session list.
    pub(super) fn session_list_layer(&self) -> JwtAuthLayer<C, RouteRejection> {
        let layer = self.settings.session_list_layer.clone();
        let layer = layer.unwrap_or_else(|| {
            let layer = self.logins.issuer.layer();
            match &self.settings.dpop {
                Some(dpop) => layer.with_dpop(dpop.clone()),
                None => layer,
            }
        });
        layer.with_rejection(self.settings.rejection.clone())
    }

    /// Verifies the proof of `request`, if it has one and proofs are accepted.
    pub(super) fn proof(&self, request: &Request) -> Result<Option<UnusedProof>, AuthError> {
        match &self.settings.dpop {
            Some(dpop) => dpop.verify_token_request(&Evidence::of(request)),
            None => Ok(None),
        }
    }

    fn token_response<'a>(
        &'a self,
        tokens: &'a Tokens,
        extras: Map<String, Value>,
    ) -> TokenResponse<'a> {
        let name = |name| self.logins.bodies.client_name(name);
        TokenResponse {
            access: (name("access"), tokens.access()),
            refresh: tokens.refresh().map(|refresh| (name("refresh"), refresh)),
            token_type: tokens.is_bound().then_some((name("token_type"), "DPoP")),
            extras,
        }
    }
}
