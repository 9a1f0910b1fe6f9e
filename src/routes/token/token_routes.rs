use std::{fmt, sync::Arc};

use axum::{Router, extract::Request, response::Response};
use serde::{Serialize, de::DeserializeOwned};

use crate::{issue::Issuer, token::NoClaims, user::UserBackend};

use super::{
    super::{
        endpoint::{endpoint, no_other_method, with_and_without_slash},
        login::Logins,
        route_error::RouteError,
    },
    handlers::TokenState,
    settings::TokenSettings,
};

/// Routes that log in, refresh, verify and log out. See the [module docs](crate::routes).
///
/// ```
/// use axum::Router;
/// use tower_jwt_auth::{Issuer, MemoryStore, SigningKey, TokenRoutes};
/// # use tower_jwt_auth::password::{MemoryUsers, PasswordHasher};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = [7, 9].repeat(16);
/// # let users = MemoryUsers::new(PasswordHasher::new());
/// let issuer = Issuer::builder(SigningKey::hs256(secret)?)
///     .rotate_refresh_tokens(true)
///     .store(MemoryStore::new())
///     .build()?;
///
/// let tokens = TokenRoutes::builder(issuer, users).at("/api/token").build()?;
/// let app: Router = Router::new().merge(tokens.into_router());
/// # Ok(())
/// # }
/// ```
///
/// Use [`at`](super::TokenRoutesBuilder::at) rather than [`Router::nest`]. With `nest`, axum matches
/// the path of `POST /` in one form only: with a trailing slash if the prefix has one, otherwise
/// without.
#[must_use]
pub struct TokenRoutes<U, C = NoClaims, R = NoClaims>(pub(super) Arc<TokenState<U, C, R>>);

impl<U: UserBackend<C, R>, C, R> TokenRoutes<U, C, R> {
    /// Creates routes with the default settings, for the tokens of `issuer` and the logins of
    /// `users`.
    pub fn new(issuer: Issuer<C, R>, users: U) -> Self {
        Self::with_settings(Logins::new(issuer, users), TokenSettings::default())
    }

    pub(super) fn with_settings(logins: Logins<U, C, R>, settings: TokenSettings<C, R>) -> Self {
        Self(Arc::new(TokenState { logins, settings }))
    }
}

impl<U, C, R> TokenRoutes<U, C, R>
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Converts the routes into a router for any state.
    pub fn into_router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let TokenState { logins, settings } = &*self.0;
        let paths = settings.full_paths();
        let mut router = Router::new();
        router = self.route(router, &paths.obtain, TokenState::obtain);
        router = self.route(router, &paths.refresh, TokenState::refresh);
        router = self.route(router, &paths.verify, TokenState::verify);
        if logins.issuer.has_store() {
            router = self.route(router, &paths.blacklist, TokenState::blacklist);
        }
        if logins.second_factor.is_some() {
            router = self.route(router, &paths.second_factor, TokenState::complete);
        }
        if let Some(path) = &settings.password_grant {
            router = self.route(router, &settings.full_path(path), TokenState::password_grant);
        }
        if let Some(base) = &settings.session_list {
            let auth = self.0.session_list_layer();
            router = logins
                .session_list(settings.rejection.clone(), Vec::new())
                .add_to(router, base, &auth);
        }
        router
    }

    /// Adds `handler` at `path`, with and without a trailing slash.
    fn route<S, F, Fut>(&self, router: Router<S>, path: &str, handler: F) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(Arc<TokenState<U, C, R>>, Request) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, RouteError>> + Send + 'static,
    {
        let rejection = &self.0.settings.rejection;
        let method = no_other_method(rejection).post(endpoint(&self.0, rejection, handler));
        with_and_without_slash(router, path, method)
    }
}

impl<U, C, R> Clone for TokenRoutes<U, C, R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<U, C, R> fmt::Debug for TokenRoutes<U, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRoutes").field("issuer", &self.0.logins.issuer).finish_non_exhaustive()
    }
}
