use std::convert::Infallible;

use axum::{extract::Request, response::IntoResponse, routing::Route as AxumRoute};
use http::{StatusCode, header::CACHE_CONTROL};
use serde::{Serialize, de::DeserializeOwned};
use tower::{Layer, Service};
use utoipa::openapi::{HttpMethod, OpenApi, schema::ObjectBuilder};
use utoipa_axum::router::OpenApiRouter;

use crate::{
    error::AuthErrorKind,
    routes::{OAuthRoutes, RequestErrorKind, oauth_error},
};

use super::{
    document::Document,
    errors::{ErrorBodies, ErrorForm},
    route::Route,
    router::with_document,
    schema::{Members, any, any_object, boolean, integer, list, object, string},
};

impl<L, C, R> OAuthRoutes<L, C, R>
where
    C: Serialize + DeserializeOwned + Send + Sync + 'static,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
    L: Layer<AxumRoute> + Clone + Send + Sync + 'static,
    L::Service: Service<Request, Error: Into<Infallible>> + Clone + Send + Sync + 'static,
    <L::Service as Service<Request>>::Response: IntoResponse + 'static,
    <L::Service as Service<Request>>::Future: Send + 'static,
{
    /// Describes the routes. See [`openapi`](crate::openapi).
    ///
    /// How clients authenticate is not described, because the application decides it: the
    /// operations have no security requirement, and their `401` has no body.
    #[must_use]
    pub fn openapi(&self) -> OpenApi {
        let path = |name| format!("{}{name}", self.base());
        let form = ErrorForm {
            bodies: ErrorBodies::OAuth(oauth_error),
            is_uncached: true,
            has_challenge: false,
        };
        let revoke = with_token(path("/revoke"), "Revoke a token (RFC 7009)")
            .errors([RequestErrorKind::UnsupportedTokenType])
            .response(StatusCode::OK, "The token is not valid any more, or never was.", None);
        Document::new("oauth", "For other services.", form)
            .route(
                with_token(path("/introspect"), "Introspect a token (RFC 7662)")
                    .ok("The token.", introspection(self.claims())),
            )
            .route(revoke)
            .into_openapi()
    }

    /// Converts the routes into a router with their [document](Self::openapi).
    pub fn into_openapi_router<S: Clone + Send + Sync + 'static>(self) -> OpenApiRouter<S> {
        let document = self.openapi();
        with_document(self.into_router(), document)
    }
}

fn with_token(path: String, summary: &'static str) -> Route {
    let hint = string("Ignored.");
    let form = object()
        .member("token", string("The token.").min_length(Some(1)))
        .property("token_type_hint", hint);
    Route::new(HttpMethod::Post, path, summary)
        .form(form)
        .errors([AuthErrorKind::Unavailable])
        .response(StatusCode::UNAUTHORIZED, "The client is not authenticated.", None)
        .without_header(CACHE_CONTROL.as_str())
}

fn introspection<'c>(claims: impl Iterator<Item = &'c str>) -> ObjectBuilder {
    let response = object()
        .member("active", boolean("Whether it is a valid access token."))
        .property("token_type", string("`Bearer`, or `DPoP` if the token is bound to a key."))
        .property("sub", string("The subject: the id of the user, unless the token has another."))
        .property("jti", string("The id of the token."))
        .property("exp", integer("When the token expires, in seconds since 1970."))
        .property("iat", integer("When the token was issued, in seconds since 1970."))
        .property("nbf", integer("When the token becomes valid, in seconds since 1970."))
        .property("iss", string("The issuer."))
        .property("aud", any("The audience: a string or a list."))
        .property("scope", string("The scopes, separated by spaces."))
        .property("client_id", string("The client that the token was issued to."))
        .property("username", string("The name of the user."))
        .property("sid", string("The id of the session."))
        .property("auth_time", integer("When the user logged in, in seconds since 1970."))
        .property("acr", string("How strongly the user was authenticated."))
        .property("amr", list("How the user was authenticated.", string("A method.")))
        .property("cnf", any_object("The key to which the token is bound."));
    claims.fold(response, |response, name| response.property(name, any("A claim.")))
}
