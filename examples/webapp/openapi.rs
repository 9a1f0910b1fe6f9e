//! The OpenAPI document of the whole API, and a page that tries it.

use std::collections::BTreeMap;

use axum::Router;
use utoipa::{IntoResponses, OpenApi, ToSchema, openapi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_swagger_ui::SwaggerUi;

#[derive(OpenApi)]
#[openapi(info(title = "Notes", version = "1.0.0", description = "The API of the example `webapp`."))]
struct Document;

/// The body of an error response.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes JSON that is made otherwise")]
pub(crate) struct Problem {
    /// For people.
    detail: String,
    /// For programs.
    code: String,
    /// The problems of each field.
    errors: Option<BTreeMap<String, Vec<String>>>,
}

/// The responses to requests with a body that is not accepted.
#[derive(IntoResponses)]
#[expect(dead_code, reason = "it describes responses that are made otherwise")]
pub(crate) enum Rejected {
    /// The body is not a JSON object, or its fields are invalid.
    #[response(status = 400)]
    Invalid(#[to_schema] Problem),
    /// Another site has caused the request.
    #[response(status = 403)]
    CrossSite(#[to_schema] Problem),
    /// The body is too large.
    #[response(status = 413)]
    TooLarge(#[to_schema] Problem),
    /// The body is not JSON.
    #[response(status = 415)]
    OtherType(#[to_schema] Problem),
    /// The database does not respond.
    #[response(status = 503)]
    Unavailable(#[to_schema] Problem),
}

/// The routes with their document at `/api/openapi.json`, and the page `/docs`.
pub(crate) fn with_document(routes: OpenApiRouter) -> Router {
    let (router, document) =
        OpenApiRouter::with_openapi(Document::openapi()).merge(routes).split_for_parts();
    router.merge(SwaggerUi::new("/docs").url("/api/openapi.json", document))
}
