//! The metadata of a protected resource, and the challenges that lead to it.

use std::time::Duration;

use axum::{Router, body::Body, routing::get};
use http::{Method, Request, Response};
use serde_json::{Value, json};
use tower_jwt_auth::{
    Algorithm, AuthError, AuthErrorKind, Claims, ConfigErrorKind, Issuer, JwtAuthLayer, SigningKey,
    Verifier,
    guard::RequireLayer,
    middleware::InvalidToken,
    protected_resource::{ProtectedResource, ProtectedResourceBuilder},
    token::NoClaims,
    user::User,
};

use crate::support::reply::{Reply, send};

const RESOURCE: &str = "https://api.example/notes";
const METADATA: &str = "/.well-known/oauth-protected-resource/notes";

fn builder() -> ProtectedResourceBuilder {
    ProtectedResource::builder(RESOURCE).authorization_server("https://login.example")
}

fn issuer() -> Issuer {
    let key = SigningKey::generate(Algorithm::ES256).unwrap();
    Issuer::builder(key).audience(RESOURCE).build().unwrap()
}

fn layer(issuer: &Issuer) -> JwtAuthLayer {
    issuer.layer().with_protected_resource(&builder().build().unwrap()).unwrap()
}

async fn token(issuer: &Issuer) -> String {
    let tokens = issuer.login(&User::new(1, NoClaims::default())).await.unwrap();
    tokens.access().to_owned()
}

async fn call(app: &Router, path: &str, token: &str) -> Reply {
    let request = Request::get(path).header("authorization", format!("Bearer {token}"));
    send(app, request.body(Body::empty()).unwrap()).await
}

async fn document(builder: ProtectedResourceBuilder, path: &str) -> Reply {
    let app = builder.build().unwrap().into_router();
    send(&app, Request::get(path).body(Body::empty()).unwrap()).await
}

fn with_metadata(parameters: &str) -> String {
    format!("Bearer realm=\"api\"{parameters}, resource_metadata=\"https://api.example{METADATA}\"")
}

#[tokio::test]
async fn serves_the_configured_metadata() {
    let builder = builder()
        .authorization_server("https://other.example/tenant")
        .scopes_supported(["read", "write"])
        .resource_name("Notes")
        .member("resource_documentation", "https://docs.example")
        .max_age(Duration::from_secs(60));
    let reply = document(builder, METADATA).await;
    assert_eq!(reply.status, 200);
    assert_eq!(reply.header("content-type"), ["application/json"]);
    assert_eq!(reply.header("cache-control"), ["public, max-age=60"]);
    assert_eq!(reply.header("access-control-allow-origin"), ["*"]);
    assert_eq!(
        reply.json(),
        json!({
            "resource": RESOURCE,
            "authorization_servers": ["https://login.example", "https://other.example/tenant"],
            "scopes_supported": ["read", "write"],
            "bearer_methods_supported": ["header"],
            "resource_name": "Notes",
            "resource_documentation": "https://docs.example",
        })
    );
}

#[tokio::test]
async fn metadata_is_at_the_path_that_the_identifier_determines() {
    const ROOT: &str = "/.well-known/oauth-protected-resource";
    for (identifier, path) in [
        ("https://api.example", String::new()),
        ("https://api.example/", String::new()),
        ("https://api.example:8443/a/b", "/a/b".to_owned()),
        ("https://api.example/a/", "/a/".to_owned()),
        ("http://127.0.0.1:3000/mcp", "/mcp".to_owned()),
        ("http://[::1]:3000/mcp", "/mcp".to_owned()),
    ] {
        let resource = ProtectedResource::builder(identifier).build().unwrap();
        assert_eq!(resource.metadata_path(), format!("{ROOT}{path}"));
        let origin = identifier.split('/').take(3).collect::<Vec<_>>().join("/");
        assert_eq!(resource.metadata_url(), format!("{origin}{ROOT}{path}"));
        let app: Router = resource.into_router();
        let get = |path: String| Request::get(path).body(Body::empty()).unwrap();
        let reply = send(&app, get(format!("{ROOT}{path}"))).await;
        // Compared byte for byte by clients.
        assert_eq!(reply.json()["resource"], identifier);
        if !path.is_empty() {
            assert_eq!(send(&app, get(ROOT.to_owned())).await.status, 404);
        }
    }
}

