use axum::{Router, extract::Request, response::IntoResponse, routing::get};
use http::{
    HeaderName, HeaderValue, StatusCode,
    header::{
        ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    },
};

use crate::protected_resource::ProtectedResource;

use super::{super::rejection::RouteRejection, conditional};

/// Lets scripts of all origins read the document.
const ANY_ORIGIN: (HeaderName, HeaderValue) =
    (ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));

impl ProtectedResource {
    /// Converts the resource into a router for any state, which serves the metadata. Its path starts
    /// at the root of the server: merge the router there, outside of authentication.
    ///
    /// Scripts of all origins can read it, because clients in browsers need it and it is public.
    pub fn into_router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let path = self.metadata_path().to_owned();
        let handler = async move |request: Request| {
            let body = self.metadata().to_owned();
            let cache_control = self.cache_control();
            let response =
                conditional::respond(request.headers(), "application/json", cache_control, body);
            ([ANY_ORIGIN], response)
        };
        let method = get(handler)
            .options(allow_preflight)
            .fallback(|| async { RouteRejection::default().method_not_allowed() });
        Router::new().route(&path, method)
    }
}

/// Browsers ask first if a script sends headers of its own, as clients of the Model Context Protocol
/// do.
async fn allow_preflight() -> impl IntoResponse {
    let headers = [
        ANY_ORIGIN,
        (ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET")),
        (ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("*")),
    ];
    (StatusCode::NO_CONTENT, headers)
}
