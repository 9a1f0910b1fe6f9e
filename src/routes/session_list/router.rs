use std::sync::Arc;

use axum::{
    Router,
    extract::Request,
    response::Response,
    routing::{MethodFilter, MethodRouter},
};
use serde::de::DeserializeOwned;

use crate::middleware::JwtAuthLayer;

use super::{
    super::{
        endpoint::{endpoint, no_other_method},
        rejection::RouteRejection,
        route_error::RouteError,
    },
    handlers,
    state::SessionList,
};

const SESSIONS: &str = "/sessions";
const SESSION: &str = "/sessions/{session_id}";
const LOGOUT_OTHERS: &str = "/logout-others";
const LOGOUT_ALL: &str = "/logout-all";
const TICKET: &str = "/ticket";

/// The paths of the routes below `base`.
pub(in crate::routes) fn paths(base: &str) -> [String; 5] {
    let paths = [SESSIONS, SESSION, LOGOUT_OTHERS, LOGOUT_ALL, TICKET];
    paths.map(|path| format!("{base}{path}"))
}

impl<C, R> SessionList<C, R>
where
    C: DeserializeOwned + Send + Sync + 'static,
    R: Send + Sync + 'static,
{
    /// Adds the routes to `router`, below the path `base`, for requests that `auth` admits.
    pub(in crate::routes) fn add_to<S>(
        self,
        router: Router<S>,
        base: &str,
        auth: &JwtAuthLayer<C, RouteRejection>,
    ) -> Router<S>
    where
        S: Clone + Send + Sync + 'static,
    {
        let list = Arc::new(self);
        let session = list.on(MethodFilter::DELETE, handlers::end).patch(endpoint(
            &list,
            &list.rejection,
            handlers::label,
        ));
        let routes = [
            (SESSIONS, list.on(MethodFilter::GET, handlers::list)),
            (SESSION, session),
            (LOGOUT_OTHERS, list.on(MethodFilter::POST, handlers::end_others)),
            (LOGOUT_ALL, list.on(MethodFilter::POST, handlers::end_all)),
            (TICKET, list.on(MethodFilter::POST, handlers::ticket)),
        ];
        routes.into_iter().fold(router, |router, (path, methods)| {
            router.route(&format!("{base}{path}"), methods.layer(auth.clone()))
        })
    }

    fn on<S, F, Fut>(self: &Arc<Self>, method: MethodFilter, handler: F) -> MethodRouter<S>
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(Arc<Self>, Request) -> Fut + Copy + Send + Sync + 'static,
        Fut: Future<Output = Result<Response, RouteError>> + Send + 'static,
    {
        no_other_method(&self.rejection).on(method, endpoint(self, &self.rejection, handler))
    }
}
