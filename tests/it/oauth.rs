//! Introspection and revocation, from the view of another service.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    extract::Request as Incoming,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{
    HeaderValue, Method, Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE},
};
use serde_json::{Value, json};
use tokio::time::Instant;
use tower::layer::util::Identity;
use tower_jwt_auth::{
    ConfigErrorKind, Issuer,
    issue::Tokens,
    routes::OAuthRoutes,
    token::{ClaimNames, NoClaims, TokenType, UserId},
};

use crate::support::{
    flaky::StoreFailure,
    login::{self, HOUR, MINUTE, NOW, Profile, Setup, ada, mint, refresh_of},
    reply::{Reply, send},
    slow_body::slow_body,
};

const FORM: &str = "application/x-www-form-urlencoded";
const PATHS: [&str; 2] = ["/oauth/introspect", "/oauth/revoke"];

async fn authenticate_client(request: Incoming, next: Next) -> Response {
    match request.headers().get(AUTHORIZATION) {
        Some(credentials) if credentials == "Basic Y2xpZW50" => next.run(request).await,
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

fn app(issuer: &Issuer<Profile>) -> Router {
    let routes = OAuthRoutes::builder(issuer.clone(), middleware::from_fn(authenticate_client));
    routes.at("/oauth").build().unwrap().into_router()
}

fn request(path: &str, content_type: &str, body: impl Into<Body>) -> Request<Body> {
    let request = Request::post(path).header(AUTHORIZATION, "Basic Y2xpZW50");
    request.header(CONTENT_TYPE, content_type).body(body.into()).unwrap()
}

async fn post(app: &Router, path: &str, body: impl Into<Body>) -> Reply {
    let reply = send(app, request(path, FORM, body)).await;
    assert_eq!(reply.header("cache-control"), ["no-store"], "{reply:?}");
    reply
}

async fn introspect(app: &Router, token: &str) -> Value {
    let reply = post(app, PATHS[0], format!("token={token}")).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(reply.header("content-type"), ["application/json"]);
    reply.json()
}

async fn is_active(app: &Router, token: &str) -> bool {
    let response = introspect(app, token).await;
    let active = response["active"].as_bool().unwrap();
    assert!(active || response == json!({"active": false}), "{response}");
    active
}

async fn revoke(app: &Router, token: &str) {
    let reply = post(app, PATHS[1], format!("token={token}")).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (200, ""), "{reply:?}");
}

async fn log_in(issuer: &Issuer<Profile>) -> Tokens {
    issuer.login(&ada()).await.unwrap()
}

#[tokio::test]
async fn a_valid_token_is_described() {
    let setup = Setup::new();
    let issuer = setup.builder().issuer("https://login.example").audience("api").build().unwrap();
    let user = ada().with_scopes(["read", "write"]);
    let tokens = issuer.login(&user).await.unwrap();
    let claims = issuer.verifier().verify(tokens.access()).unwrap();
    let mut expected = json!({
        "active": true,
        "token_type": "Bearer",
        "scope": "read write",
        "username": "ada",
        "exp": NOW + 300,
        "iat": NOW,
        "sub": "1",
        "aud": "api",
        "iss": "https://login.example",
        "jti": claims.jti(),
        "sid": claims.session_id(),
    });
    assert_eq!(introspect(&app(&issuer), tokens.access()).await, expected);

    let routes = OAuthRoutes::builder(issuer.clone(), middleware::from_fn(authenticate_client));
    let routes = routes.at("/oauth/").claim("sid").claim("unknown").claim("exp");
    expected["sid"] = tokens.session_id().into();
    let app = routes.build().unwrap().into_router();
    assert_eq!(introspect(&app, tokens.access()).await, expected);
}

#[tokio::test]
async fn claims_cannot_replace_active_and_jti() {
    #[derive(serde::Serialize, serde::Deserialize)]
    struct Forging {
        active: bool,
    }
    let setup = Setup::new();
    let issuer = Issuer::builder(login::key())
        .claims::<Forging>()
        .clock(&setup.clock)
        .store(setup.store.clone())
        .claim_names(ClaimNames::default().with_jti("id"))
        .build()
        .unwrap();
    let user = tower_jwt_auth::user::User::new(7, Forging { active: false });
    let tokens = issuer.login(&user).await.unwrap();
    let routes = OAuthRoutes::builder(issuer.clone(), middleware::from_fn(authenticate_client));
    let app = routes.at("/oauth").build().unwrap().into_router();
    let response = introspect(&app, tokens.access()).await;
    assert_eq!((&response["active"], &response["sub"]), (&json!(true), &json!("7")));
    assert_eq!(response["jti"].as_str(), issuer.verify(tokens.access()).await.unwrap().jti());
}

#[tokio::test]
async fn invalid_tokens_are_inactive_without_a_reason() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let app = app(&issuer);
    let tokens = log_in(&issuer).await;
    assert!(is_active(&app, tokens.access()).await);

    let forged = mint(
        "another secret that has enough bytes",
        login::HEADER,
        &login::part(tokens.access(), 1),
    );
    let email = TokenType::from("email_verification");
    let custom = issuer.issue(&email, HOUR, &UserId::from(1), &NoClaims::default()).unwrap();
    for token in ["x", "a.b.c", "%00%ff", &forged, &custom, refresh_of(&tokens), &"x".repeat(9000)]
    {
        assert!(!is_active(&app, token).await, "{token}");
    }
    // Introspection spends nothing.
    assert!(issuer.refresh(refresh_of(&tokens), &setup.users).await.is_ok());
    setup.clock.advance(5 * MINUTE);
    assert!(!is_active(&app, tokens.access()).await);
}

