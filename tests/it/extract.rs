//! Extractors of claims, guards, and errors as responses.

use std::any::type_name;

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::Extension,
    middleware::{Next, from_fn},
    routing::get,
};
use http::{
    HeaderName, Request, Response, StatusCode,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};
use tower::ServiceExt;
use tower_jwt_auth::{
    AuthError, AuthErrorKind, Claims, RegisteredClaims, guard::RequireLayer,
    middleware::InvalidToken, rejection::EmptyRejection, transport::TokenSource,
};

use crate::support::{
    app::{Profile, bearer, layer, layer_of, request, token, valid_token},
    log::Log,
};

const OTHER: HeaderName = HeaderName::from_static("x-access-token");
const ANONYMOUS: &str = r#"Bearer realm="api""#;
const NEEDS_WRITE: &str = r#"Bearer realm="api", error="insufficient_scope", error_description="the token lacks a required scope", scope="write""#;

/// The status, challenge and body of the response to `request`.
async fn send(app: Router, request: Request<String>) -> (StatusCode, Option<String>, String) {
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
async fn extracts_claims() {
    let app = Router::new()
        .route("/", get(async |claims: Claims<Profile>| claims.username.clone()))
        .layer(layer_of::<Profile>());
    let ada = bearer(&token(&[("username", r#""ada""#)]));
    assert_eq!(send(app.clone(), ada).await, (StatusCode::OK, None, "ada".to_owned()));
    let (status, challenge, _) = send(app.clone(), request()).await;
    assert_eq!((status, challenge.as_deref()), (StatusCode::UNAUTHORIZED, Some(ANONYMOUS)));
    // The layer rejects a token without the claims of `Profile`.
    let (status, ..) = send(app, bearer(&valid_token())).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn extensions_contain_claims() {
    let app = Router::new()
        .route("/", get(async |Extension(claims): Extension<Claims>| claims.user_id().to_string()))
        .layer(layer());
    assert_eq!(send(app, bearer(&valid_token())).await.2, "42");
}

#[tokio::test]
async fn optional_claims_are_none_without_a_token() {
    let app = |invalid_token| {
        let handler = async |claims: Option<Claims>| match claims {
            Some(claims) => claims.user_id().to_string(),
            None => "nobody".to_owned(),
        };
        Router::new().route("/", get(handler)).layer(layer().with_optional(invalid_token))
    };
    for invalid_token in [InvalidToken::Reject, InvalidToken::Ignore] {
        let valid = send(app(invalid_token), bearer(&valid_token())).await;
        assert_eq!(valid, (StatusCode::OK, None, "42".to_owned()));
        let none = send(app(invalid_token), request()).await;
        assert_eq!(none, (StatusCode::OK, None, "nobody".to_owned()));
    }
    let rejected = send(app(InvalidToken::Reject), bearer("x")).await;
    assert_eq!(rejected.0, StatusCode::UNAUTHORIZED);
    assert_eq!(send(app(InvalidToken::Ignore), bearer("x")).await.2, "nobody");
}

#[tokio::test]
async fn required_claims_behind_an_optional_layer_need_a_token() {
    let handler = Router::new().route("/", get(async |_: Claims| "called"));
    let guard = Router::new()
        .route("/", get(async || "called"))
        .layer(RequireLayer::new(|_: &Claims| true));
    for app in [handler, guard] {
        for invalid_token in [InvalidToken::Reject, InvalidToken::Ignore] {
            let app = app.clone().layer(layer().with_optional(invalid_token));
            let (status, challenge, body) = send(app.clone(), request()).await;
            assert_eq!((status, challenge.as_deref()), (StatusCode::UNAUTHORIZED, Some(ANONYMOUS)));
            assert!(body.contains("not_authenticated"), "{body}");
            assert_eq!(send(app, bearer(&valid_token())).await.2, "called");
        }
    }
}

#[tokio::test]
async fn names_a_missing_layer_in_the_log_and_not_in_the_response() {
    let (log, _guard) = Log::collect();
    let apps = || {
        [
            Router::new().route("/", get(async |_: Claims<Profile>| "called")),
            Router::new().route("/", get(async |_: Option<Claims<Profile>>| "called")),
            Router::new()
                .route("/", get(async || "called"))
                .layer(RequireLayer::new(|_: &Claims<Profile>| true)),
        ]
    };
    // A layer with other claims does not help.
    let behind_another = apps().map(|app| app.layer(layer().with_optional(InvalidToken::Reject)));
    for app in apps().into_iter().chain(behind_another) {
        for request in [request(), bearer(&valid_token())] {
            let (status, challenge, body) = send(app.clone(), request).await;
            assert_eq!((status, challenge), (StatusCode::INTERNAL_SERVER_ERROR, None));
            assert_eq!(body, r#"{"detail":"The server is misconfigured.","code":"misconfigured"}"#);
            let lines = log.take();
            let line = lines.last().unwrap();
            assert!(
                line.starts_with("ERROR event request rejected: the application is misconfigured"),
                "{line}"
            );
            let cause = format!("{} requires a JwtAuthLayer", type_name::<Claims<Profile>>());
            assert!(line.contains(&cause), "{line}");
        }
    }
}

/// Middleware that does not know the type of the claims.
async fn add_user(
    claims: Option<RegisteredClaims>,
    request: axum::extract::Request,
    next: Next,
) -> Response<Body> {
    let mut response = next.run(request).await;
    let user = claims.map_or("nobody".to_owned(), |claims| claims.user_id().to_string());
    response.headers_mut().insert("x-user", user.parse().unwrap());
    response
}

#[tokio::test]
async fn registered_claims_are_readable_whatever_their_type() {
    let app = || Router::new().route("/", get(async || "called")).layer(from_fn(add_user));
    let user = async |app: Router, request| {
        let response: Response<Body> = app.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK);
        response.headers()["x-user"].to_str().unwrap().to_owned()
    };
    let ada = || bearer(&token(&[("username", r#""ada""#)]));
    assert_eq!(user(app().layer(layer()), ada()).await, "42");
    assert_eq!(user(app().layer(layer_of::<Profile>()), ada()).await, "42");

    // The innermost layer decides, also if it passes the request on without claims.
    let outer_token = || {
        let mut request = ada();
        let other = token(&[("user_id", r#""7""#)]);
        request.headers_mut().insert(OTHER, other.parse().unwrap());
        request
    };
    let at_other = || layer().with_source(TokenSource::header(OTHER));
    let inner = || app().layer(layer_of::<Profile>().with_optional(InvalidToken::Reject));
    assert_eq!(user(inner().layer(at_other()), outer_token()).await, "42");
    let mut anonymous = outer_token();
    anonymous.headers_mut().remove(AUTHORIZATION);
    assert_eq!(user(inner().layer(at_other()), anonymous).await, "nobody");
}

#[tokio::test]
async fn registered_claims_require_a_layer_and_a_token() {
    let app = || Router::new().route("/", get(async |_: RegisteredClaims| "called"));
    let (status, challenge, _) = send(app(), request()).await;
    assert_eq!((status, challenge), (StatusCode::INTERNAL_SERVER_ERROR, None));
    let optional = app().layer(layer_of::<Profile>().with_optional(InvalidToken::Reject));
    let (status, challenge, _) = send(optional, request()).await;
    assert_eq!((status, challenge.as_deref()), (StatusCode::UNAUTHORIZED, Some(ANONYMOUS)));

    let optional = Router::new().route("/", get(async |_: Option<RegisteredClaims>| "called"));
    assert_eq!(send(optional, request()).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    let scope =
        Router::new().route("/", get(async || "called")).layer(RequireLayer::scope("write"));
    assert_eq!(send(scope.clone(), request()).await.0, StatusCode::INTERNAL_SERVER_ERROR);
    let scope = scope.layer(layer_of::<Profile>());
    let ada = [("username", r#""ada""#), ("scope", r#""write""#)];
    assert_eq!(send(scope, bearer(&token(&ada))).await.2, "called");
}

#[tokio::test]
async fn errors_of_handlers_are_responses() {
    let app = Router::new()
        .route("/", get(async |claims: Claims| claims.require_scope("write").map(|()| "written")))
        .route(
            "/admin",
            get(async |claims: Claims| {
                claims.require(|claims| claims.user_id() == "1").map(|()| "welcome")
            }),
        )
        .layer(layer());
    assert_eq!(send(app.clone(), with_scope()).await.2, "written");
    let (status, challenge, body) = send(app.clone(), without_scope()).await;
    assert_eq!((status, challenge.as_deref()), (StatusCode::FORBIDDEN, Some(NEEDS_WRITE)));
    assert!(body.contains("insufficient_scope"), "{body}");

    let admin = |token: &str| {
        let mut request = bearer(token);
        *request.uri_mut() = "/admin".parse().unwrap();
        request
    };
    let first = token(&[("user_id", r#""1""#)]);
    assert_eq!(send(app.clone(), admin(&first)).await.2, "welcome");
    let (status, challenge, body) = send(app, admin(&valid_token())).await;
    assert_eq!((status, challenge), (StatusCode::FORBIDDEN, None));
    assert!(body.contains("permission_denied"), "{body}");
}

#[tokio::test]
async fn every_error_is_a_response() {
    for kind in [
        AuthErrorKind::MissingCredentials,
        AuthErrorKind::InvalidRequest,
        AuthErrorKind::InvalidCredentials,
        AuthErrorKind::Overloaded,
    ] {
        let app = Router::new().route("/", get(move || async move { AuthError::from(kind) }));
        let (status, challenge, body) = send(app, request()).await;
        assert_eq!(status, kind.status());
        assert_eq!(challenge.is_some(), status.as_u16() < 500, "{kind:?}");
        assert!(body.contains(kind.code()), "{body}");
    }
}

#[tokio::test]
async fn guards_reject_claims_that_do_not_suffice() {
    let guarded = |guard: RequireLayer| {
        Router::new().route("/", get(async || "called")).route_layer(guard).route_layer(layer())
    };
    let scope = || guarded(RequireLayer::scope("write"));
    assert_eq!(send(scope(), with_scope()).await.2, "called");
    let (status, challenge, body) = send(scope(), without_scope()).await;
    assert_eq!((status, challenge.as_deref()), (StatusCode::FORBIDDEN, Some(NEEDS_WRITE)));
    assert!(body.contains("insufficient_scope"), "{body}");
    assert_eq!(send(scope(), request()).await.0, StatusCode::UNAUTHORIZED);

    let user = || guarded(RequireLayer::new(|claims: &Claims| claims.user_id() == "1"));
    let (status, challenge, body) = send(user(), bearer(&valid_token())).await;
    assert_eq!((status, challenge), (StatusCode::FORBIDDEN, None));
    assert!(body.contains("permission_denied"), "{body}");
    assert_eq!(send(user(), bearer(&token(&[("user_id", "1")]))).await.2, "called");
}

#[tokio::test]
async fn a_guard_applies_to_its_routes_only() {
    let app = Router::new().route("/", get(async || "open")).merge(
        Router::new()
            .route("/write", get(async || "written"))
            .route_layer(RequireLayer::scope("write"))
            .route_layer(layer()),
    );
    assert_eq!(send(app.clone(), request()).await.2, "open");
    let mut write = request();
    *write.uri_mut() = "/write".parse().unwrap();
    assert_eq!(send(app, write).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_guard_uses_its_own_rejection() {
    let guard = RequireLayer::scope("write").with_rejection(EmptyRejection);
    let empty = Router::new().route("/", get(async || "called")).layer(guard).layer(layer());
    let (status, challenge, body) = send(empty, without_scope()).await;
    assert_eq!((status, challenge.as_deref()), (StatusCode::FORBIDDEN, Some(NEEDS_WRITE)));
    assert_eq!(body, "");

    let custom = RequireLayer::scope("write").with_rejection(|error: &AuthError| {
        let mut response = Response::new(Body::from(error.required_scope().unwrap().to_owned()));
        *response.status_mut() = error.kind().status();
        response
    });
    let custom = Router::new().route("/", get(async || "called")).layer(custom).layer(layer());
    let (status, challenge, body) = send(custom, without_scope()).await;
    assert_eq!((status, challenge.as_deref()), (StatusCode::FORBIDDEN, Some(NEEDS_WRITE)));
    assert_eq!(body, "write");
}
