use http::{
    StatusCode,
    header::{CACHE_CONTROL, ETAG, IF_NONE_MATCH},
};
use serde_json::Value;
use utoipa::openapi::{
    Header, HttpMethod, OpenApi, RefOr, Required, Schema,
    path::{ParameterBuilder, ParameterIn},
};
use utoipa_axum::router::OpenApiRouter;

use crate::{protected_resource::ProtectedResource, routes::WellKnownRoutes};

use super::{
    document::Document,
    errors::{ErrorForm, header},
    route::Route,
    router::with_document,
    schema::{Members, any, any_object, list, object, string},
};

impl WellKnownRoutes {
    /// Describes the routes. See [`openapi`](crate::openapi).
    #[must_use]
    pub fn openapi(&self) -> OpenApi {
        let routes = self.describe();
        let route = |path: &str, summary, media_type, schema: RefOr<Schema>| {
            conditional(path, summary, routes.cache_control, (media_type, schema))
        };
        let keys = list("The public keys.", any_object("A key (RFC 7517 section 4)."));
        let jwks = route(
            &routes.jwks,
            "Get the public keys (RFC 7517)",
            "application/jwk-set+json",
            object().member("keys", keys).into(),
        );
        let metadata = metadata(&routes.metadata, "RFC 8414 section 2");
        let document =
            Document::new("keys", "For services that verify tokens.", ErrorForm::of_routes(false));
        routes
            .metadata_paths
            .iter()
            .fold(document.route(jwks), |document, path| {
                document.route(route(
                    path,
                    "Get the metadata of the issuer (OpenID Connect Discovery, RFC 8414)",
                    "application/json",
                    metadata.clone(),
                ))
            })
            .into_openapi()
    }

    /// Converts the routes into a router with their [document](Self::openapi).
    pub fn into_openapi_router<S: Clone + Send + Sync + 'static>(self) -> OpenApiRouter<S> {
        let document = self.openapi();
        with_document(self.into_router(), document)
    }
}

impl ProtectedResource {
    /// Describes the route of [`into_router`](Self::into_router). See [`openapi`](crate::openapi).
    #[must_use]
    pub fn openapi(&self) -> OpenApi {
        let value = serde_json::from_str(self.metadata()).unwrap_or_default();
        let schema = metadata(&value, "RFC 9728 section 2");
        let cache_control = self.cache_control().to_str().unwrap_or_default();
        let route = conditional(
            self.metadata_path(),
            "Get the metadata of the protected resource (RFC 9728)",
            cache_control,
            ("application/json", schema),
        );
        Document::new(
            "resource",
            "For clients that look for the issuer.",
            ErrorForm::of_routes(false),
        )
        .route(route)
        .into_openapi()
    }

    /// Converts the resource into a router with its [document](Self::openapi).
    pub fn into_openapi_router<S: Clone + Send + Sync + 'static>(self) -> OpenApiRouter<S> {
        let document = self.openapi();
        with_document(self.into_router(), document)
    }
}

/// The route of a document that clients may have already.
fn conditional(
    path: &str,
    summary: &'static str,
    max_age: &str,
    body: (&'static str, RefOr<Schema>),
) -> Route {
    Route::new(HttpMethod::Get, path, summary)
        .parameter(if_none_match())
        .response(StatusCode::NOT_MODIFIED, "The client has the document already.", None)
        .header(CACHE_CONTROL.as_str(), cache_control(max_age))
        .header(ETAG.as_str(), etag())
        .response(StatusCode::OK, "The document.", Some(body))
        .header(CACHE_CONTROL.as_str(), cache_control(max_age))
        .header(ETAG.as_str(), etag())
}

/// The schema of the metadata `value`, whose members `section` defines.
fn metadata(value: &Value, section: &str) -> RefOr<Schema> {
    let members = value.as_object().into_iter().flatten();
    let see = || format!("See {section}.");
    let schema = members.fold(object(), |schema, (name, value)| match value {
        Value::String(_) => schema.member(name, string(&see())),
        Value::Array(_) => {
            let items = string(&format!("A value of {section}."));
            schema.member(name, list(&see(), items))
        }
        _ => schema.member(name, any(&see())),
    });
    schema.examples([value.clone()]).into()
}

fn if_none_match() -> ParameterBuilder {
    ParameterBuilder::new()
        .name(IF_NONE_MATCH.as_str())
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some("The `ETag` of the document that the client has."))
        .schema(Some(string("An entity tag.")))
}

fn cache_control(value: &str) -> Header {
    header("How long the document may be cached.", value)
}

fn etag() -> Header {
    header("Identifies this version of the document.", "\"C5cqzXVoqGr2JdGFvDGdFvPf1NTg\"")
}
