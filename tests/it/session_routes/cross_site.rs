//! Requests that other sites cause.

use axum::{Router, body::Body};
use futures::stream;
use http::{HeaderMap, header::CONTENT_TYPE};
use tower_jwt_auth::{routes::SessionRoutes, transport::SessionCookies};

use crate::support::{
    flaky::StoreFailure,
    login::{Outage, Setup},
};

use super::{
    app,
    browser::{Browser, cleared},
    graceful, outcome, rejected, router,
};

/// The unsafe requests. All but the login need the cookies.
const REQUESTS: [&str; 8] = [
    "POST /api/session/",
    "POST /api/session/refresh",
    "DELETE /api/session/",
    "DELETE /api/session/sessions/x",
    "PATCH /api/session/sessions/x",
    "POST /api/session/logout-others",
    "POST /api/session/logout-all",
    "POST /api/session/ticket",
];

fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
    pairs.iter().map(|(name, value)| (name.parse().unwrap(), value.parse().unwrap())).collect()
}

/// Sends each request with `headers` and a body that never comes, while nothing else works.
async fn all_are_rejected(app: &Router, browser: &Browser, requests: &[&str], headers: &HeaderMap) {
    for line in requests {
        let mut client = browser.clone();
        client.headers = headers.clone();
        let mut request = client.request(line);
        request.headers_mut().insert(CONTENT_TYPE, "application/json".parse().unwrap());
        *request.body_mut() = Body::from_stream(stream::pending::<Result<&str, std::io::Error>>());
        let reply = client.send_request(app, request).await;
        assert_eq!(outcome(&reply), rejected(403, "cross_site_request"), "{line} {headers:?}");
        assert_eq!(cleared(&reply), Vec::<String>::new());
    }
}

#[tokio::test]
async fn cross_site_requests_are_rejected_before_any_work() {
    let setup = Setup::new();
    let app = app(&setup);
    let browser = Browser::logged_in(&app).await;
    setup.events.take();
    setup.store.set_failure(StoreFailure::Errors);
    setup.users.set(Outage::Unavailable);
    let own = "https://app.example";
    for pairs in [
        &[("sec-fetch-site", "cross-site")][..],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", own)],
        &[("origin", "https://evil.example")],
        &[("origin", "https://app.example:8443")],
        &[("origin", "http://app.example")],
        &[("origin", "null")],
    ] {
        let headers = headers(pairs);
        all_are_rejected(&app, &browser, &REQUESTS, &headers).await;
        // Without cookies, the login, refresh and logout of another site are recognizable too.
        all_are_rejected(&app, &Browser::new(), &REQUESTS[..3], &headers).await;
    }
    // Neither header, but cookies.
    all_are_rejected(&app, &browser, &REQUESTS, &HeaderMap::new()).await;
    setup.store.set_failure(StoreFailure::None);
    setup.users.set(Outage::None);
    assert_eq!(setup.events.take(), Vec::<String>::new());
    assert!(browser.is_logged_in(&app).await);
}

#[tokio::test]
async fn the_own_origin_is_accepted() {
    let app = app(&Setup::new());
    for pairs in [
        &[("sec-fetch-site", "same-origin")][..],
        &[("sec-fetch-site", "none")],
        &[("origin", "https://app.example")],
    ] {
        let mut browser = Browser { headers: headers(pairs), ..Browser::default() };
        assert_eq!(browser.log_in(&app, "1").await.status, 200);
        assert_eq!(browser.send(&app, "POST /api/session/refresh").await.status, 200);
        assert_eq!(browser.send(&app, "POST /api/session/logout-others").await.status, 200);
        assert_eq!(browser.send(&app, "DELETE /api/session/").await.status, 204);
    }
}

#[tokio::test]
async fn programs_without_cookies_need_no_origin() {
    let app = app(&Setup::new());
    let mut program = Browser::default();
    assert_eq!(outcome(&program.send(&app, "POST /api/session/refresh").await).0, 401);
    assert_eq!(program.send(&app, "DELETE /api/session/").await.status, 204);
    assert_eq!(program.log_in(&app, "1").await.status, 200);
}

#[tokio::test]
async fn other_sites_may_cause_requests_that_change_nothing() {
    let app = app(&Setup::new());
    let mut browser = Browser::logged_in(&app).await;
    browser.set_header("sec-fetch-site", "cross-site");
    for line in ["GET /api/session/", "GET /api/session/sessions"] {
        assert_eq!(browser.send(&app, line).await.status, 200, "{line}");
    }
}

#[tokio::test]
async fn the_double_submit_token_replaces_an_origin() {
    let setup = Setup::new();
    let cookies = SessionCookies::builder().double_submit([7, 9].repeat(16)).build().unwrap();
    let routes = SessionRoutes::builder(graceful(&setup), setup.users.clone(), &cookies);
    let app = router(routes.at("/api/session"));
    // A browser that sends neither header.
    let mut browser = Browser::default();
    assert_eq!(browser.log_in(&app, "1").await.status, 200);
    let token = browser.cookie("__Host-csrf").to_owned();
    let other = Browser::logged_in(&app).await.cookie("__Host-csrf").to_owned();
    for line in ["POST /api/session/refresh", "DELETE /api/session/"] {
        let reply = browser.send(&app, line).await;
        assert_eq!(outcome(&reply), rejected(403, "cross_site_request"), "{line}");
        let mut forged = browser.clone().with_header("x-csrf-token", &other);
        let reply = forged.send(&app, line).await;
        assert_eq!(outcome(&reply), rejected(403, "cross_site_request"), "{line}");
    }
    browser.set_header("x-csrf-token", &token);
    assert_eq!(browser.send(&app, "POST /api/session/refresh").await.status, 200);
    let reply = browser.send(&app, "DELETE /api/session/").await;
    assert_eq!((reply.status.as_u16(), cleared(&reply).len()), (204, 3));
}
