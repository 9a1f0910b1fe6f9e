//! The settings of the routes.

use std::time::Duration;

use tower::ServiceExt;
use tower_jwt_auth::{
    AuthError, ConfigErrorKind,
    routes::{RequestError, RouteError, SessionRoutes},
    transport::SessionCookies,
};

use crate::support::login::{PASSWORD, SECRET, Setup};

use super::{
    Builder, app,
    browser::{Browser, REFRESH, set_cookies},
    cookies, graceful, outcome, rejected, router, routes,
};

#[test]
fn build_rejects_invalid_settings() {
    use ConfigErrorKind::{Conflict, OutOfRange};

    let setup = Setup::new();
    let with = |cookies: &SessionCookies| -> Builder {
        SessionRoutes::builder(graceful(&setup), setup.users.clone(), cookies).at("/api/session")
    };
    let elsewhere = SessionCookies::builder().refresh_path("/auth").build().unwrap();
    let narrow = |path: &str| SessionCookies::builder().path(path).build().unwrap();
    let host_only = SessionCookies::builder().refresh_name("__Host-refresh").build().unwrap();
    for (what, builder, kind) in [
        ("base without slash", routes(&setup).at("api"), OutOfRange),
        ("base with parameter", routes(&setup).at("/{tenant}"), OutOfRange),
        ("base of the list without slash", routes(&setup).session_list_at("api"), OutOfRange),
        ("the same name twice", routes(&setup).rename_field("username", "password"), Conflict),
        ("empty name", routes(&setup).rename_field("password", ""), Conflict),
        ("too short a body limit", routes(&setup).body_limit(255), OutOfRange),
        ("no body timeout", routes(&setup).body_timeout(Duration::ZERO), OutOfRange),
        (
            "the path of the list",
            routes(&setup).at("/api/ticket").session_list_at("/api"),
            Conflict,
        ),
        ("an access cookie for another path", with(&narrow("/app")), Conflict),
        (
            "an access cookie for the routes alone",
            with(&narrow("/api/session")).session_list_at("/api"),
            Conflict,
        ),
        ("a refresh cookie for another path", with(&elsewhere), Conflict),
        ("a `__Host-` cookie with a path", with(&host_only), Conflict),
    ] {
        let error = builder.build().err().unwrap_or_else(|| panic!("{what}"));
        assert_eq!(error.kind(), kind, "{what}");
    }
    let without_store = setup.plain_builder().build().unwrap();
    let builder = SessionRoutes::builder(without_store, setup.users.clone(), &cookies());
    assert_eq!(builder.build().unwrap_err().kind(), ConfigErrorKind::Ineffective);
    let _ = router(with(&SessionCookies::builder().refresh_path("/api").build().unwrap()));
    let _ = router(with(&host_only).at(""));
    let _ = router(with(&narrow("/api/session")));
    let _ = router(with(&narrow("/api/")).session_list_at("/api"));
    let _ = router(routes(&setup).at("/").session_list_at(""));
}

#[tokio::test]
async fn without_a_base_the_routes_are_at_the_root() {
    let app = router(routes(&Setup::new()).at(""));
    let mut browser = Browser::new();
    let body = serde_json::json!({"username": "1", "password": PASSWORD});
    let reply = browser.send_json(&app, "POST /", &body).await;
    assert!(set_cookies(&reply.headers)[1].attributes.contains(&"Path=/".to_owned()));
    for line in ["GET /", "POST /refresh", "GET /sessions", "POST /refresh/"] {
        assert_eq!(browser.send(&app, line).await.status, 200, "{line}");
    }
    assert_eq!(browser.send(&app, "DELETE /").await.status, 204);
}

#[tokio::test]
async fn bodies_of_rejected_requests_can_be_replaced() {
    let setup = Setup::new();
    let app = router(routes(&setup).rejection(|error: &RouteError| {
        let body = format!(r#"{{"detail":"own","code":"own_{}"}}"#, error.code());
        (error.status(), body)
    }));
    let mut browser = Browser::new();
    let reply = browser.send(&app, "POST /api/session/refresh").await;
    assert_eq!(outcome(&reply), rejected(401, "own_not_authenticated"));
    assert_eq!(set_cookies(&reply.headers).len(), 2);
    for (line, expected) in [
        ("POST /api/session/", rejected(415, "own_unsupported_media_type")),
        ("PUT /api/session/", rejected(405, "own_method_not_allowed")),
        ("GET /api/session/", rejected(401, "own_not_authenticated")),
        ("GET /api/session/sessions", rejected(401, "own_not_authenticated")),
        ("PUT /api/session/refresh", rejected(405, "own_method_not_allowed")),
    ] {
        assert_eq!(outcome(&browser.send(&app, line).await), expected, "{line}");
    }
    let mut other_site = Browser::new().with_header("sec-fetch-site", "cross-site");
    let reply = other_site.log_in(&app, "1").await;
    assert_eq!(outcome(&reply), rejected(403, "own_cross_site_request"));
}

#[tokio::test]
async fn the_error_of_each_rejected_request_is_in_the_extensions() {
    let app = app(&Setup::new());
    let mut repeated = Browser::logged_in(&app).await.request("POST /api/session/refresh");
    repeated.headers_mut().append("cookie", format!("{REFRESH}=x").parse().unwrap());
    let other_site = Browser::new().with_header("sec-fetch-site", "cross-site");
    for (request, has_auth_error) in [
        (Browser::new().request("POST /api/session/"), false),
        (Browser::new().request("PUT /api/session/"), false),
        (Browser::new().request("POST /api/session/refresh"), true),
        (Browser::new().request("GET /api/session/sessions"), true),
        (other_site.request("POST /api/session/"), true),
        (other_site.request("DELETE /api/session/"), true),
        (repeated, true),
    ] {
        let response = app.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let extensions = response.extensions();
        let auth = extensions.get::<AuthError>().map(|error| error.kind().status());
        let request = extensions.get::<RequestError>().map(|error| error.kind().status());
        let expected = if has_auth_error { (Some(status), None) } else { (None, Some(status)) };
        assert_eq!((auth, request), expected);
    }
}

#[test]
fn debug_shows_no_secret() {
    let setup = Setup::new();
    let builder = routes(&setup);
    let shown = format!("{builder:?}") + &format!("{:?}", builder.build().unwrap());
    assert!(!shown.contains(SECRET) && !shown.contains(PASSWORD), "{shown}");
}
