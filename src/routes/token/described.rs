//! What a document of the routes needs to know.

use serde::de::DeserializeOwned;

use crate::{possession::Dpop, user::UserBackend};

use super::{
    super::{
        described::{DescribedLogin, DescribedSessionList},
        rejection::RouteRejection,
        session_list,
    },
    settings::Paths,
    token_routes::TokenRoutes,
};

/// The routes with their settings.
pub(crate) struct DescribedTokenRoutes<'a, C> {
    pub(crate) login: DescribedLogin<'a>,
    pub(crate) obtain: String,
    pub(crate) refresh: String,
    pub(crate) verify: String,
    /// `None` without a store.
    pub(crate) blacklist: Option<String>,
    /// `None` without a second factor.
    pub(crate) second_factor: Option<String>,
    /// The path of the password grant. `None` without one.
    pub(crate) password_grant: Option<String>,
    /// Whether a refresh returns a new refresh token.
    pub(crate) rotates: bool,
    /// Whether the application adds members to the response to a login.
    pub(crate) has_extras: bool,
    /// Whether the application makes the responses to rejected requests.
    pub(crate) has_custom_rejection: bool,
    pub(crate) session_list: Option<DescribedSessionList<C, RouteRejection>>,
    /// `None` if no tokens are bound to keys.
    pub(crate) dpop: Option<&'a Dpop>,
}

impl<U, C, R> TokenRoutes<U, C, R>
where
    U: UserBackend<C, R>,
    C: DeserializeOwned + Send + Sync + 'static,
{
    pub(crate) fn describe(&self) -> DescribedTokenRoutes<'_, C> {
        let (logins, settings) = (&self.0.logins, &self.0.settings);
        let Paths { obtain, refresh, verify, blacklist, second_factor } = settings.full_paths();
        DescribedTokenRoutes {
            login: logins.describe(),
            obtain,
            refresh,
            verify,
            blacklist: logins.issuer.has_store().then_some(blacklist),
            second_factor: logins.second_factor.is_some().then_some(second_factor),
            password_grant: settings.password_grant.as_deref().map(|path| settings.full_path(path)),
            rotates: logins.issuer.rotates(),
            has_extras: settings.extras.is_some(),
            has_custom_rejection: settings.rejection.is_custom(),
            dpop: settings.dpop.as_ref(),
            session_list: settings.session_list.as_ref().map(|base| DescribedSessionList {
                paths: session_list::paths(base),
                layer: self.0.session_list_layer(),
                has_labels: logins.session_label.is_some(),
                clears_cookies: false,
            }),
        }
    }
}
