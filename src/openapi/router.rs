use axum::Router;
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

/// `router` with the document of its routes.
pub(super) fn with_document<S>(router: Router<S>, document: OpenApi) -> OpenApiRouter<S>
where
    S: Clone + Send + Sync + 'static,
{
    let mut router = OpenApiRouter::from(router);
    *router.get_openapi_mut() = document;
    router
}
