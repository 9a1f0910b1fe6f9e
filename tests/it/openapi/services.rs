//! The routes for other services.

use axum::{
    body::Body,
    extract::Request as Incoming,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{
    Method, Request, StatusCode,
    header::{AUTHORIZATION, IF_NONE_MATCH},
};
use serde_json::json;
use tower_jwt_auth::{
    Algorithm, KeySet, ManualClock, NumericDate, SigningKey, Verifier, VerifyingKey,
    protected_resource::ProtectedResource,
    routes::{BackChannelLogoutRoutes, OAuthRoutes, WellKnownRoutes},
    token::TokenProfile,
};

use crate::support::{
    foreign::ForeignKey,
    login::{NOW, Setup, ada, refresh_of},
};

use super::drive::{Described, Draft, DraftToken, drive};

async fn authenticate_client(request: Incoming, next: Next) -> Response {
    match request.headers().get(AUTHORIZATION) {
        Some(credentials) if credentials == "Basic Y2xpZW50" => next.run(request).await,
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

pub(super) fn oauth() -> Described {
    let setup = Setup::new();
    let client_auth = middleware::from_fn(authenticate_client);
    let routes = OAuthRoutes::builder(setup.issuer(), client_auth).claim("username").at("/oauth");
    let (app, document) = routes.build().unwrap().into_openapi_router().split_for_parts();
    Described::new(setup, app, document)
}

#[tokio::test(start_paused = true)]
async fn every_response_of_the_oauth_routes_is_described() {
    drive(
        async || oauth(),
        async |described: &Described, _: &Method, path: &str, _: &str| {
            let tokens = described.setup.issuer().login(&ada()).await.unwrap();
            let token = match path {
                "/oauth/revoke" => refresh_of(&tokens),
                _ => tokens.access(),
            };
            Draft::new(path, DraftToken::Field("token", token.to_owned()))
                .form(&[("token_type_hint", "access_token")])
                .header(AUTHORIZATION, "Basic Y2xpZW50")
        },
    )
    .await;
}

#[tokio::test]
async fn clients_that_are_not_authenticated_get_a_described_response() {
    let described = oauth();
    for path in ["/oauth/introspect", "/oauth/revoke"] {
        let draft = Draft::new(path, DraftToken::None).form(&[("token", "x")]);
        let reply = described.send_draft(&Method::POST, path, draft).await;
        assert_eq!(reply.status, 401);
    }
}

fn back_channel(key: &ForeignKey) -> Described {
    let setup = Setup::new();
    let clock = ManualClock::new(NumericDate::from_secs(NOW));
    let public = VerifyingKey::from_jwk(&key.jwk().to_string(), Algorithm::ES256).unwrap();
    let verifier = Verifier::builder(public)
        .issuer("https://login.example")
        .audience("my-client")
        .profile(TokenProfile::LogoutToken)
        .clock(&clock)
        .build()
        .unwrap();
    let routes = BackChannelLogoutRoutes::builder(verifier, setup.store.clone());
    let routes = routes.clock(&clock).at("/logged-out").build().unwrap();
    let (app, document) = routes.into_openapi_router().split_for_parts();
    Described::new(setup, app, document)
}

#[tokio::test(start_paused = true)]
async fn every_response_of_the_back_channel_logout_is_described() {
    let key = ForeignKey::generate("one");
    let token = key.mint(
        &json!({ "typ": "logout+jwt" }),
        "https://login.example",
        &json!({
            "aud": "my-client", "iat": NOW, "exp": NOW + 60, "jti": "j1", "sid": "s1",
            "client_id": null,
            "events": { "http://schemas.openid.net/event/backchannel-logout": {} },
        }),
    );
    drive(
        async || back_channel(&key),
        async |_: &Described, _: &Method, path: &str, _: &str| {
            Draft::new(path, DraftToken::None).form(&[("logout_token", &token)])
        },
    )
    .await;
}

#[tokio::test]
async fn a_rejected_logout_token_gets_a_described_response() {
    let described = back_channel(&ForeignKey::generate("one"));
    let draft = Draft::new("/logged-out", DraftToken::None).form(&[("logout_token", "x")]);
    let reply = described.send_draft(&Method::POST, "/logged-out", draft).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["error"]), (400, &json!("invalid_request")));
}

pub(super) fn well_known() -> Described {
    let keys = KeySet::from(SigningKey::generate(Algorithm::ES256).unwrap());
    let routes = WellKnownRoutes::builder(keys)
        .issuer("https://login.example/tenant")
        .revocation_endpoint("https://login.example/oauth/revoke", ["client_secret_basic"]);
    let (app, document) = routes.build().unwrap().into_openapi_router().split_for_parts();
    Described::new(Setup::new(), app, document)
}

fn resource() -> Described {
    let resource = ProtectedResource::builder("https://api.example/notes")
        .authorization_server("https://login.example")
        .scopes_supported(["read"]);
    let (app, document) = resource.build().unwrap().into_openapi_router().split_for_parts();
    Described::new(Setup::new(), app, document)
}

#[tokio::test]
async fn every_response_of_the_well_known_routes_is_described() {
    let described = well_known();
    assert_eq!(described.document.operations().len(), 3);
    assert_documents_are_described(&described).await;
}

#[tokio::test]
async fn every_response_of_a_protected_resource_is_described() {
    let described = resource();
    let operations = described.document.operations();
    let paths: Vec<_> = operations.iter().map(|operation| operation.path).collect();
    assert_eq!(paths, ["/.well-known/oauth-protected-resource/notes"]);
    assert_documents_are_described(&described).await;
}

async fn assert_documents_are_described(described: &Described) {
    for operation in described.document.operations() {
        assert_eq!(operation.security(), Vec::<String>::new());
        let (method, path) = (&operation.method, operation.path);
        let request = Request::get(path).body(Body::empty()).unwrap();
        let reply = described.send(method, path, request).await;
        assert_eq!(reply.status, 200);
        let etag = reply.header("etag")[0];
        let request = Request::get(path).header(IF_NONE_MATCH, etag).body(Body::empty()).unwrap();
        let reply = described.send(method, path, request).await;
        assert_eq!(reply.status, 304);
    }
}
