use serde::{Serialize, de::DeserializeOwned};
use utoipa::openapi::{
    HttpMethod, OpenApi,
    schema::{AdditionalProperties, ObjectBuilder},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    error::AuthErrorKind,
    routes::{DescribedLogin, TokenRoutes},
    user::UserBackend,
};

use super::{
    document::Document,
    dpop::token_type,
    errors::ErrorForm,
    login::{TOKEN_ERRORS, complete, log_in, refresh_errors},
    oauth2::add_password_grant,
    route::Route,
    router::with_document,
    schema::{Members, empty_object, object, string},
    session_list::add_session_list,
};

impl<U, C, R> TokenRoutes<U, C, R>
where
    U: UserBackend<C, R>,
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Describes the routes. See [`openapi`](crate::openapi).
    #[must_use]
    pub fn openapi(&self) -> OpenApi {
        let routes = self.describe();
        let login = &routes.login;
        let dpop = routes.dpop;
        let mut tokens = tokens(login, true, dpop.is_some());
        if routes.has_extras {
            tokens = tokens.additional_properties(Some(AdditionalProperties::FreeForm(true)));
        }
        let tokens = tokens.build();
        let refreshed = self::tokens(login, routes.rotates, dpop.is_some()).build();

        let form = ErrorForm::of_routes(routes.has_custom_rejection);
        let mut document = Document::new("tokens", "Log in and out with tokens.", form)
            .route(
                log_in(login, &routes.obtain)
                    .binding(dpop)
                    .ok("The tokens of a new session.", tokens.clone()),
            )
            .route(
                with_token(login, &routes.refresh, "Refresh an access token", "refresh")
                    .errors(TOKEN_ERRORS)
                    .errors(refresh_errors(login))
                    .binding(dpop)
                    .ok("A new access token.", refreshed),
            )
            .route(
                with_token(login, &routes.verify, "Verify a token", "token")
                    .description("An access or refresh token. It stays unused.")
                    .errors(TOKEN_ERRORS)
                    .ok("The token is valid.", empty_object()),
            );
        if let Some(path) = &routes.blacklist {
            // A token whose session has ended is no error.
            let errors = TOKEN_ERRORS.into_iter().filter(|kind| *kind != AuthErrorKind::Revoked);
            let route = with_token(login, path, "Log out", "refresh")
                .errors(errors)
                .ok("The session of the token has ended.", empty_object());
            document = document.route(route);
        }
        if let Some(path) = &routes.second_factor {
            let route = complete(login, path).binding(dpop);
            let route = route.ok("The tokens of a new session.", tokens);
            document = document.route(route);
        }
        if let Some(path) = &routes.password_grant {
            document = add_password_grant(document, login, path, dpop);
        }
        if let Some(list) = &routes.session_list {
            document = add_session_list(document, list);
        }
        document.into_openapi()
    }

    /// Converts the routes into a router with their [document](Self::openapi).
    pub fn into_openapi_router<S: Clone + Send + Sync + 'static>(self) -> OpenApiRouter<S> {
        let document = self.openapi();
        with_document(self.into_router(), document)
    }
}

/// `POST` of the token in the field `name` to `path`.
fn with_token(login: &DescribedLogin<'_>, path: &str, summary: &'static str, name: &str) -> Route {
    let body = object().member(login.name(name), string("The token.").min_length(Some(1)));
    Route::new(HttpMethod::Post, path, summary).json(body, login.missing(&[name]))
}

/// The response with tokens.
fn tokens(login: &DescribedLogin<'_>, has_refresh: bool, may_be_bound: bool) -> ObjectBuilder {
    let access = string("The access token, for the header `Authorization: Bearer`.");
    let tokens = object().member(login.name("access"), access);
    let tokens = if has_refresh {
        tokens.member(login.name("refresh"), string("The refresh token."))
    } else {
        tokens
    };
    if may_be_bound { tokens.property(login.name("token_type"), token_type()) } else { tokens }
}
