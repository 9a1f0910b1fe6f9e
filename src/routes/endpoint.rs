//! Handlers as axum serves them.

use std::sync::Arc;

use axum::{Router, extract::Request, response::Response, routing::MethodRouter};
use futures::future::BoxFuture;

use super::{rejection::RouteRejection, route_error::RouteError};

/// An axum handler that calls `handler` and turns its errors into responses.
pub(crate) fn endpoint<T, F, Fut>(
    state: &Arc<T>,
    rejection: &RouteRejection,
    handler: F,
) -> impl Fn(Request) -> BoxFuture<'static, Response> + Clone + Send + Sync + use<T, F, Fut>
where
    T: Send + Sync + 'static,
    F: Fn(Arc<T>, Request) -> Fut + Copy + Send + Sync + 'static,
    Fut: Future<Output = Result<Response, RouteError>> + Send + 'static,
{
    let (state, rejection) = (Arc::clone(state), rejection.clone());
    move |request| {
        let (response, rejection) = (handler(Arc::clone(&state), request), rejection.clone());
        Box::pin(async move { response.await.unwrap_or_else(|error| rejection.respond(error)) })
    }
}

/// Rejects other methods than those that are added.
pub(crate) fn no_other_method<S>(rejection: &RouteRejection) -> MethodRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let rejection = rejection.clone();
    MethodRouter::new().fallback(move || async move { rejection.method_not_allowed() })
}

/// Serves `methods` at `path`, with and without a trailing slash.
pub(crate) fn with_and_without_slash<S>(
    router: Router<S>,
    path: &str,
    methods: MethodRouter<S>,
) -> Router<S>
where
    S: Clone + Send + Sync + 'static,
{
    let bare = path.trim_end_matches('/');
    let router = router.route(&format!("{bare}/"), methods.clone());
    if bare.is_empty() { router } else { router.route(bare, methods) }
}
