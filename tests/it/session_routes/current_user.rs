//! `GET {base}/`: the current user.

use http::Request;
use serde_json::json;
use tower_jwt_auth::{token::UserId, user::User};

use crate::support::{
    flaky::StoreFailure,
    login::{MINUTE, Outage, Setup, ada},
};

use super::{
    app,
    browser::{ACCESS, Browser, cleared, with_bearer},
    graceful, outcome, rejected,
};

#[tokio::test]
async fn the_current_user_is_described() {
    let app = app(&Setup::new());
    let browser = Browser::logged_in(&app).await;
    for path in ["/api/session", "/api/session/"] {
        let reply = browser.clone().send(&app, &format!("GET {path}")).await;
        assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({"user": {"id": "1"}})));
    }
    let mut client = with_bearer(&Browser::default(), browser.cookie(ACCESS));
    assert_eq!(client.send(&app, "GET /api/session/").await.status, 200);
}

#[tokio::test]
async fn without_a_valid_access_token_there_is_no_current_user() {
    let setup = Setup::new();
    let app = app(&setup);
    let line = "GET /api/session/";
    let reply = Browser::new().send(&app, line).await;
    assert_eq!((outcome(&reply), cleared(&reply)), (rejected(401, "not_authenticated"), vec![]));

    let browser = Browser::logged_in(&app).await;
    let mut garbage = browser.clone();
    garbage.set_cookie(ACCESS, "garbage");
    let reply = garbage.send(&app, line).await;
    assert_eq!((outcome(&reply).0, cleared(&reply)), (401, vec![ACCESS.to_owned()]));

    // These leave the cookie: another tab may have set it meanwhile.
    graceful(&setup).revoke_user(&UserId::from(1)).await.unwrap();
    let reply = browser.clone().send(&app, line).await;
    assert_eq!((outcome(&reply), cleared(&reply)), (rejected(401, "token_revoked"), vec![]));
    setup.clock.advance(MINUTE * 5);
    let reply = browser.clone().send(&app, line).await;
    assert_eq!((outcome(&reply), cleared(&reply)), (rejected(401, "token_expired"), vec![]));
}

#[tokio::test]
async fn deleted_and_inactive_users_are_not_current() {
    let setup = Setup::new();
    let app = app(&setup);
    let mut browser = Browser::logged_in(&app).await;
    setup.users.put(User::new(1, ada().claims().clone()).with_active(false));
    let line = "GET /api/session/";
    assert_eq!(outcome(&browser.send(&app, line).await), rejected(401, "user_inactive"));
    setup.users.remove("1");
    assert_eq!(outcome(&browser.send(&app, line).await), rejected(401, "user_inactive"));
}

#[tokio::test]
async fn an_outage_is_503() {
    let setup = Setup::new();
    let app = app(&setup);
    let mut browser = Browser::logged_in(&app).await;
    let line = "GET /api/session/";
    setup.users.set(Outage::Unavailable);
    assert_eq!(outcome(&browser.send(&app, line).await), rejected(503, "unavailable"));
    setup.users.set(Outage::None);
    setup.store.set_failure(StoreFailure::Errors);
    assert_eq!(outcome(&browser.send(&app, line).await), rejected(503, "unavailable"));
    setup.store.set_failure(StoreFailure::None);
    assert_eq!(browser.send(&app, line).await.status, 200);
}

#[tokio::test]
async fn other_methods_are_rejected() {
    let app = app(&Setup::new());
    let mut browser = Browser::logged_in(&app).await;
    for (line, allow) in [
        ("PUT /api/session", "GET,HEAD,POST,DELETE"),
        ("PATCH /api/session/", "GET,HEAD,POST,DELETE"),
        ("GET /api/session/refresh", "POST"),
        ("DELETE /api/session/refresh/", "POST"),
    ] {
        let reply = browser.send(&app, line).await;
        assert_eq!(outcome(&reply), rejected(405, "method_not_allowed"), "{line}");
        let mut methods: Vec<_> = reply.header("allow")[0].split(',').collect();
        let mut expected: Vec<_> = allow.split(',').collect();
        methods.sort_unstable();
        expected.sort_unstable();
        assert_eq!(methods, expected, "{line}");
    }
    let head = Request::head("/api/session/").body(axum::body::Body::empty()).unwrap();
    assert_eq!(crate::support::reply::send(&app, head).await.status, 401);
}
