use std::{fmt, sync::Arc};

use axum::{Router, routing::MethodRouter};
use serde::{Serialize, de::DeserializeOwned};

#[cfg(feature = "accounts")]
use crate::transport::SessionCookies;
use crate::{
    error::AuthError, issue::Tokens, middleware::InvalidToken, token::NoClaims, user::UserBackend,
};

use super::{
    super::{
        endpoint::{endpoint, no_other_method, with_and_without_slash},
        session_list::SessionList,
    },
    set_cookies::SetCookies,
    state::SessionState,
};

/// Routes that log browsers in, refresh their cookies and log them out, and the session list. See the
/// [module docs](crate::routes#session-routes).
///
/// ```
/// use axum::Router;
/// use serde_json::{Map, json};
/// use tower_jwt_auth::{Issuer, MemoryStore, SigningKey, routes::SessionRoutes};
/// use tower_jwt_auth::{transport::SessionCookies, user::User};
/// # use tower_jwt_auth::password::{MemoryUsers, PasswordHasher};
/// # use serde::{Deserialize, Serialize};
/// # #[derive(Clone, Serialize, Deserialize)] struct Profile { username: String }
///
/// fn describe(user: &User<Profile>) -> Map<String, serde_json::Value> {
///     Map::from_iter([("username".to_owned(), json!(user.claims().username))])
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = [7, 9].repeat(16);
/// # let users = MemoryUsers::<Profile>::new(PasswordHasher::new());
/// let issuer = Issuer::builder(SigningKey::hs256(secret)?)
///     .claims::<Profile>()
///     .rotate_refresh_tokens(true)
///     .store(MemoryStore::new())
///     .build()?;
/// let cookies = SessionCookies::builder().public_origin("https://app.example").build()?;
///
/// let sessions = SessionRoutes::builder(issuer, users, &cookies)
///     .at("/api/session")
///     .describe_user(describe)
///     .build()?;
/// let app: Router = Router::new().merge(sessions.into_router());
/// # Ok(())
/// # }
/// ```
///
/// Use [`at`](super::SessionRoutesBuilder::at) rather than [`Router::nest`], because the refresh
/// cookie is limited to the base path.
#[must_use]
pub struct SessionRoutes<U, C = NoClaims, R = NoClaims>(pub(super) Arc<SessionState<U, C, R>>);

impl<U, C, R> SessionRoutes<U, C, R> {
    pub(super) fn new(state: SessionState<U, C, R>) -> Self {
        Self(Arc::new(state))
    }

    /// Returns the cookies that log a browser in with `tokens`, for a login by another route of the
    /// application, for example at the end of a login with another provider or with a passkey.
    ///
    /// The routes refresh these cookies and log out by them like those of their own logins.
    ///
    /// ```
    /// use axum::response::{IntoResponse, Redirect};
    /// use tower_jwt_auth::{
    ///     AuthError, Issuer, routes::SessionRoutes, user::{User, UserBackend},
    /// };
    ///
    /// async fn finish_login<U: UserBackend<(), ()>>(
    ///     issuer: &Issuer<(), ()>,
    ///     sessions: &SessionRoutes<U, (), ()>,
    ///     user: &User<(), ()>,
    /// ) -> Result<impl IntoResponse, AuthError> {
    ///     let tokens = issuer.login(user).await?;
    ///     Ok((sessions.cookies_for(&tokens)?, Redirect::to("/")))
    /// }
    /// ```
    ///
    /// <div class="warning">
    ///
    /// The route must make sure that the user meant to log in here. Otherwise another site can log a
    /// browser in as somebody else. Protocols for logins have a parameter for that, such as `state`.
    ///
    /// </div>
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::AuthErrorKind::Misconfigured) if a cookie would be longer than 4096
    /// bytes.
    pub fn cookies_for(&self, tokens: &Tokens) -> Result<SetCookies, AuthError> {
        self.0.cookies_for(tokens)
    }

    /// The cookies of these routes, whose refresh cookie is limited to their path. For
    /// [`AccountRoutes`](crate::accounts::AccountRoutes).
    #[cfg(feature = "accounts")]
    #[must_use]
    pub fn cookies(&self) -> &SessionCookies {
        &self.0.cookies
    }

    /// Returns the `Set-Cookie` headers that delete all cookies of the session.
    ///
    /// They do not end the session. Do that first, for example with
    /// [`Issuer::revoke_session`](crate::Issuer::revoke_session).
    pub fn clearing_cookies(&self) -> SetCookies {
        SetCookies(self.0.cookies.clear())
    }
}

impl<U, C, R> SessionRoutes<U, C, R>
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Converts the routes into a router for any state.
    pub fn into_router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let state = self.0;
        let SessionState { logins, cookies, base, list_base, rejection, .. } = &*state;
        let auth = state.layer();
        let logout_auth = auth.clone().with_optional(InvalidToken::Reject);

        let log_in = endpoint(&state, rejection, SessionState::log_in);
        let current = endpoint(&state, rejection, SessionState::current_user);
        let log_out = endpoint(&state, rejection, SessionState::log_out);
        let refresh = endpoint(&state, rejection, SessionState::refresh);
        let sessions = no_other_method(rejection)
            .post(log_in)
            .merge(MethodRouter::new().get(current).route_layer(auth.clone()))
            .merge(MethodRouter::new().delete(log_out).route_layer(logout_auth));

        let router = with_and_without_slash(Router::new(), &format!("{base}/"), sessions);
        let refresh = no_other_method(rejection).post(refresh);
        let mut router = with_and_without_slash(router, &format!("{base}/refresh"), refresh);
        if logins.second_factor.is_some() {
            let complete = endpoint(&state, rejection, SessionState::complete);
            let complete = no_other_method(rejection).post(complete);
            router = with_and_without_slash(router, &format!("{base}/second-factor"), complete);
        }
        let list = SessionList {
            has_labels: true,
            ..logins.session_list(rejection.clone(), cookies.clear())
        };
        list.add_to(router, list_base, &auth)
    }
}

impl<U, C, R> Clone for SessionRoutes<U, C, R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<U, C, R> fmt::Debug for SessionRoutes<U, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionRoutes")
            .field("issuer", &self.0.logins.issuer)
            .field("cookies", &self.0.cookies)
            .finish_non_exhaustive()
    }
}
