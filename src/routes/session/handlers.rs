//! The handlers of the session routes.

use std::{net::IpAddr, sync::Arc};

use axum::{extract::Request, response::Response};
use http::{HeaderMap, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::json;

use crate::{
    error::{AuthError, AuthErrorKind},
    issue::Tokens,
    token::{RegisteredClaims, peek_session_id},
    user::{User, UserBackend},
};

use super::{
    super::{
        body::check_optional_json,
        cookies::{are_read, with_cookies},
        response::{no_content, ok},
        route_error::RouteError,
    },
    state::SessionState,
};

impl<U, C, R> SessionState<U, C, R>
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    pub(super) async fn log_in(self: Arc<Self>, request: Request) -> Result<Response, RouteError> {
        self.cookies.check(&request)?;
        let (tokens, user) = self.logins.log_in(request, None).await?;
        self.logged_in(&tokens, &user).await
    }

    /// The second step of a login.
    pub(super) async fn complete(
        self: Arc<Self>,
        request: Request,
    ) -> Result<Response, RouteError> {
        self.cookies.check(&request)?;
        let (tokens, user) = self.logins.complete(request, None).await?;
        self.logged_in(&tokens, &user).await
    }

    async fn logged_in(&self, tokens: &Tokens, user: &User<C, R>) -> Result<Response, RouteError> {
        match self.signed_in(tokens, &self.described(user)) {
            Ok(response) => Ok(response),
            Err(error) => {
                // Nobody has the tokens of this session.
                self.logins.issuer.revoke_session(user.id(), tokens.session_id()).await?;
                Err(error.into())
            }
        }
    }

    /// Describes the user of the access token. The layer has verified it.
    pub(super) async fn current_user(
        self: Arc<Self>,
        request: Request,
    ) -> Result<Response, RouteError> {
        let claims = RegisteredClaims::from_extensions(request.extensions())?;
        let user = self.logins.users.find(claims.user_id()).await.map_err(AuthError::from)?;
        let user = user.filter(User::is_active).ok_or(AuthErrorKind::UserInactive)?;
        Ok(ok(&self.described(&user)))
    }

    pub(super) async fn refresh(self: Arc<Self>, request: Request) -> Result<Response, RouteError> {
        self.cookies.check(&request)?;
        check_optional_json(&request)?;
        if !are_read(request.headers()) {
            return Err(AuthErrorKind::MissingCredentials.into());
        }
        let address = self.logins.refresh_limit.client_address(&request)?;
        let refreshed = self.refreshed(request.headers(), address).await;
        Ok(refreshed.unwrap_or_else(|error| self.refresh_rejected(error)))
    }

    /// Ends the session of the refresh cookie, and that of the access token if the layer has found a
    /// valid one.
    pub(super) async fn log_out(self: Arc<Self>, request: Request) -> Result<Response, RouteError> {
        self.cookies.check(&request)?;
        check_optional_json(&request)?;
        let refresh = self.cookies.refresh_token(request.headers());
        let claims = RegisteredClaims::from_extensions(request.extensions());
        if !are_read(request.headers()) {
            self.end_session(&claims?).await?;
            return Ok(no_content());
        }
        let refresh = match refresh {
            // Neither is the token of a session.
            Ok(None) | Err(AuthErrorKind::Malformed) => None,
            token => token?,
        };
        let mut ended = None;
        if let Ok(claims) = &claims {
            self.end_session(claims).await?;
            ended = claims.session_id();
        }
        if let Some(token) = refresh
            && (ended.is_none()
                || peek_session_id(token.as_bytes(), token.len()).as_deref() != ended)
        {
            match self.logins.issuer.logout(token).await {
                // Its session has ended.
                Err(error) if error.kind().status() == StatusCode::UNAUTHORIZED => {}
                result => result?,
            }
        }
        Ok(with_cookies(no_content(), self.cookies.clear()))
    }

    async fn refreshed(
        &self,
        headers: &HeaderMap,
        address: Option<IpAddr>,
    ) -> Result<Response, AuthError> {
        let token = self.cookies.refresh_token(headers)?;
        let token = token.ok_or(AuthErrorKind::MissingCredentials)?;
        let tokens = self.logins.refresh(token, address, None).await?;
        self.signed_in(&tokens, &json!({}))
    }

    async fn end_session(&self, claims: &RegisteredClaims) -> Result<(), AuthError> {
        let issuer = &self.logins.issuer;
        match claims.session_id() {
            Some(session_id) => issuer.revoke_session(claims.user_id(), session_id).await,
            None => issuer.revoke_token(claims).await,
        }
    }
}
