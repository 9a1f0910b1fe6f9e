//! The session that a sign-up begins.

#[cfg(feature = "cookie")]
use axum::response::IntoResponse;
use axum::response::Response;
use serde::Serialize;

#[cfg(feature = "cookie")]
use crate::routes::SetCookies;
use crate::{
    issue::{LoginStart, Tokens},
    routes::RouteError,
    trace::warn,
    user::{Account, AccountBackend},
};

use super::state::AccountState;

impl<U, C, R> AccountState<U, C, R>
where
    U: AccountBackend<C, R>,
    C: Serialize,
    R: Serialize,
{
    /// Begins a session for a new account, if it gets one: with tokens if the client wants them and the
    /// application allows it, otherwise with cookies.
    pub(super) async fn first_tokens(
        &self,
        start: LoginStart,
        account: &Account<U::Extra>,
        wants_tokens: bool,
    ) -> Option<Tokens> {
        #[cfg(feature = "cookie")]
        let with_cookies = self.sign_up.cookies;
        #[cfg(not(feature = "cookie"))]
        let with_cookies = false;
        let user = self.users.user(account);
        let is_allowed = if wants_tokens { self.sign_up.tokens } else { with_cookies };
        if !is_allowed || !user.is_active() {
            return None;
        }
        // The account exists, whatever happens here. The user can log in later.
        let tokens = self.issuer.finish_login(start, &user, None).await;
        tokens.inspect_err(|_| warn!("the session of a sign-up could not begin")).ok()
    }
}

impl<U: AccountBackend<C, R>, C, R> AccountState<U, C, R> {
    /// Adds the cookies of a session to `response`.
    #[cfg(feature = "cookie")]
    pub(super) async fn with_session(
        &self,
        response: Response,
        account: &Account<U::Extra>,
        tokens: &Tokens,
    ) -> Result<Response, RouteError> {
        let Some(cookies) = &self.cookies else { return Ok(response) };
        match SetCookies::new(cookies, tokens, self.issuer.now()) {
            Ok(cookies) => Ok((cookies, response).into_response()),
            Err(error) => {
                // Nobody has the tokens of this session.
                self.issuer.revoke_session(account.id(), tokens.session_id()).await?;
                Err(error.into())
            }
        }
    }

    #[cfg(not(feature = "cookie"))]
    #[allow(clippy::unused_self, clippy::unused_async, reason = "as with the feature `cookie`")]
    pub(super) async fn with_session(
        &self,
        response: Response,
        _: &Account<U::Extra>,
        _: &Tokens,
    ) -> Result<Response, RouteError> {
        Ok(response)
    }
}
