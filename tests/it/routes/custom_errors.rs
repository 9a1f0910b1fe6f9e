//! The application's own responses to rejected requests.

use axum::{
    Router,
    body::Body,
    response::{IntoResponse, Response},
};
use http::{Request, StatusCode, header::CONTENT_TYPE};
use serde_json::json;
use tower::ServiceExt;
use tower_jwt_auth::{
    AuthError, TokenRoutes,
    routes::{RequestError, RequestErrorKind, RouteError},
};

use crate::support::{
    flaky::StoreFailure,
    login::Setup,
    reply::{self, post},
};

/// A response that shows all that the error offers.
fn xml(error: &RouteError) -> Response {
    let fields = error.field_errors().map(|errors| errors.keys().cloned().collect::<Vec<_>>());
    let body = format!("<{} {error}: {} {fields:?}>", error.code(), error.detail());
    (error.status(), [(CONTENT_TYPE, "text/xml")], body).into_response()
}

fn app(setup: &Setup) -> Router {
    let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone()).at("/api/token");
    let routes = routes.session_list_at("/api").body_limit(256).rejection(xml);
    routes.build().unwrap().into_router()
}

#[tokio::test]
async fn bodies_of_rejected_requests_can_be_replaced() {
    let setup = Setup::new();
    let app = app(&setup);
    let wrong = json!({"username": "1", "password": "wrong"}).to_string();
    let get = |path: &str| Request::get(path).body(Body::empty()).unwrap();
    let mut compressed = post("/api/token/verify", "{}");
    compressed.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
    for (request, status, body) in [
        (
            post("/api/token/", "{}"),
            400,
            "<invalid_body the request body is invalid: Some fields are missing or invalid. \
             Some([\"password\", \"username\"])>",
        ),
        (
            post("/api/token/", "{"),
            400,
            "<invalid_body the request body is invalid: The request body is not valid JSON. None>",
        ),
        (
            post("/api/token/", " ".repeat(257)),
            413,
            "<body_too_large the request body is too long: The request body is too large. None>",
        ),
        (
            compressed,
            415,
            "<unsupported_media_type the request body is compressed: The request body must not be \
             compressed. None>",
        ),
        (
            get("/api/token/"),
            405,
            "<method_not_allowed the route does not serve this method: This method is not allowed. \
             None>",
        ),
        (
            post("/api/token/", wrong),
            401,
            "<invalid_credentials no active user has these credentials: No active account found \
             with the given credentials. None>",
        ),
        (
            get("/api/sessions"),
            401,
            "<not_authenticated no credentials were provided: Authentication credentials \
             were not provided. None>",
        ),
    ] {
        let reply = reply::send(&app, request).await;
        assert_eq!((reply.status.as_u16(), &*reply.body), (status, body));
        assert_eq!(reply.header("content-type"), ["text/xml"]);
        assert_eq!(reply.header("cache-control"), ["no-store"]);
        let challenges = usize::from(status == 401);
        assert_eq!(reply.header("www-authenticate").len(), challenges, "{body}");
        assert_eq!(reply.header("allow").len(), usize::from(status == 405), "{body}");
        assert_eq!(reply.header("accept-encoding").len(), usize::from(status == 415), "{body}");
    }
    setup.store.set_failure(StoreFailure::Errors);
    let reply = reply::send(&app, post("/api/token/", super::credentials().to_string())).await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, vec!["1"]));
    assert!(reply.body.starts_with("<unavailable "), "{reply:?}");
}

#[tokio::test]
async fn the_error_of_each_rejected_request_is_in_the_extensions() {
    use RequestErrorKind::{
        BodyTooLarge, InvalidBody, MethodNotAllowed, NotFound, UnsupportedEncoding,
        UnsupportedMediaType,
    };

    let setup = Setup::new();
    for app in [app(&setup), super::app(&setup)] {
        let text = Request::post("/api/token/verify").header(CONTENT_TYPE, "text/plain");
        let mut compressed = post("/api/token/refresh", "{}");
        compressed.headers_mut().insert("content-encoding", "gzip".parse().unwrap());
        for (request, kind) in [
            (post("/api/token/", "{}"), InvalidBody),
            (post("/api/token/blacklist", "[]"), InvalidBody),
            (post("/api/token/", " ".repeat(16 * 1024 + 1)), BodyTooLarge),
            (text.body("{}".into()).unwrap(), UnsupportedMediaType),
            (compressed, UnsupportedEncoding),
            (Request::get("/api/token/").body(Body::empty()).unwrap(), MethodNotAllowed),
        ] {
            let response = app.clone().oneshot(request).await.unwrap();
            let error = response.extensions().get::<RequestError>().unwrap();
            assert_eq!((error.kind(), error.kind().status()), (kind, response.status()));
            assert!(!format!("{error:?} {error}").contains("username"));
        }
        let response = app.clone().oneshot(post("/api/token/verify", r#"{"token":"x"}"#)).await;
        let response = response.unwrap();
        assert!(response.extensions().get::<AuthError>().is_some());
        assert!(response.extensions().get::<RequestError>().is_none());
    }

    let app = app(&setup);
    let response = app.clone().oneshot(post("/api/logout-all", "")).await.unwrap();
    assert!(response.extensions().get::<AuthError>().is_some());
    let (access, _) = super::log_in(&super::app(&setup)).await;
    let request = Request::delete("/api/sessions/x")
        .header("authorization", format!("Bearer {access}"))
        .body(Body::empty())
        .unwrap();
    // The issuer of this app has the same key and store.
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::NOT_FOUND);
    assert_eq!(response.extensions().get::<RequestError>().unwrap().kind(), NotFound);
}
