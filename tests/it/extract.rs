//! Claims as arguments of axum handlers, guards, and errors as answers.

use std::any::type_name;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Extension,
    routing::get,
};
use http::{Request, Response, StatusCode, header::WWW_AUTHENTICATE};
use tower::ServiceExt;
use tower_jwt_auth::{
    AuthError, AuthErrorKind, Claims, guard::RequireLayer, middleware::InvalidToken,
    rejection::EmptyRejection, token::NoClaims,
};

use crate::support::{
    app::{Profile, bearer, layer, layer_of, request, token, valid_token},
    log::Log,
};

const ANONYMOUS: &str = r#"Bearer realm="api""#;
const NEEDS_WRITE: &str = r#"Bearer realm="api", error="insufficient_scope", error_description="the token lacks a required scope", scope="write""#;

/// Status, challenge and body of the answer to GET `/`.
async fn answer(app: Router, request: Request<String>) -> (StatusCode, Option<String>, String) {
    let response: Response<Body> = app.oneshot(request).await.unwrap();
    let challenges: Vec<_> = response.headers().get_all(WWW_AUTHENTICATE).iter().collect();
    assert!(challenges.len() <= 1, "{challenges:?}");
    let challenge = challenges.first().map(|value| value.to_str().unwrap().to_owned());
    let status = response.status();
    let has_error = response.extensions().get::<AuthError>().is_some();
    assert_eq!(has_error, !status.is_success(), "{status}");
    let body = to_bytes(response.into_body(), 4096).await.unwrap();
    (status, challenge, String::from_utf8(body.to_vec()).unwrap())
}

