//! The paths and methods of the routes.

use axum::{Router, body::Body, extract::State, routing::get};
use http::{Method, Request, header::CONTENT_TYPE};
use tower_jwt_auth::TokenRoutes;

use crate::support::{
    login::Setup,
    reply::{self, post},
};

use super::{app, app_with, credentials, send};

const NAMES: [&str; 4] = ["", "/refresh", "/verify", "/blacklist"];

/// Whether there is a route at `path`. Every route rejects an empty object with `400`.
async fn has_route(app: &Router, path: &str) -> bool {
    let reply = reply::send(app, post(path, "{}")).await;
    assert!([400, 404].contains(&reply.status.as_u16()), "{path}: {reply:?}");
    reply.status == 400
}

#[tokio::test]
async fn paths_match_with_and_without_a_trailing_slash() {
    let setup = Setup::new();
    for base in ["/api/token", "/api/token/"] {
        let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone()).at(base);
        let app = routes.build().unwrap().into_router();
        for name in NAMES {
            assert!(has_route(&app, &format!("/api/token{name}")).await, "{name}");
            assert!(has_route(&app, &format!("/api/token{name}/")).await, "{name}/");
        }
        for elsewhere in ["/", "/api", "/api/tokens", "/refresh", "/api/token//", "/api/token/x"] {
            assert!(!has_route(&app, elsewhere).await, "{elsewhere}");
        }
    }
}

#[tokio::test]
async fn without_a_base_the_routes_are_at_the_root() {
    let setup = Setup::new();
    let app: Router = TokenRoutes::new(setup.issuer(), setup.users.clone()).into_router();
    assert!(has_route(&app, "/").await);
    for name in &NAMES[1..] {
        assert!(has_route(&app, name).await, "{name}");
        assert!(has_route(&app, &format!("{name}/")).await, "{name}/");
    }
}

#[tokio::test]
async fn nested_routes_match_one_form_of_the_login_path() {
    let setup = Setup::new();
    let routes = TokenRoutes::new(setup.issuer(), setup.users.clone());
    for (prefix, login, other) in
        [("/api/token", "/api/token", "/api/token/"), ("/api/token/", "/api/token/", "/api/token")]
    {
        let app: Router = Router::new().nest(prefix, routes.clone().into_router());
        assert!(has_route(&app, login).await, "{prefix}");
        assert!(!has_route(&app, other).await, "{prefix}");
        for name in &NAMES[1..] {
            assert!(has_route(&app, &format!("/api/token{name}")).await, "{name}");
            assert!(has_route(&app, &format!("/api/token{name}/")).await, "{name}/");
        }
    }
}

#[tokio::test]
async fn the_routes_merge_with_a_router_of_any_state() {
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
async fn without_a_store_there_is_no_blacklist_route() {
    let setup = Setup::new();
    let app = app_with(&setup, setup.plain_builder().build().unwrap());
    for name in ["", "/refresh", "/verify"] {
        assert!(has_route(&app, &format!("/api/token{name}/")).await);
    }
    assert!(!has_route(&app, "/api/token/blacklist/").await);
    assert!(!has_route(&app, "/api/token/blacklist").await);
}
