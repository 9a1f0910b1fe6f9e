use http::header::SET_COOKIE;
use serde::{Serialize, de::DeserializeOwned};
use utoipa::openapi::{HttpMethod, OpenApi, Ref, schema::ObjectBuilder};
use utoipa_axum::router::OpenApiRouter;

use crate::{error::AuthErrorKind, routes::SessionRoutes, user::UserBackend};

use super::{
    document::Document,
    errors::{ErrorForm, deleted_cookies, new_cookies},
    layer::Protection,
    login::{TOKEN_ERRORS, complete, log_in, refresh_errors},
    route::Route,
    router::with_document,
    schema::{Members, any_object, empty_object, object, string},
    security::{REFRESH_COOKIE, cookie, requires},
    session_list::add_session_list,
};

/// The name of the schema of a user.
const USER_SCHEMA: &str = "SessionUser";

impl<U, C, R> SessionRoutes<U, C, R>
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Describes the routes. See [`openapi`](crate::openapi).
    #[must_use]
    pub fn openapi(&self) -> OpenApi {
        let routes = self.describe();
        let (login, base) = (&routes.login, routes.base);
        let root = format!("{base}/");
        let protection = Protection::of(&routes.layer);
        let logout = Protection::of(&routes.logout_layer);
        let refresh_cookie =
            cookie(REFRESH_COOKIE, routes.refresh_cookie, "The cookie with the refresh token.");
        let user = if routes.has_custom_user {
            any_object("The user, as the application describes users.")
        } else {
            object().description(Some("A user.")).member("id", string("The id of the user."))
        };

        let form = ErrorForm::of_routes(routes.has_custom_rejection);
        let mut document = Document::new("session", "Log a browser in and out.", form)
            .schema(USER_SCHEMA, user)
            .security_schemes([refresh_cookie])
            .route(logged_in(log_in(login, &root)))
            .route(
                Route::new(HttpMethod::Get, &root, "Describe the user of the session")
                    .protected(&protection)
                    .errors([AuthErrorKind::UserInactive, AuthErrorKind::Overloaded])
                    .ok("The user.", described_user()),
            )
            .route(
                Route::new(HttpMethod::Post, format!("{base}/refresh"), "Refresh the cookies")
                    .description("A `401` deletes the cookies.")
                    .security([requires(REFRESH_COOKIE)])
                    .unread_body()
                    .errors([AuthErrorKind::MissingCredentials])
                    .errors(COOKIE_ERRORS)
                    .errors(TOKEN_ERRORS)
                    .errors(refresh_errors(login))
                    .deleting_cookies()
                    .ok("The cookies have new tokens.", empty_object())
                    .header(SET_COOKIE.as_str(), new_cookies()),
            )
            .route(
                Route::new(HttpMethod::Delete, &root, "Log out")
                    .description("Cookies that are invalid or missing are no error.")
                    .security([requires(REFRESH_COOKIE)])
                    .protected(&logout)
                    .unread_body()
                    .errors([AuthErrorKind::MissingCredentials])
                    .errors(COOKIE_ERRORS)
                    .no_content("The session has ended.")
                    .header(SET_COOKIE.as_str(), deleted_cookies()),
            );
        if login.has_second_factor {
            document = document.route(logged_in(complete(login, &format!("{base}/second-factor"))));
        }
        add_session_list(document, &routes.session_list).into_openapi()
    }

    /// Converts the routes into a router with their [document](Self::openapi).
    pub fn into_openapi_router<S: Clone + Send + Sync + 'static>(self) -> OpenApiRouter<S> {
        let document = self.openapi();
        with_document(self.into_router(), document)
    }
}

/// Why a request with cookies is rejected.
const COOKIE_ERRORS: [AuthErrorKind; 2] =
    [AuthErrorKind::CrossSiteRequest, AuthErrorKind::RepeatedCookie];

/// Adds the response of a login.
fn logged_in(route: Route) -> Route {
    route
        .errors([AuthErrorKind::CrossSiteRequest])
        .ok("The user. The cookies have the tokens of a new session.", described_user())
        .header(SET_COOKIE.as_str(), new_cookies())
}

fn described_user() -> ObjectBuilder {
    object().member("user", Ref::from_schema_name(USER_SCHEMA))
}
