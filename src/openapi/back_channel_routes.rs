use http::StatusCode;
use utoipa::openapi::{HttpMethod, OpenApi};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    error::AuthErrorKind,
    routes::{BackChannelLogoutRoutes, oauth_error},
};

use super::{
    document::Document,
    errors::{ErrorBodies, ErrorForm},
    route::Route,
    router::with_document,
    schema::{Members, object, string},
};

impl BackChannelLogoutRoutes {
    /// Describes the route. See [`openapi`](crate::openapi).
    #[must_use]
    pub fn openapi(&self) -> OpenApi {
        let form = ErrorForm {
            bodies: ErrorBodies::OAuth(oauth_error),
            is_uncached: true,
            has_challenge: false,
        };
        let token = string("The logout token of the identity provider.").min_length(Some(1));
        let log_out = Route::new(
            HttpMethod::Post,
            self.path(),
            "Report a logout (OpenID Connect Back-Channel Logout)",
        )
        .form(object().member("logout_token", token))
        .errors([AuthErrorKind::Unavailable])
        .response(StatusCode::OK, "The session has ended.", None);
        Document::new("logout", "For identity providers.", form).route(log_out).into_openapi()
    }

    /// Converts the route into a router with its [document](Self::openapi).
    pub fn into_openapi_router<S: Clone + Send + Sync + 'static>(self) -> OpenApiRouter<S> {
        let document = self.openapi();
        with_document(self.into_router(), document)
    }
}