fn with_scope() -> Request<String> {
    bearer(&token(&[("scope", r#""read write""#)]))
}

fn without_scope() -> Request<String> {
    bearer(&token(&[("scope", r#""read write:all rewrite""#)]))
}

#[tokio::test]
async fn handlers_take_claims() {
    let app = Router::new()
        .route("/", get(async |claims: Claims<Profile>| claims.username.clone()))
        .layer(layer_of::<Profile>());
    let ada = bearer(&token(&[("username", r#""ada""#)]));
    assert_eq!(answer(app.clone(), ada).await, (StatusCode::OK, None, "ada".to_owned()));
    let (status, challenge, _) = answer(app.clone(), request()).await;
    assert_eq!((status, challenge.as_deref()), (StatusCode::UNAUTHORIZED, Some(ANONYMOUS)));
    // No `Profile`: refused by the layer.
    let (status, ..) = answer(app, bearer(&valid_token())).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn extensions_hold_claims_too() {
    let app = Router::new()
        .route("/", get(async |Extension(claims): Extension<Claims>| claims.user_id().to_string()))
        .layer(layer());
    assert_eq!(answer(app, bearer(&valid_token())).await.2, "42");
}

#[tokio::test]
async fn optional_claims_are_none_for_anonymous_requests() {
    let app = |invalid_token| {
        let handler = async |claims: Option<Claims>| match claims {
            Some(claims) => claims.user_id().to_string(),
            None => "nobody".to_owned(),
        };
        Router::new().route("/", get(handler)).layer(layer().with_optional(invalid_token))
    };
    for invalid_token in [InvalidToken::Reject, InvalidToken::Ignore] {
        let good = answer(app(invalid_token), bearer(&valid_token())).await;
        assert_eq!(good, (StatusCode::OK, None, "42".to_owned()));
        let none = answer(app(invalid_token), request()).await;
        assert_eq!(none, (StatusCode::OK, None, "nobody".to_owned()));
    }
    let rejected = answer(app(InvalidToken::Reject), bearer("x")).await;
    assert_eq!(rejected.0, StatusCode::UNAUTHORIZED);
    assert_eq!(answer(app(InvalidToken::Ignore), bearer("x")).await.2, "nobody");
}

#[tokio::test]
async fn claims_that_are_needed_are_demanded_of_anonymous_requests() {
    let handler = Router::new().route("/", get(async |_: Claims| "entered"));
    let guard = Router::new()
        .route("/", get(async || "entered"))
        .layer(RequireLayer::new(|_: &Claims| true));
    for app in [handler, guard] {
        for invalid_token in [InvalidToken::Reject, InvalidToken::Ignore] {
            let app = app.clone().layer(layer().with_optional(invalid_token));
            let (status, challenge, body) = answer(app.clone(), request()).await;
            assert_eq!((status, challenge.as_deref()), (StatusCode::UNAUTHORIZED, Some(ANONYMOUS)));
            assert!(body.contains("not_authenticated"), "{body}");
            assert_eq!(answer(app, bearer(&valid_token())).await.2, "entered");
        }
    }
}

#[tokio::test]
async fn names_a_missing_layer_in_the_log_and_not_in_the_response() {
    let (log, _guard) = Log::collect();
    let apps = || {
        [
            Router::new().route("/", get(async |_: Claims<Profile>| "entered")),
            Router::new().route("/", get(async |_: Option<Claims<Profile>>| "entered")),
            Router::new()
                .route("/", get(async || "entered"))
                .layer(RequireLayer::new(|_: &Claims<Profile>| true)),
            Router::new()
                .route("/", get(async || "entered"))
                .layer(RequireLayer::<Profile>::scope("read")),
        ]
    };
    // A layer for other claims is not the one that is missing.
    let behind_another = apps().map(|app| app.layer(layer().with_optional(InvalidToken::Reject)));
    for app in apps().into_iter().chain(behind_another) {
        for request in [request(), bearer(&valid_token())] {
            let (status, challenge, body) = answer(app.clone(), request).await;
            assert_eq!((status, challenge), (StatusCode::INTERNAL_SERVER_ERROR, None));
            assert_eq!(body, r#"{"detail":"The server is misconfigured.","code":"misconfigured"}"#);
            let lines = log.take();
            let line = lines.last().unwrap();
            assert!(line.starts_with("ERROR event the application is misconfigured"), "{line}");
            let cause = format!("{} requires a JwtAuthLayer", type_name::<Claims<Profile>>());
            assert!(line.contains(&cause), "{line}");
        }
    }
}

#[tokio::test]
async fn handlers_return_errors() {
    let app = Router::new()
        .route("/", get(async |claims: Claims| claims.require_scope("write").map(|()| "written")))
        .route(
            "/admin",
            get(async |claims: Claims| {
                claims.require(|claims| claims.user_id() == "1").map(|()| "welcome")
            }),
        )
        .layer(layer());
    assert_eq!(answer(app.clone(), with_scope()).await.2, "written");
    let (status, challenge, body) = answer(app.clone(), without_scope()).await;
    assert_eq!((status, challenge.as_deref()), (StatusCode::FORBIDDEN, Some(NEEDS_WRITE)));
    assert!(body.contains("insufficient_scope"), "{body}");

    let admin = |token: &str| {
        let mut request = bearer(token);
        *request.uri_mut() = "/admin".parse().unwrap();
        request
    };
    let first = token(&[("user_id", r#""1""#)]);
    assert_eq!(answer(app.clone(), admin(&first)).await.2, "welcome");
    let (status, challenge, body) = answer(app, admin(&valid_token())).await;
    assert_eq!((status, challenge), (StatusCode::FORBIDDEN, None));
    assert!(body.contains("permission_denied"), "{body}");
}

#[tokio::test]
async fn every_error_is_an_answer() {
    for kind in [
        AuthErrorKind::MissingCredentials,
        AuthErrorKind::InvalidRequest,
        AuthErrorKind::InvalidCredentials,
        AuthErrorKind::Overloaded,
    ] {
        let app = Router::new().route("/", get(move || async move { AuthError::from(kind) }));
        let (status, challenge, body) = answer(app, request()).await;
        assert_eq!(status, kind.status());
        assert_eq!(challenge.is_some(), status.as_u16() < 500, "{kind:?}");
        assert!(body.contains(kind.code()), "{body}");
    }
}

#[tokio::test]
async fn guards_demand_more_than_a_token() {
    let guarded = |guard: RequireLayer| {
        Router::new().route("/", get(async || "entered")).route_layer(guard).route_layer(layer())
    };
    let scope = || guarded(RequireLayer::scope("write"));
    assert_eq!(answer(scope(), with_scope()).await.2, "entered");
    let (status, challenge, body) = answer(scope(), without_scope()).await;
    assert_eq!((status, challenge.as_deref()), (StatusCode::FORBIDDEN, Some(NEEDS_WRITE)));
    assert!(body.contains("insufficient_scope"), "{body}");
    assert_eq!(answer(scope(), request()).await.0, StatusCode::UNAUTHORIZED);

    let user = || guarded(RequireLayer::new(|claims: &Claims| claims.user_id() == "1"));
    let (status, challenge, body) = answer(user(), bearer(&valid_token())).await;
    assert_eq!((status, challenge), (StatusCode::FORBIDDEN, None));
    assert!(body.contains("permission_denied"), "{body}");
    assert_eq!(answer(user(), bearer(&token(&[("user_id", "1")]))).await.2, "entered");
}

#[tokio::test]
async fn a_guard_stands_before_its_routes_only() {
    let app = Router::new().route("/", get(async || "open")).merge(
        Router::new()
            .route("/write", get(async || "written"))
            .route_layer(RequireLayer::<NoClaims>::scope("write"))
            .route_layer(layer()),
    );
    assert_eq!(answer(app.clone(), request()).await.2, "open");
    let mut write = request();
    *write.uri_mut() = "/write".parse().unwrap();
    assert_eq!(answer(app, write).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_guard_has_its_own_rejection() {
    let guard = RequireLayer::<NoClaims>::scope("write").with_rejection(EmptyRejection);
    let empty = Router::new().route("/", get(async || "entered")).layer(guard).layer(layer());
    let (status, challenge, body) = answer(empty, without_scope()).await;
    assert_eq!((status, challenge.as_deref()), (StatusCode::FORBIDDEN, Some(NEEDS_WRITE)));
    assert_eq!(body, "");

    let own = RequireLayer::<NoClaims>::scope("write").with_rejection(|error: &AuthError| {
        let mut response = Response::new(Body::from(error.required_scope().unwrap().to_owned()));
        *response.status_mut() = error.kind().status();
        response
    });
    let own = Router::new().route("/", get(async || "entered")).layer(own).layer(layer());
    let (status, challenge, body) = answer(own, without_scope()).await;
    assert_eq!((status, challenge.as_deref()), (StatusCode::FORBIDDEN, Some(NEEDS_WRITE)));
    assert_eq!(body, "write");
}
