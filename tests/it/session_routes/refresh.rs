//! `POST {base}/refresh`: new cookies for old ones.

use std::collections::BTreeSet;

use axum::Router;
use futures::future::join_all;
use http::header::COOKIE;
use tower_jwt_auth::{token::UserId, user::User};

use crate::support::{
    flaky::StoreFailure,
    login::{DAY, MINUTE, Outage, Setup, ada, payload},
    reply::Reply,
};

use super::{
    app,
    browser::{ACCESS, Browser, REFRESH, cleared, set_cookies, with_bearer},
    graceful, outcome, rejected, router, routes_with,
};

async fn refresh(browser: &mut Browser, app: &Router) -> Reply {
    browser.send(app, "POST /api/session/refresh").await
}

#[tokio::test]
async fn a_refresh_sets_both_cookies() {
    let setup = Setup::new();
    let app = app(&setup);
    let mut browser = Browser::logged_in(&app).await;
    let before = browser.clone();
    setup.clock.advance(MINUTE * 10);
    assert!(!browser.is_logged_in(&app).await);
    let reply = refresh(&mut browser, &app).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (200, "{}"));
    let names: Vec<_> = set_cookies(&reply.headers)
        .into_iter()
        .map(|cookie| (cookie.name, cookie.max_age))
        .collect();
    assert_eq!(names, [(ACCESS.to_owned(), 300), (REFRESH.to_owned(), 86_400)]);
    for name in [ACCESS, REFRESH] {
        let (old, new) = (payload(before.cookie(name)), payload(browser.cookie(name)));
        assert_eq!(old["sid"], new["sid"]);
        assert_ne!(old["jti"], new["jti"]);
    }
    assert!(browser.is_logged_in(&app).await);
}

#[tokio::test]
async fn tabs_that_refresh_at_once_stay_logged_in() {
    let setup = Setup::new();
    let app = app(&setup);
    let browser = Browser::logged_in(&app).await;
    setup.clock.advance(MINUTE * 10);
    let tabs = (0..20).map(|_| {
        let (mut tab, app) = (browser.clone(), app.clone());
        tokio::spawn(async move {
            assert_eq!(refresh(&mut tab, &app).await.status, 200);
            tab
        })
    });
    let mut tabs: Vec<_> = join_all(tabs).await.into_iter().map(Result::unwrap).collect();
    let ids = |name: &str, claim: &str| -> BTreeSet<String> {
        tabs.iter().map(|tab| payload(tab.cookie(name))[claim].to_string()).collect()
    };
    assert_eq!((ids(ACCESS, "sid").len(), ids(REFRESH, "sid").len()), (1, 1));
    assert_eq!(ids(REFRESH, "jti").len(), 1);
    for tab in &mut tabs {
        assert!(tab.is_logged_in(&app).await);
        assert_eq!(refresh(tab, &app).await.status, 200);
    }
    assert!(setup.events.take().iter().all(|event| !event.starts_with("Reuse")));
}

#[tokio::test]
async fn without_rotation_the_refresh_cookie_stays() {
    let setup = Setup::new();
    let issuer = setup.plain_builder().store(setup.store.clone()).build().unwrap();
    let app = router(routes_with(&setup, issuer));
    let mut browser = Browser::logged_in(&app).await;
    for _ in 0..2 {
        let reply = refresh(&mut browser, &app).await;
        let names: Vec<_> =
            set_cookies(&reply.headers).into_iter().map(|cookie| cookie.name).collect();
        assert_eq!((reply.status.as_u16(), names), (200, vec![ACCESS.to_owned()]));
    }
}

