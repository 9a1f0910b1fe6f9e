//! What a document of the routes needs to know.

use crate::{
    middleware::{InvalidToken, JwtAuthLayer},
    user::UserBackend,
};

use super::{
    super::{
        described::{DescribedLogin, DescribedSessionList},
        rejection::RouteRejection,
        session_list,
    },
    router::SessionRoutes,
};

/// The routes with their settings.
pub(crate) struct DescribedSessionRoutes<'a, C> {
    pub(crate) login: DescribedLogin<'a>,
    pub(crate) base: &'a str,
    pub(crate) refresh_cookie: &'a str,
    /// The layer of the route that describes the user.
    pub(crate) layer: JwtAuthLayer<C, RouteRejection>,
    /// The layer of logouts.
    pub(crate) logout_layer: JwtAuthLayer<C, RouteRejection>,
    /// Whether the application describes users.
    pub(crate) has_custom_user: bool,
    /// Whether the application makes the responses to rejected requests.
    pub(crate) has_custom_rejection: bool,
    pub(crate) session_list: DescribedSessionList<C, RouteRejection>,
}

impl<U: UserBackend<C, R>, C, R> SessionRoutes<U, C, R> {
    pub(crate) fn describe(&self) -> DescribedSessionRoutes<'_, C> {
        let state = &*self.0;
        let layer = state.layer();
        DescribedSessionRoutes {
            login: state.logins.describe(),
            base: &state.base,
            refresh_cookie: state.cookies.refresh_name(),
            logout_layer: layer.clone().with_optional(InvalidToken::Reject),
            has_custom_user: state.describe_user.is_some(),
            has_custom_rejection: state.rejection.is_custom(),
            session_list: DescribedSessionList {
                paths: session_list::paths(&state.list_base),
                layer: layer.clone(),
                has_labels: true,
                clears_cookies: true,
            },
            layer,
        }
    }
}
