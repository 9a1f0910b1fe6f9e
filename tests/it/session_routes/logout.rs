//! `DELETE {base}/`: the logout.

use axum::Router;
use http::header::COOKIE;
use tower_jwt_auth::token::UserId;

use crate::support::{
    flaky::StoreFailure,
    login::{MINUTE, Setup},
    reply::Reply,
};

use super::{
    app,
    browser::{ACCESS, Browser, REFRESH, cleared, with_bearer},
    graceful, outcome, rejected, router, routes_with,
};

async fn log_out(browser: &mut Browser, app: &Router) -> Reply {
    browser.send(app, "DELETE /api/session/").await
}

/// Logs out, and checks that both cookies are cleared.
async fn logs_out(browser: &mut Browser, app: &Router) {
    let reply = log_out(browser, app).await;
    let both = vec![ACCESS.to_owned(), REFRESH.to_owned()];
    assert_eq!((outcome(&reply), cleared(&reply)), (rejected(204, ""), both));
}

async fn live_sessions(setup: &Setup) -> usize {
    graceful(setup).sessions(&UserId::from(1)).await.unwrap().len()
}

#[tokio::test]
async fn a_logout_ends_the_session_and_clears_both_cookies() {
    let setup = Setup::new();
    let app = app(&setup);
    let mut browser = Browser::logged_in(&app).await;
    let other = Browser::logged_in(&app).await;
    let mut before = browser.clone();
    setup.events.take();
    logs_out(&mut browser, &app).await;
    let events = setup.events.take();
    assert!(events.len() == 1 && events[0].starts_with("SessionRevoked"), "{events:?}");
    assert!(browser.cookies.is_empty());
    assert!(!before.is_logged_in(&app).await && other.is_logged_in(&app).await);
    let refreshed = before.send(&app, "POST /api/session/refresh").await;
    assert_eq!(outcome(&refreshed), rejected(401, "token_revoked"));
}

#[tokio::test]
async fn a_logout_can_be_repeated() {
    let app = app(&Setup::new());
    let mut browser = Browser::logged_in(&app).await;
    let before = browser.clone();
    logs_out(&mut browser, &app).await;
    logs_out(&mut browser, &app).await;
    // Another tab that still had the cookies.
    logs_out(&mut before.clone(), &app).await;
    logs_out(&mut Browser::new(), &app).await;
}

#[tokio::test]
async fn one_cookie_is_enough_to_end_the_session() {
    let setup = Setup::new();
    let app = app(&setup);
    for missing in [ACCESS, REFRESH] {
        let mut browser = Browser::logged_in(&app).await.without(missing);
        assert_eq!(live_sessions(&setup).await, 1);
        logs_out(&mut browser, &app).await;
        assert_eq!(live_sessions(&setup).await, 0, "{missing}");
    }
    for invalid in [ACCESS, REFRESH] {
        let mut browser = Browser::logged_in(&app).await;
        browser.set_cookie(invalid, "garbage");
        logs_out(&mut browser, &app).await;
        assert_eq!(live_sessions(&setup).await, 0, "{invalid}");
    }
    let mut expired = Browser::logged_in(&app).await;
    setup.clock.advance(MINUTE * 10);
    logs_out(&mut expired, &app).await;
    assert_eq!(live_sessions(&setup).await, 0);
}

#[tokio::test]
async fn a_spent_refresh_cookie_ends_the_session() {
    let setup = Setup::new();
    let strict = router(routes_with(&setup, setup.issuer()));
    let spent = Browser::logged_in(&strict).await;
    let mut current = spent.clone();
    assert_eq!(current.send(&strict, "POST /api/session/refresh").await.status, 200);
    logs_out(&mut spent.without(ACCESS), &strict).await;
    assert!(!current.is_logged_in(&strict).await);
}

#[tokio::test]
async fn cookies_of_different_sessions_end_both() {
    let setup = Setup::new();
    let app = app(&setup);
    let mut browser = Browser::logged_in(&app).await;
    let other = Browser::logged_in(&app).await;
    browser.set_cookie(ACCESS, other.cookie(ACCESS));
    logs_out(&mut browser, &app).await;
    assert_eq!(live_sessions(&setup).await, 0);
}

#[tokio::test]
async fn a_logout_with_only_expired_cookies_clears_them() {
    let setup = Setup::new();
    let app = app(&setup);
    let mut browser = Browser::logged_in(&app).await.without(REFRESH);
    setup.clock.advance(MINUTE * 10);
    logs_out(&mut browser, &app).await;
    let mut garbage = Browser::new();
    let mut request = garbage.request("DELETE /api/session/");
    let cookies = [ACCESS.as_bytes(), b"=\"; ", REFRESH.as_bytes(), b"=\xff"].concat();
    request.headers_mut().insert(COOKIE, cookies.try_into().unwrap());
    let reply = garbage.send_request(&app, request).await;
    assert_eq!((reply.status.as_u16(), cleared(&reply).len()), (204, 2));
}

#[tokio::test]
async fn a_bearer_token_ends_its_own_session_alone() {
    let setup = Setup::new();
    let app = app(&setup);
    let browser = Browser::logged_in(&app).await;
    let other = Browser::logged_in(&app).await;
    let reply = log_out(&mut with_bearer(&browser, other.cookie(ACCESS)), &app).await;
    assert_eq!((outcome(&reply), cleared(&reply)), (rejected(204, ""), vec![]));
    assert!(browser.is_logged_in(&app).await && !other.is_logged_in(&app).await);

    for (authorization, expected) in [
        (&*format!("Bearer {}", other.cookie(ACCESS)), rejected(401, "token_revoked")),
        ("Bearer garbage", rejected(401, "token_invalid")),
        ("Bearer", rejected(400, "invalid_request")),
        ("Basic Y2xpZW50", rejected(401, "not_authenticated")),
    ] {
        let mut client = browser.clone().with_header("authorization", authorization);
        let reply = log_out(&mut client, &app).await;
        assert_eq!((outcome(&reply), cleared(&reply)), (expected, vec![]), "{authorization}");
    }
    assert!(browser.is_logged_in(&app).await);
}

#[tokio::test]
async fn a_logout_that_was_not_stored_is_503_and_clears_no_cookie() {
    let setup = Setup::new();
    let app = app(&setup);
    let browser = Browser::logged_in(&app).await;
    setup.store.set_failure(StoreFailure::Errors);
    for browser in
        [browser.clone(), browser.clone().without(ACCESS), browser.clone().without(REFRESH)]
    {
        let reply = log_out(&mut browser.clone(), &app).await;
        assert_eq!((outcome(&reply), cleared(&reply)), (rejected(503, "unavailable"), vec![]));
    }
    setup.store.set_failure(StoreFailure::None);
    assert!(browser.is_logged_in(&app).await);
    logs_out(&mut browser.clone(), &app).await;
}
