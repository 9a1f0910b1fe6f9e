//! What a document of the routes needs to know.

use crate::{
    middleware::JwtAuthLayer, possession::Dpop, routes::RouteRejection, user::AccountBackend,
};

use super::{
    account_route::AccountRoute,
    limit::Limits,
    router::AccountRoutes,
    state::{AccountState, SignUpSettings},
};

/// The routes with their settings.
pub(crate) struct DescribedAccountRoutes<C> {
    /// Each route with its path.
    pub(crate) routes: Vec<(AccountRoute, String)>,
    /// The layer of the routes that require an access token.
    pub(crate) layer: JwtAuthLayer<C, RouteRejection>,
    pub(crate) sign_up: DescribedSignUp,
    pub(crate) dpop: Option<Dpop>,
    /// Whether browsers use the routes, with cookies.
    pub(crate) has_cookies: bool,
    /// Whether the application describes accounts.
    pub(crate) has_custom_user: bool,
    /// Whether the application makes the responses to rejected requests.
    pub(crate) has_custom_rejection: bool,
    pub(crate) limits_sign_ups: bool,
    pub(crate) limits_mails: bool,
    pub(crate) limits_passwords: bool,
}

/// What a sign-up requires and does.
pub(crate) struct DescribedSignUp {
    pub(crate) requires_username: bool,
    pub(crate) requires_email: bool,
    /// Whether the response does not reveal which accounts exist.
    pub(crate) is_enumeration_safe: bool,
    /// Whether a client gets tokens if it asks for them.
    pub(crate) has_tokens: bool,
    /// Whether a browser gets cookies.
    pub(crate) has_cookies: bool,
}

impl<U: AccountBackend<C, R>, C, R> AccountRoutes<U, C, R> {
    pub(crate) fn describe(&self) -> DescribedAccountRoutes<C> {
        let state = self.state();
        let Limits { sign_up, mail, password } = &state.limits;
        let by_path = state.routes.by_path().into_iter();
        DescribedAccountRoutes {
            routes: by_path
                .flat_map(|(path, routes)| {
                    routes.into_iter().map(move |route| (route, path.clone()))
                })
                .collect(),
            layer: self.layer(),
            sign_up: state.sign_up.describe(),
            dpop: state.dpop.clone(),
            has_cookies: state.has_cookies(),
            has_custom_user: state.describe_user.is_some(),
            has_custom_rejection: state.rejection.is_custom(),
            limits_sign_ups: sign_up.is_set(),
            limits_mails: mail.is_set(),
            limits_passwords: password.is_set(),
        }
    }
}

impl<U: AccountBackend<C, R>, C, R> AccountState<U, C, R> {
    #[cfg(feature = "cookie")]
    const fn has_cookies(&self) -> bool {
        self.cookies.is_some()
    }

    #[cfg(not(feature = "cookie"))]
    #[allow(clippy::unused_self, reason = "as with the feature `cookie`")]
    const fn has_cookies(&self) -> bool {
        false
    }
}

impl SignUpSettings {
    const fn describe(&self) -> DescribedSignUp {
        #[cfg(feature = "cookie")]
        let has_cookies = self.cookies;
        #[cfg(not(feature = "cookie"))]
        let has_cookies = false;
        DescribedSignUp {
            requires_username: self.requires_username,
            requires_email: self.requires_email,
            is_enumeration_safe: self.enumeration_safe,
            has_tokens: self.tokens,
            has_cookies,
        }
    }
}