#[tokio::test]
async fn a_refresh_that_is_rejected_for_good_clears_both_cookies() {
    let setup = Setup::new();
    let strict = router(routes_with(&setup, setup.issuer()));
    let app = app(&setup);
    let issuer = graceful(&setup);
    let both = vec![ACCESS.to_owned(), REFRESH.to_owned()];
    let logged_in = Browser::logged_in(&app).await;
    let expect = async |app: &Router, mut browser: Browser, code: &str| {
        let reply = refresh(&mut browser, app).await;
        assert_eq!((outcome(&reply), cleared(&reply)), (rejected(401, code), both.clone()));
        let set: Vec<_> = set_cookies(&reply.headers);
        assert_eq!(set[0].attributes, ["HttpOnly", "Path=/", "SameSite=Lax", "Secure"]);
        let path = "Path=/api/session";
        assert_eq!(set[1].attributes, ["HttpOnly", path, "SameSite=Strict", "Secure"]);
        assert!(browser.cookies.is_empty());
    };
    expect(&app, Browser::new(), "not_authenticated").await;
    expect(&app, logged_in.clone().without(REFRESH), "not_authenticated").await;
    let mut garbage = logged_in.clone();
    garbage.set_cookie(REFRESH, "garbage");
    expect(&app, garbage, "token_invalid").await;
    let mut access_token = logged_in.clone();
    access_token.set_cookie(REFRESH, logged_in.cookie(ACCESS));
    expect(&app, access_token, "token_wrong_type").await;

    let spent = Browser::logged_in(&strict).await;
    let mut current = spent.clone();
    assert_eq!(refresh(&mut current, &strict).await.status, 200);
    expect(&strict, spent, "token_revoked").await;
    expect(&strict, current, "token_revoked").await;

    setup.users.put(User::new(1, ada().claims().clone()).with_active(false));
    expect(&app, logged_in.clone(), "user_inactive").await;
    setup.users.put(ada());
    issuer.revoke_user(&UserId::from(1)).await.unwrap();
    expect(&app, logged_in.clone(), "token_revoked").await;
    setup.clock.advance(DAY);
    expect(&app, logged_in, "token_expired").await;
}

#[tokio::test]
async fn an_outage_clears_no_cookie_and_spends_no_token() {
    let setup = Setup::new();
    let strict = router(routes_with(&setup, setup.issuer()));
    let mut browser = Browser::logged_in(&strict).await;
    setup.store.set_failure(StoreFailure::Errors);
    let reply = refresh(&mut browser, &strict).await;
    assert_eq!((outcome(&reply), cleared(&reply)), (rejected(503, "unavailable"), vec![]));
    setup.store.set_failure(StoreFailure::None);
    for outage in [Outage::Unavailable, Outage::Overloaded] {
        setup.users.set(outage);
        let reply = refresh(&mut browser, &strict).await;
        assert_eq!((reply.status.as_u16(), cleared(&reply)), (503, vec![]));
    }
    setup.users.set(Outage::None);
    assert_eq!(refresh(&mut browser, &strict).await.status, 200);
}

#[tokio::test]
async fn a_repeated_cookie_is_rejected_and_stays() {
    let setup = Setup::new();
    let strict = router(routes_with(&setup, setup.issuer()));
    let mut browser = Browser::logged_in(&strict).await;
    for line in ["POST /api/session/refresh", "DELETE /api/session/"] {
        for other in ["garbage", browser.clone().cookie(REFRESH)] {
            let mut request = browser.request(line);
            request.headers_mut().append(COOKIE, format!("{REFRESH}={other}").parse().unwrap());
            let reply = browser.send_request(&strict, request).await;
            assert_eq!(
                (outcome(&reply), cleared(&reply)),
                (rejected(400, "repeated_cookie"), vec![])
            );
        }
    }
    assert!(browser.is_logged_in(&strict).await);
    assert_eq!(refresh(&mut browser, &strict).await.status, 200);
}

#[tokio::test]
async fn with_an_authorization_header_cookies_are_neither_read_nor_cleared() {
    let setup = Setup::new();
    let strict = router(routes_with(&setup, setup.issuer()));
    let mut browser = Browser::logged_in(&strict).await;
    let access = browser.cookie(ACCESS).to_owned();
    for authorization in [&*format!("Bearer {access}"), "Bearer", "Basic Y2xpZW50", ""] {
        let mut client = browser.clone().with_header("authorization", authorization);
        let reply = refresh(&mut client, &strict).await;
        assert_eq!(
            (outcome(&reply), cleared(&reply)),
            (rejected(401, "not_authenticated"), vec![])
        );
    }
    let mut client = with_bearer(&browser, &access);
    assert_eq!(client.send(&strict, "GET /api/session/").await.status, 200);
    assert_eq!(refresh(&mut browser, &strict).await.status, 200);
}