#[tokio::test]
async fn scripts_of_other_origins_may_ask_first() {
    let app: Router = builder().build().unwrap().into_router();
    let request = Request::options(METADATA)
        .header("origin", "https://client.example")
        .header("access-control-request-method", "GET")
        .header("access-control-request-headers", "mcp-protocol-version");
    let reply = send(&app, request.body(Body::empty()).unwrap()).await;
    assert_eq!(reply.status, 204);
    assert_eq!(reply.header("access-control-allow-origin"), ["*"]);
    assert_eq!(reply.header("access-control-allow-headers"), ["*"]);

    let post = Request::builder().method(Method::POST).uri(METADATA).body(Body::empty()).unwrap();
    assert_eq!(send(&app, post).await.status, 405);
}

#[tokio::test]
async fn challenges_of_the_layer_name_the_metadata() {
    let issuer = issuer();
    let app = Router::new().route("/", get(|| async {})).route_layer(layer(&issuer));
    let reply = send(&app, Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!(
        (reply.status, reply.header("www-authenticate")),
        (401.try_into().unwrap(), vec![&*with_metadata("")])
    );
    let reply = call(&app, "/", "malformed").await;
    let error = r#", error="invalid_token", error_description="the token is malformed""#;
    assert_eq!(reply.header("www-authenticate"), [with_metadata(error)]);
    assert_eq!(call(&app, "/", &token(&issuer).await).await.status, 200);
}

#[tokio::test]
async fn challenges_of_guards_and_handlers_name_the_metadata() {
    async fn fail(claims: Claims) -> Result<(), AuthError> {
        claims.require_scope("handler")
    }
    async fn deny(claims: Claims) -> Result<(), AuthError> {
        claims.require(|_| false)
    }
    async fn malformed(_: Claims) -> Result<(), AuthError> {
        Err(AuthErrorKind::InvalidRequest.into())
    }
    let issuer = issuer();
    let guarded =
        Router::new().route("/guard", get(|| async {})).route_layer(RequireLayer::scope("guard"));
    let app = Router::new()
        .route("/handler", get(fail))
        .route("/denied", get(deny))
        .route("/malformed", get(malformed))
        .merge(guarded)
        .route_layer(layer(&issuer));
    let token = token(&issuer).await;
    for scope in ["guard", "handler"] {
        let reply = call(&app, &format!("/{scope}"), &token).await;
        let error = ", error=\"insufficient_scope\", \
                     error_description=\"the token lacks a required scope\"";
        let expected = with_metadata(&format!("{error}, scope=\"{scope}\""));
        assert_eq!(
            (reply.status.as_u16(), reply.header("www-authenticate")),
            (403, vec![&*expected])
        );
    }
    let reply = call(&app, "/denied", &token).await;
    assert_eq!(
        (reply.status.as_u16(), reply.header("www-authenticate")),
        (403, vec![&*with_metadata("")])
    );
    let reply = call(&app, "/malformed", &token).await;
    assert_eq!(reply.status, 400);
    let challenge = reply.header("www-authenticate").concat();
    assert!(challenge.contains("resource_metadata="), "{challenge}");
}

#[tokio::test]
async fn handlers_of_optional_authentication_name_the_metadata() {
    let layer = layer(&issuer()).with_optional(InvalidToken::Reject);
    let app = Router::new().route("/", get(|_: Claims| async {})).route_layer(layer);
    let reply = send(&app, Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!(reply.header("www-authenticate"), [with_metadata("")]);
}

#[tokio::test]
async fn challenges_of_the_application_are_left_alone() {
    let custom = |error: &AuthError| {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = error.kind().status();
        response.headers_mut().insert("www-authenticate", "Bearer realm=\"own\"".parse().unwrap());
        response
    };
    let issuer = issuer();
    let guarded = Router::new()
        .route("/guard", get(|| async {}))
        .route_layer(RequireLayer::scope("guard").with_rejection(custom));
    let basic = || async { (http::StatusCode::UNAUTHORIZED, [("www-authenticate", "Basic")]) };
    let forbidden = || async { http::StatusCode::FORBIDDEN };
    let app = Router::new()
        .route("/basic", get(basic))
        .route("/forbidden", get(forbidden))
        .merge(guarded)
        .route_layer(layer(&issuer));
    let token = token(&issuer).await;
    assert_eq!(call(&app, "/basic", &token).await.header("www-authenticate"), ["Basic"]);
    assert_eq!(call(&app, "/forbidden", &token).await.header("www-authenticate"), [""; 0]);
    let custom = call(&app, "/guard", &token).await;
    assert_eq!(custom.header("www-authenticate"), [r#"Bearer realm="own""#]);
}

#[tokio::test]
async fn a_required_scope_is_checked_and_named() {
    let issuer = issuer();
    let layer = layer(&issuer).with_required_scope("write").unwrap();
    let app = Router::new().route("/", get(|| async {})).route_layer(layer);
    let reply = send(&app, Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.header("www-authenticate"), [with_metadata(", scope=\"write\"")]);
    let reply = call(&app, "/", &token(&issuer).await).await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()["code"].as_str()),
        (403, Some("insufficient_scope"))
    );
    assert!(reply.header("www-authenticate")[0].contains(", scope=\"write\", resource_metadata="));

    let user = User::new(1, NoClaims::default()).with_scopes(["read", "write"]);
    let tokens = issuer.login(&user).await.unwrap();
    assert_eq!(call(&app, "/", tokens.access()).await.status, 200);
}

#[tokio::test]
async fn resources_of_one_application_are_separate() {
    let mut app = Router::new();
    for name in ["a", "b"] {
        let identifier = format!("https://api.example/{name}");
        let resource = ProtectedResource::builder(&*identifier).build().unwrap();
        let issuer = Issuer::builder(SigningKey::generate(Algorithm::ES256).unwrap());
        let issuer = issuer.audience(&*identifier).build().unwrap();
        let layer = issuer.layer().with_protected_resource(&resource).unwrap();
        let route = Router::new().route(&format!("/{name}"), get(|| async {})).route_layer(layer);
        app = app.merge(route).merge(resource.into_router());
    }
    for name in ["a", "b"] {
        let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
        let reply = send(&app, get(&format!("/{name}"))).await;
        let challenge = reply.header("www-authenticate")[0].to_owned();
        let url = challenge.split("resource_metadata=\"").nth(1).unwrap().trim_end_matches('"');
        let path = url.strip_prefix("https://api.example").unwrap();
        let document: Value = send(&app, get(path)).await.json();
        assert_eq!(document["resource"], format!("https://api.example/{name}"));
    }
}

#[test]
fn a_resource_requires_an_audience() {
    let key = SigningKey::generate(Algorithm::ES256).unwrap();
    let with = |verifier: Verifier| {
        JwtAuthLayer::new(verifier).with_protected_resource(&builder().build().unwrap())
    };
    let without_audience = || Verifier::builder(key.clone()).issuer("https://a").build().unwrap();
    let with_audience =
        |issuer| Verifier::builder(key.clone()).issuer(issuer).audience(RESOURCE).build().unwrap();
    let kind = |layer: Result<JwtAuthLayer, _>| {
        layer.map(drop).map_err(|error: tower_jwt_auth::ConfigError| error.kind())
    };
    let missing = Err(ConfigErrorKind::Ineffective);
    assert_eq!(kind(with(without_audience())), missing);
    assert_eq!(kind(with(with_audience("https://a"))), Ok(()));
    let mixed = Verifier::by_issuer([without_audience(), with_audience("https://b")]).unwrap();
    assert_eq!(kind(with(mixed)), missing);
    let mixed = Verifier::any_of([without_audience(), with_audience("https://b")]).unwrap();
    assert_eq!(kind(with(mixed)), missing);
    let all = Verifier::by_issuer([with_audience("https://a"), with_audience("https://b")]);
    assert_eq!(kind(with(all.unwrap())), Ok(()));
}

/// Clients get tokens for the identifier, which the layer would reject.
#[test]
fn the_audience_is_the_identifier_unless_another_is_set() {
    let key = SigningKey::generate(Algorithm::ES256).unwrap();
    let verifier = |issuer: &str, audiences: &[&str]| -> Verifier {
        let builder = Verifier::builder(key.clone()).issuer(issuer);
        builder.audiences(audiences.iter().copied()).build().unwrap()
    };
    let kind = |verifier: Verifier, builder: ProtectedResourceBuilder| {
        let layer = JwtAuthLayer::new(verifier);
        layer.with_protected_resource(&builder.build().unwrap()).err().map(|error| error.kind())
    };
    let conflict = Some(ConfigErrorKind::Conflict);
    let slash = format!("{RESOURCE}/");
    assert_eq!(kind(verifier("https://a", &["api"]), builder()), conflict);
    assert_eq!(kind(verifier("https://a", &[&slash]), builder()), conflict);
    assert_eq!(kind(verifier("https://a", &["api", RESOURCE]), builder()), None);
    assert_eq!(kind(verifier("https://a", &["api"]), builder().audience("api")), None);
    assert_eq!(kind(verifier("https://a", &[RESOURCE]), builder().audience("api")), conflict);
    let both = || [verifier("https://a", &[RESOURCE]), verifier("https://b", &["api"])];
    assert_eq!(kind(Verifier::by_issuer(both()).unwrap(), builder()), conflict);
    assert_eq!(kind(Verifier::any_of(both()).unwrap(), builder()), conflict);
}

#[test]
fn contradictory_settings_are_errors() {
    use ConfigErrorKind::{Conflict, Ineffective, OutOfRange};

    let resource = ProtectedResource::builder;
    for (builder, kind) in [
        (resource("api"), OutOfRange),
        (resource("http://api.example"), OutOfRange),
        (resource("https://user@api.example"), OutOfRange),
        (resource("https://api.example/?a=b"), OutOfRange),
        (resource("https://api.example/#a"), OutOfRange),
        (resource("https://api.example/%41"), OutOfRange),
        (resource("https://api.example/{id}"), OutOfRange),
        (resource("https://api.example/../a"), OutOfRange),
        (resource("https://api.example/a/."), OutOfRange),
        (resource("https://api.example/./a"), OutOfRange),
        (resource("https://api.example/a/.."), OutOfRange),
        (builder().authorization_server("login.example"), OutOfRange),
        (builder().authorization_server("https://login.example"), Conflict),
        (builder().scopes_supported([""; 0]), OutOfRange),
        (builder().scopes_supported(["two words"]), OutOfRange),
        (builder().member("resource", "https://other.example"), Conflict),
        (builder().member("signed_metadata", "e30.e30.e30"), Conflict),
        (builder().member("jwks_uri", Value::Null), Ineffective),
        (builder().member("dpop_signing_alg_values_supported", json!([])), Ineffective),
        (builder().max_age(Duration::ZERO), OutOfRange),
        (builder().max_age(Duration::from_secs(86_401)), OutOfRange),
    ] {
        let debug = format!("{builder:?}");
        assert_eq!(builder.build().unwrap_err().kind(), kind, "{debug}");
    }
    for scope in ["", "two words", "quo\"te", "back\\slash", "\u{e9}"] {
        let error = issuer().layer().with_required_scope(scope).unwrap_err();
        assert_eq!(error.kind(), OutOfRange);
    }
}