#[tokio::test]
async fn revoked_tokens_are_inactive() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let app = app(&issuer);
    let (one, other) = (log_in(&issuer).await, log_in(&issuer).await);
    issuer.revoke_session(&UserId::from(1), one.session_id()).await.unwrap();
    assert!(!is_active(&app, one.access()).await);
    assert!(is_active(&app, other.access()).await);
}

#[tokio::test]
async fn revoking_a_refresh_token_ends_its_session() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let app = app(&issuer);
    for spent in [false, true] {
        let tokens = log_in(&issuer).await;
        let other = log_in(&issuer).await;
        let mut last = tokens.clone();
        if spent {
            last = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
        }
        setup.events.take();
        for _ in 0..2 {
            revoke(&app, refresh_of(&tokens)).await;
        }
        let ended = format!("SessionRevoked 1 {}", tokens.session_id());
        assert_eq!(setup.events.take(), [&*ended, &*ended]);
        assert!(!is_active(&app, tokens.access()).await);
        assert!(!is_active(&app, last.access()).await);
        assert!(issuer.refresh(refresh_of(&last), &setup.users).await.is_err());
        assert!(is_active(&app, other.access()).await);
    }
}

#[tokio::test]
async fn revoking_an_access_token_does_not_end_its_session() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let app = app(&issuer);
    let tokens = log_in(&issuer).await;
    for _ in 0..2 {
        revoke(&app, tokens.access()).await;
    }
    assert!(!is_active(&app, tokens.access()).await);
    let next = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    assert!(is_active(&app, next.access()).await);
}

#[tokio::test]
async fn revoking_an_invalid_token_does_nothing() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let app = app(&issuer);
    let tokens = log_in(&issuer).await;
    let forged = mint(
        "another secret that has enough bytes",
        login::HEADER,
        &login::part(tokens.access(), 1),
    );
    setup.events.take();
    for token in ["x", "a.b.c", &forged, &"x".repeat(9000)] {
        revoke(&app, token).await;
    }
    setup.clock.advance(5 * MINUTE);
    revoke(&app, tokens.access()).await;
    assert_eq!(setup.events.take(), Vec::<String>::new());
}

