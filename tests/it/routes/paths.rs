//! Where the routes are, and for which methods.

use axum::{Router, body::Body, extract::State, routing::get};
use http::{Method, Request, header::CONTENT_TYPE};
use tower_jwt_auth::TokenRoutes;

use crate::support::{
    login::Setup,
    reply::{self, post},
};

use super::{app, app_of, credentials, send};

const NAMES: [&str; 4] = ["", "/refresh", "/verify", "/blacklist"];

/// Whether one of the routes answers there: an empty object lacks fields.
async fn answers(app: &Router, path: &str) -> bool {
    let reply = reply::send(app, post(path, "{}")).await;
    assert!([400, 404].contains(&reply.status.as_u16()), "{path}: {reply:?}");
    reply.status == 400
}

#[tokio::test]
async fn at_answers_with_and_without_a_slash() {
    let setup = Setup::new();
    for base in ["/api/token", "/api/token/"] {
        let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone()).at(base);
        let app = routes.build().unwrap().into_router();
        for name in NAMES {
            assert!(answers(&app, &format!("/api/token{name}")).await, "{name}");
            assert!(answers(&app, &format!("/api/token{name}/")).await, "{name}/");
        }
        for elsewhere in ["/", "/api", "/api/tokens", "/refresh", "/api/token//", "/api/token/x"] {
            assert!(!answers(&app, elsewhere).await, "{elsewhere}");
        }
    }
}

#[tokio::test]
async fn without_a_base_they_are_at_the_root() {
    let setup = Setup::new();
    let app: Router = TokenRoutes::new(setup.issuer(), setup.users.clone()).into_router();
    assert!(answers(&app, "/").await);
    for name in &NAMES[1..] {
        assert!(answers(&app, name).await, "{name}");
        assert!(answers(&app, &format!("{name}/")).await, "{name}/");
    }
}

#[tokio::test]
async fn nested_they_answer_as_their_docs_say() {
    let setup = Setup::new();
    let routes = TokenRoutes::new(setup.issuer(), setup.users.clone());
    for (prefix, login, other) in
        [("/api/token", "/api/token", "/api/token/"), ("/api/token/", "/api/token/", "/api/token")]
    {
        let app: Router = Router::new().nest(prefix, routes.clone().into_router());
        assert!(answers(&app, login).await, "{prefix}");
        assert!(!answers(&app, other).await, "{prefix}");
        for name in &NAMES[1..] {
            assert!(answers(&app, &format!("/api/token{name}")).await, "{name}");
            assert!(answers(&app, &format!("/api/token{name}/")).await, "{name}/");
        }
    }
}

#[tokio::test]
async fn they_join_a_router_of_any_state() {
    #[derive(Clone)]
    struct App {
        greeting: &'static str,
    }
    let setup = Setup::new();
    let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone()).at("/api/token");
    let app = Router::new()
        .route("/", get(|State(app): State<App>| async move { app.greeting }))
        .merge(routes.build().unwrap().into_router())
        .with_state(App { greeting: "hello" });
    let reply = reply::send(&app, Request::get("/").body(Body::empty()).unwrap()).await;
    assert_eq!(reply.body, "hello");
    let reply = send(&app, post("/api/token/", credentials().to_string())).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn only_post_is_allowed() {
    let app = app(&Setup::new());
    for name in NAMES {
        for path in [format!("/api/token{name}"), format!("/api/token{name}/")] {
            for method in [
                Method::GET,
                Method::HEAD,
                Method::PUT,
                Method::PATCH,
                Method::DELETE,
                Method::OPTIONS,
                Method::from_bytes(b"QUERY").unwrap(),
            ] {
                let request = Request::builder().method(method.clone()).uri(&path);
                let request = request.header(CONTENT_TYPE, "application/json");
                let body = Body::from(credentials().to_string());
                let reply = send(&app, request.body(body).unwrap()).await;
                assert_eq!(reply.status, 405, "{method} {path}");
                assert_eq!(reply.header("allow"), ["POST"]);
                let expected = if method == Method::HEAD {
                    ""
                } else {
                    r#"{"code":"method_not_allowed","detail":"This method is not allowed."}"#
                };
                assert_eq!(reply.body, expected, "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn without_a_store_there_is_no_blacklist() {
    let setup = Setup::new();
    let app = app_of(&setup, setup.plain_builder().build().unwrap());
    for name in ["", "/refresh", "/verify"] {
        assert!(answers(&app, &format!("/api/token{name}/")).await);
    }
    assert!(!answers(&app, "/api/token/blacklist/").await);
    assert!(!answers(&app, "/api/token/blacklist").await);
}
