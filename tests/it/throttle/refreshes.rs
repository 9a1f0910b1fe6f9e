//! Limits on refreshes.

use std::net::SocketAddr;

use axum::{Router, body::Body, extract::ConnectInfo};
use http::{Request, header::COOKIE};
use serde_json::json;
use tower_jwt_auth::{
    ConfigErrorKind, Issuer, TokenRoutes,
    routes::SessionRoutes,
    store::MemoryStore,
    throttle::{Throttle, ThrottleBuilder},
    transport::SessionCookies,
};

use crate::support::{
    login::{MINUTE, Outage, Profile, Setup, ada, refresh_of},
    reply::{self, Reply, post},
};

fn throttle(setup: &Setup) -> ThrottleBuilder {
    Throttle::builder(MemoryStore::new()).clock(&setup.clock)
}

fn app(setup: &Setup, issuer: Issuer<Profile>) -> Router {
    let routes = TokenRoutes::builder(issuer, setup.users.clone());
    let routes = routes.refresh_throttle(throttle(setup).build().unwrap());
    routes.build().unwrap().into_router()
}

fn from(mut request: Request<Body>, last: u8) -> Request<Body> {
    let peer = SocketAddr::from(([192, 0, 2, last], 4711));
    request.extensions_mut().insert(ConnectInfo(peer));
    request
}

async fn refresh(app: &Router, token: &str, last: u8) -> Reply {
    let request = post("/refresh", json!({"refresh": token}).to_string());
    reply::send(app, from(request, last)).await
}

#[tokio::test]
async fn failed_refreshes_are_limited_by_address() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let app = app(&setup, issuer.clone());
    for _ in 0..100 {
        assert_eq!(refresh(&app, "invalid", 1).await.status, 401);
    }
    let tokens = issuer.login(&ada()).await.unwrap();
    let reply = refresh(&app, refresh_of(&tokens), 1).await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (429, vec!["30"]));
    // It was not spent, and other addresses have limits of their own.
    setup.clock.advance(MINUTE / 2);
    let reply = refresh(&app, refresh_of(&tokens), 1).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(refresh(&app, "invalid", 2).await.status, 401);
}

#[tokio::test]
async fn refreshes_that_succeed_do_not_count() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let app = app(&setup, issuer.clone());
    let mut token = refresh_of(&issuer.login(&ada()).await.unwrap()).to_owned();
    for _ in 0..150 {
        let reply = refresh(&app, &token, 1).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["refresh"].as_str().unwrap().clone_into(&mut token);
    }
}

#[tokio::test]
async fn refreshes_that_cannot_be_decided_or_are_malformed_do_not_count() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let app = app(&setup, issuer.clone());
    let tokens = issuer.login(&ada()).await.unwrap();
    setup.users.set(Outage::Unavailable);
    for _ in 0..150 {
        assert_eq!(refresh(&app, refresh_of(&tokens), 1).await.status, 503);
        assert_eq!(reply::send(&app, from(post("/refresh", "{}"), 1)).await.status, 400);
    }
    setup.users.set(Outage::None);
    assert_eq!(refresh(&app, refresh_of(&tokens), 1).await.status, 200);
}

#[tokio::test]
async fn logins_and_refreshes_have_limits_of_their_own() {
    let setup = Setup::new();
    let store = MemoryStore::new();
    let throttle = |namespace: &str| {
        let throttle = Throttle::builder(store.clone()).clock(&setup.clock);
        throttle.namespace(namespace).build().unwrap()
    };
    let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone());
    let routes = routes.throttle(throttle("")).refresh_throttle(throttle("refresh"));
    let app = routes.build().unwrap().into_router();
    for _ in 0..100 {
        refresh(&app, "invalid", 1).await;
    }
    assert_eq!(refresh(&app, "invalid", 1).await.status, 429);
    let body = json!({"username": "1", "password": "wrong"}).to_string();
    assert_eq!(reply::send(&app, from(post("/", body), 1)).await.status, 401);
}

#[tokio::test]
async fn a_limited_refresh_clears_no_cookie() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let cookies = SessionCookies::builder().public_origin("https://app.example").build().unwrap();
    let routes = SessionRoutes::builder(issuer.clone(), setup.users.clone(), &cookies);
    let routes = routes.refresh_throttle(throttle(&setup).build().unwrap()).at("/session");
    let routes = routes.build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    let cookie: Vec<_> = routes.cookies_for(&tokens).unwrap().into_iter().collect();
    let cookie: Vec<_> =
        cookie.iter().map(|it| it.to_str().unwrap().split(';').next().unwrap()).collect();
    let app: Router = routes.into_router();
    let send = async |cookie: Option<&str>| {
        let mut request = Request::post("/session/refresh").header("sec-fetch-site", "same-origin");
        if let Some(cookie) = cookie {
            request = request.header(COOKIE, cookie);
        }
        reply::send(&app, from(request.body(Body::empty()).unwrap(), 1)).await
    };
    let cookie = cookie.join("; ");
    // Pages of visitors who are not logged in send no cookie.
    for _ in 0..150 {
        assert_eq!(send(None).await.status, 401);
    }
    let forged = cookie.replace('.', ".x");
    for _ in 0..100 {
        assert_eq!(send(Some(&forged)).await.status, 401);
    }
    let reply = send(Some(&cookie)).await;
    assert_eq!((reply.status.as_u16(), reply.header("set-cookie").len()), (429, 0));
    setup.clock.advance(MINUTE / 2);
    assert_eq!(send(Some(&cookie)).await.status, 200);
}

#[test]
fn rejects_a_throttle_without_addresses() {
    let setup = Setup::new();
    let throttle = || throttle(&setup).without_addresses().build().unwrap();
    let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone());
    let error = routes.refresh_throttle(throttle()).build().unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Ineffective);
    let cookies = SessionCookies::builder().public_origin("https://app.example").build().unwrap();
    let routes = SessionRoutes::builder(setup.issuer(), setup.users.clone(), &cookies);
    let error = routes.refresh_throttle(throttle()).build().unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Ineffective);
}