/// RFC 7009 section 2.2.1: a `200` would be taken for the end of tokens that remain valid.
#[tokio::test]
async fn revoking_other_valid_tokens_is_unsupported() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let app = app(&issuer);
    let email = TokenType::from("email_verification");
    let custom = issuer.issue(&email, HOUR, &UserId::from(1), &NoClaims::default()).unwrap();
    let long = json!({ "padding": "x".repeat(9000) });
    let long = issuer.issue(&email, HOUR, &UserId::from(1), &long).unwrap();
    let token = |members: &str| {
        let exp = NOW + 60;
        mint(login::SECRET, login::HEADER, &format!(r#"{{"exp":{exp},"user_id":"1"{members}}}"#))
    };
    let later = NOW + 3600;
    setup.events.take();
    for (what, token) in [
        ("custom", &custom),
        ("long", &long),
        ("sliding", &token(r#","token_type":"sliding","jti":"1""#)),
        ("no type", &token(r#","jti":"1""#)),
        ("no id", &token(r#","token_type":"access""#)),
        (
            "no user",
            &mint(login::SECRET, login::HEADER, &format!(r#"{{"exp":{later},"jti":"1"}}"#)),
        ),
        ("later", &token(&format!(r#","token_type":"access","jti":"1","nbf":{}"#, NOW + 3600))),
    ] {
        let reply = post(&app, PATHS[1], format!("token={token}")).await;
        assert_eq!(reply.status, 400, "{what}");
        assert_eq!(reply.json()["error"], "unsupported_token_type", "{what}");
        assert!(reply.json()["error_description"].is_string(), "{what}");
    }
    assert_eq!(setup.events.take(), Vec::<String>::new());
    let verifier = issuer.verifier_builder().token_type(email).build().unwrap();
    assert!(verifier.verify(&custom).is_ok());
    // An expired token of any type is not accepted any more.
    setup.clock.advance(HOUR);
    revoke(&app, &custom).await;
}

/// An issuer with RFC 9068 access tokens rejects older access tokens, but a verifier of the
/// application may accept them.
#[tokio::test]
async fn access_tokens_of_an_older_form_are_revoked() {
    let setup = Setup::new();
    let builder = || setup.builder().issuer("https://login.example").audience("api");
    let older = builder().build().unwrap();
    let tokens = log_in(&older).await;
    let issuer = builder().rfc9068_access_tokens("web").build().unwrap();
    revoke(&app(&issuer), tokens.access()).await;
    assert!(older.verify(tokens.access()).await.is_err());
    assert!(older.verify(refresh_of(&tokens)).await.is_ok());
}

/// One byte an hour would hold a connection for years.
#[tokio::test(start_paused = true)]
async fn a_slow_body_is_rejected_at_the_deadline() {
    let issuer = Setup::new().issuer();
    for (timeout, app) in [
        (Duration::from_secs(10), app(&issuer)),
        (Duration::from_secs(3), {
            let routes = OAuthRoutes::builder(issuer.clone(), Identity::new()).at("/oauth");
            routes.body_timeout(Duration::from_secs(3)).build().unwrap().into_router()
        }),
    ] {
        for path in PATHS {
            let start = Instant::now();
            let reply = post(&app, path, slow_body(Duration::from_secs(1))).await;
            assert_eq!(reply.status, 408);
            assert_eq!(reply.json()["error"], "invalid_request");
            assert_eq!(start.elapsed(), timeout, "{path}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn both_routes_are_503_while_the_store_is_unavailable() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let app = app(&issuer);
    let tokens = log_in(&issuer).await;
    for failure in [StoreFailure::Errors, StoreFailure::Hangs] {
        setup.store.set_failure(failure);
        for (path, token) in [
            (PATHS[0], tokens.access()),
            (PATHS[0], refresh_of(&tokens)),
            (PATHS[1], tokens.access()),
            (PATHS[1], refresh_of(&tokens)),
        ] {
            let reply = post(&app, path, format!("token={token}")).await;
            assert_eq!(reply.status, 503, "{path}");
            assert_eq!(reply.header("retry-after"), ["1"]);
            assert_eq!(reply.json()["error"], "temporarily_unavailable");
        }
        // An invalid token needs no store.
        assert!(!is_active(&app, "x").await);
        revoke(&app, "x").await;
    }
    setup.store.set_failure(StoreFailure::None);
    assert!(is_active(&app, tokens.access()).await);
}

#[tokio::test]
async fn clients_are_authenticated_before_anything_else() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let app = app(&issuer);
    let tokens = log_in(&issuer).await;
    for path in PATHS {
        for method in [Method::POST, Method::GET, Method::PUT] {
            let request = Request::builder().method(method).uri(path).header(CONTENT_TYPE, FORM);
            let body = Body::from(format!("token={}", tokens.access()));
            assert_eq!(send(&app, request.body(body).unwrap()).await.status, 401, "{path}");
        }
    }
    assert!(is_active(&app, tokens.access()).await);
}

#[tokio::test]
async fn any_layer_can_authenticate_clients() {
    let issuer = Setup::new().issuer();
    let count = Arc::new(AtomicUsize::new(0));
    let counting = Arc::clone(&count);
    let layer = tower::util::MapRequestLayer::new(move |request: Incoming| {
        counting.fetch_add(1, Ordering::SeqCst);
        request
    });
    let app: Router = OAuthRoutes::builder(issuer, layer).build().unwrap().into_router();
    assert_eq!(post(&app, "/introspect", "token=x").await.status, 200);
    assert_eq!(post(&app, "/revoke", "token=x").await.status, 200);
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn malformed_requests_are_rejected() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let app = app(&issuer);
    let tokens = log_in(&issuer).await;
    let token = tokens.access();
    let long = format!("token={token}&padding={}", "x".repeat(16 * 1024));
    for path in PATHS {
        for (content_type, body, status) in [
            (FORM, String::new(), 400),
            (FORM, "token".to_owned(), 400),
            (FORM, "token=".to_owned(), 400),
            (FORM, format!("Token={token}"), 400),
            (FORM, format!("token={token}&token={token}"), 400),
            (FORM, format!("token={token}&token="), 400),
            (FORM, format!("token={token}&tok%65n=x"), 400),
            (FORM, format!("token={token}&a=1&a=2"), 400),
            (FORM, long.clone(), 413),
            ("application/json", json!({ "token": token }).to_string(), 415),
            ("text/plain", format!("token={token}"), 415),
            ("", format!("token={token}"), 415),
            (&format!("{FORM}; charset=utf-16"), format!("token={token}"), 415),
        ] {
            let reply = send(&app, request(path, content_type, body.clone())).await;
            assert_eq!(reply.status, status, "{content_type} {body}");
            assert_eq!(reply.header("cache-control"), ["no-store"]);
            let response = reply.json();
            assert_eq!(response["error"], "invalid_request");
            assert!(response["error_description"].is_string());
        }
        for (name, value, status) in [(CONTENT_ENCODING, "gzip", 415), (CONTENT_TYPE, FORM, 400)] {
            let mut request = request(path, FORM, format!("token={token}"));
            request.headers_mut().append(name, HeaderValue::from_static(value));
            let reply = send(&app, request).await;
            assert_eq!(
                (reply.status.as_u16(), &reply.json()["error"]),
                (status, &json!("invalid_request"))
            );
        }
        let reply = send(&app, request(&format!("{path}?token={token}"), FORM, "")).await;
        assert_eq!(reply.status, 400, "the query is not read");
        let get = Request::get(path).header(AUTHORIZATION, "Basic Y2xpZW50");
        let reply = send(&app, get.body(Body::empty()).unwrap()).await;
        assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, vec!["POST"]));
    }
    for hint in ["access_token", "refresh_token", "unknown", ""] {
        for content_type in [FORM, "Application/X-WWW-Form-URLencoded; charset=UTF-8"] {
            let body = format!("token_type_hint={hint}&token={token}");
            let reply = send(&app, request(PATHS[0], content_type, body)).await;
            assert_eq!(reply.json()["active"], true, "{hint}");
        }
    }
    assert!(is_active(&app, token).await, "the token was revoked");
}

#[test]
fn build_rejects_invalid_settings() {
    let setup = Setup::new();
    for timeout in [Duration::ZERO, Duration::from_secs(301)] {
        let routes = OAuthRoutes::builder(setup.issuer(), Identity::new()).body_timeout(timeout);
        assert_eq!(routes.build().unwrap_err().kind(), ConfigErrorKind::OutOfRange);
    }
    let build = |issuer: Issuer<Profile>, at: &str, claim: &str| {
        let routes = OAuthRoutes::builder(issuer, Identity::new());
        routes.at(at).claim(claim).build().map(drop).map_err(|error| error.kind())
    };
    let without_store = setup.plain_builder().build().unwrap();
    assert_eq!(build(without_store, "", "x"), Err(ConfigErrorKind::Ineffective));
    for (at, claim, expected) in [
        ("", "x", Ok(())),
        ("/", "x", Ok(())),
        ("oauth", "x", Err(ConfigErrorKind::OutOfRange)),
        ("/{oauth}", "x", Err(ConfigErrorKind::OutOfRange)),
        ("/oauth", "", Err(ConfigErrorKind::Conflict)),
        ("/oauth", "active", Err(ConfigErrorKind::Conflict)),
    ] {
        assert_eq!(build(setup.issuer(), at, claim), expected, "{at} {claim}");
    }
}
