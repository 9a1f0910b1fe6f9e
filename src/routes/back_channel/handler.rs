use std::{sync::Arc, time::Duration};

use axum::{body::Body, extract::Request, response::Response};
use http::StatusCode;

use crate::{
    clock::{Clock, NumericDate},
    error::{AuthError, log_rejection},
    store::{Consumed, Scope, SharedStore, TokenRef},
    token::{Claims, LOGOUT_TOKEN_MAX_AGE, Verifier},
};

use super::super::{
    body::BodyLimits, form::Form, request_error::RequestError, response::uncached,
    route_error::RouteError,
};

/// By how much the clocks of machines may differ that share the store.
const MAX_CLOCK_DIFFERENCE: Duration = Duration::from_secs(600);

/// The state of the handler.
pub(super) struct LogoutState {
    pub(super) verifier: Verifier,
    pub(super) store: SharedStore,
    pub(super) remember_for: Duration,
    pub(super) clock: Clock,
    pub(super) body_limits: BodyLimits,
}

pub(super) async fn log_out(
    state: Arc<LogoutState>,
    request: Request,
) -> Result<Response, RouteError> {
    let (parts, body) = request.into_parts();
    let token = Form::read(&parts.headers, body, &state.body_limits).await?.take("logout_token");
    let token =
        token.ok_or(RequestError::invalid_body("The parameter logout_token is missing."))?;
    let claims = state.verifier.verify_async(&token).await.or_else(rejected)?;
    let is_first = state.end_session(&claims).await.or_else(rejected)?;
    if !is_first {
        return Err(RequestError::invalid_body("The logout token was used before.").into());
    }
    Ok(uncached(Response::new(Body::empty())))
}

/// The provider sends the token again after a `503`. Other errors are those of the token.
fn rejected<T>(error: AuthError) -> Result<T, RouteError> {
    if error.kind().status() != StatusCode::UNAUTHORIZED {
        return Err(error.into());
    }
    log_rejection!(debug, &error, "logout token rejected");
    Err(RequestError::invalid_body("The logout token is invalid.").into())
}

impl LogoutState {
    /// Ends what the token names. Returns whether this is its first use.
    ///
    /// The token is consumed last: if the store fails in between, the provider can send it again.
    /// Ending a session twice changes nothing.
    async fn end_session(&self, claims: &Claims) -> Result<bool, AuthError> {
        // The profile requires them.
        let issuer = claims.issuer().unwrap_or_default();
        let jti = claims.jti().unwrap_or_default();
        let issued_at = claims.issued_at().unwrap_or_default();
        let now = self.clock.now();

        let uses = Scope::LogoutTokens(issuer);
        if self.store.is_revoked(uses, &TokenRef::new(jti, issued_at).with_jti(Some(jti))).await? {
            return Ok(false);
        }
        let keep_until = now.saturating_add(self.remember_for);
        // The `iat` of tokens is compared with that of the logout: both are times of the provider's
        // clock, which may differ from this one. A logout that arrives late spares the next login.
        let (scope, id) = match claims.session_id() {
            Some(session_id) => (Scope::Sessions(issuer), session_id),
            None => (Scope::Users(issuer), claims.user_id().as_str()),
        };
        self.store.revoke_in(scope, id, keep_until, issued_at).await?;
        let consumed = self.store.consume_in(uses, jti, valid_until(issued_at), now).await?;
        Ok(consumed == Consumed::First)
    }
}

/// When no machine accepts a logout token of this age any more.
const fn valid_until(issued_at: NumericDate) -> NumericDate {
    issued_at.saturating_add(LOGOUT_TOKEN_MAX_AGE).saturating_add(MAX_CLOCK_DIFFERENCE)
}
