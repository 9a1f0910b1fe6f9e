use std::{fmt, sync::Arc};

use axum::{Router, extract::Request, response::Response, routing::MethodRouter};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    middleware::JwtAuthLayer,
    routes::{RouteError, RouteRejection, endpoint, no_other_method, with_and_without_slash},
    token::NoClaims,
    user::AccountBackend,
};

#[cfg(feature = "totp")]
use super::totp;
use super::{
    account_route::AccountRoute, me, password, reset, sign_up, state::AccountState, verify_email,
};

/// Routes for the accounts of an application. See the [module docs](crate::accounts).
#[must_use]
pub struct AccountRoutes<U: AccountBackend<C, R>, C = NoClaims, R = NoClaims>(
    Arc<AccountState<U, C, R>>,
);

impl<U: AccountBackend<C, R>, C, R> AccountRoutes<U, C, R> {
    pub(super) fn new(state: AccountState<U, C, R>) -> Self {
        Self(Arc::new(state))
    }

    pub(super) fn layer(&self) -> JwtAuthLayer<C, RouteRejection> {
        let AccountState { issuer, dpop, rejection, .. } = &*self.0;
        let layer = match dpop {
            Some(dpop) => issuer.layer().with_dpop(dpop.clone()),
            None => issuer.layer(),
        };
        #[cfg(feature = "cookie")]
        let layer = match &self.0.cookies {
            Some(cookies) => layer.with_cookies(cookies),
            None => layer,
        };
        layer.with_rejection(rejection.clone())
    }

    #[cfg(feature = "openapi")]
    pub(super) fn state(&self) -> &AccountState<U, C, R> {
        &self.0
    }
}

impl<U, C, R> AccountRoutes<U, C, R>
where
    U: AccountBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Converts the routes into a router for any state.
    pub fn into_router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let methods_of = |routes: Vec<AccountRoute>| {
            let none = no_other_method(&self.0.rejection);
            routes.into_iter().fold(none, |methods, route| methods.merge(self.serve(route)))
        };
        self.0.routes.by_path().into_iter().fold(Router::new(), |router, (path, routes)| {
            with_and_without_slash(router, &path, methods_of(routes))
        })
    }

    /// The handler of each route. Those that need a token are behind the layer.
    fn serve<S: Clone + Send + Sync + 'static>(&self, route: AccountRoute) -> MethodRouter<S> {
        match route {
            AccountRoute::SignUp => self.open(route, sign_up::sign_up),
            AccountRoute::VerifyEmail => self.open(route, verify_email::verify),
            AccountRoute::ResendVerification => self.open(route, verify_email::resend),
            AccountRoute::ShowAccount => self.for_users(route, me::show),
            AccountRoute::UpdateAccount => self.for_users(route, me::update),
            AccountRoute::DeleteAccount => self.for_users(route, me::delete),
            AccountRoute::ChangePassword => self.for_users(route, password::change),
            AccountRoute::RequestReset => self.open(route, reset::request),
            AccountRoute::ConfirmReset => self.open(route, reset::confirm),
            #[cfg(feature = "totp")]
            AccountRoute::EnrolTotp => self.for_users(route, totp::enrol),
            #[cfg(feature = "totp")]
            AccountRoute::ConfirmTotp => self.for_users(route, totp::confirm),
            #[cfg(feature = "totp")]
            AccountRoute::DisableTotp => self.for_users(route, totp::disable),
        }
    }

    /// A route for everybody.
    fn open<S, F, Fut>(&self, route: AccountRoute, handler: F) -> MethodRouter<S>
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(Arc<AccountState<U, C, R>>, Request) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, RouteError>> + Send + 'static,
    {
        let handler = endpoint(&self.0, &self.0.rejection, handler);
        MethodRouter::new().on(route.method_filter(), handler)
    }

    /// A route for requests with a valid access token, in the header or in the cookie.
    fn for_users<S, F, Fut>(&self, route: AccountRoute, handler: F) -> MethodRouter<S>
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(Arc<AccountState<U, C, R>>, Request) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, RouteError>> + Send + 'static,
    {
        self.open(route, handler).route_layer(self.layer())
    }
}

impl<U: AccountBackend<C, R>, C, R> Clone for AccountRoutes<U, C, R> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<U: AccountBackend<C, R>, C, R> fmt::Debug for AccountRoutes<U, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccountRoutes")
            .field("issuer", &self.0.issuer)
            .field("routes", &self.0.routes)
            .finish_non_exhaustive()
    }
}
