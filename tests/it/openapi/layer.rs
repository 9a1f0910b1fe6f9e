//! What a layer adds to the document of an application.

use axum::body::Body;
use http::{HeaderName, Method, Request, header::AUTHORIZATION};
use serde_json::{Value, json};
use tower_jwt_auth::{
    AuthError, Claims, JwtAuthLayer,
    middleware::{CrossSiteLayer, InvalidToken},
    rejection::JsonRejection,
    transport::TokenSource,
};
use utoipa::{Modify, openapi::OpenApi};
use utoipa_axum::router::OpenApiRouter;

use crate::support::login::{Profile, Setup, ada};

use super::{
    drive::{Described, Draft, DraftToken, drive},
    sessions::{ACCESS, cookies},
};

const PATH: &str = "/api/me";

/// The document of an application with one route, which has a response of its own for `404`.
fn application() -> OpenApi {
    serde_json::from_value(json!({
        "openapi": "3.1.0",
        "info": {"title": "", "version": ""},
        "paths": {PATH: {"get": {"responses": {
            "200": {"description": "The user.", "content": {"text/plain; charset=utf-8": {}}},
            "401": {"description": "Log in."},
        }}}},
    }))
    .unwrap()
}

fn modified<R: 'static>(layer: &JwtAuthLayer<Profile, R>) -> Value {
    let mut document = application();
    layer.modify(&mut document);
    serde_json::to_value(document).unwrap()
}

fn described(layer: impl Fn(JwtAuthLayer<Profile>) -> JwtAuthLayer<Profile>) -> Described {
    let setup = Setup::new();
    let layer = layer(setup.issuer().layer());
    let me = async |_: Claims<Profile>| "{}";
    let app = axum::Router::new().route(PATH, axum::routing::get(me)).route_layer(layer.clone());
    let mut document: Value = serde_json::to_value(application()).unwrap();
    document["paths"][PATH]["get"]["responses"].as_object_mut().unwrap().remove("401");
    let mut router: OpenApiRouter = OpenApiRouter::from(app);
    *router.get_openapi_mut() = serde_json::from_value(document).unwrap();
    layer.modify(router.get_openapi_mut());
    let (app, document) = router.split_for_parts();
    Described::new(setup, app, document)
}

async fn access(described: &Described) -> String {
    described.setup.issuer().login(&ada()).await.unwrap().access().to_owned()
}

#[tokio::test(start_paused = true)]
async fn every_rejection_of_a_layer_is_described() {
    drive(
        async || described(|layer| layer),
        async |described: &Described, _: &Method, path: &str, _: &str| {
            Draft::new(path, DraftToken::Bearer(access(described).await))
        },
    )
    .await;
}

#[tokio::test]
async fn every_source_is_a_security_scheme() {
    let issuer = Setup::new().issuer();
    let header = HeaderName::from_static("x-token");
    let layer = issuer
        .layer()
        .with_cookies(&cookies())
        .with_additional_source(TokenSource::header(header))
        .with_additional_source(TokenSource::insecure_query("token").unwrap())
        .with_additional_source(TokenSource::cookie("other").unwrap());
    let document = modified(&layer);
    let schemes = &document["components"]["securitySchemes"];
    let security = document["paths"][PATH]["get"]["security"].as_array().unwrap();
    let security: Vec<_> =
        security.iter().map(|it| it.as_object().unwrap().keys().next().unwrap()).collect();
    let kinds: Vec<_> = security
        .iter()
        .map(|name| {
            let scheme = &schemes[name.as_str()];
            (scheme["in"].as_str().unwrap_or("bearer"), scheme["name"].as_str().unwrap_or_default())
        })
        .collect();
    let expected = [
        ("bearer", ""),
        ("header", "x-token"),
        ("query", "token"),
        ("cookie", ACCESS),
        ("cookie", "other"),
    ];
    assert_eq!(kinds, expected);
    assert_eq!(security[0], "bearer");
    assert_eq!(security[3], "cookie");
}

#[tokio::test]
async fn cookies_of_another_name_are_described_with_it() {
    let cookies = tower_jwt_auth::transport::SessionCookies::builder().access_name("token");
    let cookies = cookies.build().unwrap();
    let document = modified(&Setup::new().issuer().layer().with_cookies(&cookies));
    assert_eq!(document["components"]["securitySchemes"]["cookie"]["name"], "token");
}

#[tokio::test]
async fn an_optional_layer_accepts_requests_without_credentials() {
    let layer = Setup::new().issuer().layer().with_optional(InvalidToken::Reject);
    let document = modified(&layer);
    let operation = &document["paths"][PATH]["get"];
    assert_eq!(operation["security"], json!([{"bearer": []}, {}]));
}

#[tokio::test]
async fn responses_and_requirements_of_the_application_remain() {
    let layer = Setup::new().issuer().layer();
    let mut document = application();
    let paths: Value = json!({
        "/public": {"get": {"security": [], "responses": {}}},
        "/own": {"get": {"security": [{"own": []}], "responses": {}}},
    });
    document.paths.merge(serde_json::from_value(paths).unwrap());
    layer.modify(&mut document);
    let document = serde_json::to_value(document).unwrap();
    let responses = &document["paths"][PATH]["get"]["responses"];
    assert_eq!(responses["401"], json!({"description": "Log in."}));
    assert!(responses["503"].is_object());
    assert_eq!(document["paths"]["/public"]["get"]["responses"], json!({}));
    assert_eq!(document["paths"]["/own"]["get"]["security"], json!([{"own": []}]));
    assert!(document["paths"]["/own"]["get"]["responses"]["401"].is_object());
}

#[tokio::test]
async fn responses_of_another_rejection_have_no_bodies() {
    let layer = Setup::new().issuer().layer();
    let custom = layer.clone().with_rejection(|_: &AuthError| http::Response::new(String::new()));
    let responses = |document: Value| document["paths"][PATH]["get"]["responses"]["503"].clone();
    assert!(responses(modified(&layer.with_rejection(JsonRejection)))["content"].is_object());
    let response = responses(modified(&custom));
    assert!(response["content"].is_null() && response["headers"]["retry-after"].is_object());
}

#[tokio::test]
async fn a_request_without_a_token_gets_the_described_challenge() {
    let described = described(|layer| layer);
    let request = Request::get(PATH).header(AUTHORIZATION, "Basic YTpi");
    let reply = described.send(&Method::GET, PATH, request.body(Body::empty()).unwrap()).await;
    assert_eq!(reply.status, 401);
}

#[tokio::test]
async fn the_layer_against_other_sites_is_described_for_unsafe_methods() {
    let mut document = application();
    let paths: Value = json!({"/notes": {"post": {"responses": {}}}});
    document.paths.merge(serde_json::from_value(paths).unwrap());
    CrossSiteLayer::new(&cookies()).modify(&mut document);
    let document = serde_json::to_value(document).unwrap();
    let responses = |path: &str, method: &str| document["paths"][path][method]["responses"].clone();
    let rejection = &responses("/notes", "post")["403"]["content"]["application/json"];
    assert_eq!(rejection["examples"]["cross_site_request"]["value"]["code"], "cross_site_request");
    assert!(responses(PATH, "get")["403"].is_null());
}
