//! Logins with a throttle, from the view of a client.

use std::net::SocketAddr;

use axum::{Router, body::Body, extract::ConnectInfo};
use http::Request;
use serde_json::{Value, json};
use tower_jwt_auth::{
    TokenRoutes,
    routes::SessionRoutes,
    store::MemoryStore,
    throttle::{ForwardedHeader, Throttle, ThrottleBuilder},
    transport::SessionCookies,
};

use crate::support::{
    login::{MINUTE, Outage, PASSWORD, Setup},
    reply::{self, Reply, post},
};

fn throttle(setup: &Setup) -> ThrottleBuilder {
    Throttle::builder(MemoryStore::new()).clock(&setup.clock)
}

fn app_with(setup: &Setup, throttle: Throttle) -> Router {
    let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone()).throttle(throttle);
    routes.at("/api/token").build().unwrap().into_router()
}

fn app(setup: &Setup) -> Router {
    app_with(setup, throttle(setup).build().unwrap())
}

fn session_app(setup: &Setup) -> Router {
    let cookies = SessionCookies::builder().public_origin("https://app.example").build().unwrap();
    let routes = SessionRoutes::builder(setup.issuer(), setup.users.clone(), &cookies);
    let routes = routes.throttle(throttle(setup).build().unwrap()).at("/api/token");
    routes.build().unwrap().into_router()
}

fn request_from(address: [u8; 4], path: &str, body: &Value) -> Request<Body> {
    let mut request = post(path, body.to_string());
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from((address, 4711))));
    request
}

async fn log_in(app: &Router, name: &str, password: &str) -> Reply {
    log_in_at(app, "/api/token/", [192, 0, 2, 1], name, password).await
}

async fn log_in_at(
    app: &Router,
    path: &str,
    address: [u8; 4],
    name: &str,
    password: &str,
) -> Reply {
    let body = json!({"username": name, "password": password});
    reply::send(app, request_from(address, path, &body)).await
}

fn assert_throttled(reply: &Reply, retry_after: &str) {
    assert_eq!(reply.status, 429, "{reply:?}");
    assert_eq!(reply.header("retry-after"), [retry_after]);
    assert_eq!(reply.header("cache-control"), ["no-store"]);
    assert!(reply.header("www-authenticate").is_empty());
    let body = json!({"detail": "Too many attempts. Try again later.", "code": "throttled"});
    assert_eq!(reply.json(), body);
}

#[tokio::test]
async fn known_and_unknown_accounts_are_limited_alike() {
    let setup = Setup::new();
    for (app, path) in [(app(&setup), "/api/token/"), (session_app(&setup), "/api/token")] {
        for name in ["1", "nobody"] {
            let address = [192, 0, 2, name.len().try_into().unwrap()];
            for _ in 0..10 {
                let reply = log_in_at(&app, path, address, name, "wrong").await;
                assert_eq!(reply.status, 401, "{reply:?}");
            }
            // The correct password too: otherwise it could be guessed on.
            for password in ["wrong", PASSWORD] {
                let reply = log_in_at(&app, path, address, name, password).await;
                assert_throttled(&reply, "30");
            }
        }
    }
}

#[tokio::test]
async fn a_login_resets_the_limit() {
    let setup = Setup::new();
    let app = app(&setup);
    for _ in 0..5 {
        for _ in 0..9 {
            assert_eq!(log_in(&app, "1", "wrong").await.status, 401);
        }
        assert_eq!(log_in(&app, "1", PASSWORD).await.status, 200);
    }
}

#[tokio::test]
async fn the_limit_ends_by_itself() {
    let setup = Setup::new();
    let app = app(&setup);
    for _ in 0..10 {
        log_in(&app, "1", "wrong").await;
    }
    assert_throttled(&log_in(&app, "1", PASSWORD).await, "30");
    setup.clock.advance(MINUTE / 2);
    assert_eq!(log_in(&app, "1", PASSWORD).await.status, 200);
    assert_eq!(log_in(&app, "1", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn no_password_is_checked_beyond_the_limit() {
    let setup = Setup::new();
    let app = app(&setup);
    for _ in 0..10 {
        log_in(&app, "1", "wrong").await;
    }
    setup.users.set(Outage::Unavailable);
    assert_throttled(&log_in(&app, "1", PASSWORD).await, "30");
}

#[tokio::test]
async fn logins_that_cannot_be_decided_do_not_count() {
    let setup = Setup::new();
    let app = app(&setup);
    for outage in [Outage::Unavailable, Outage::Overloaded] {
        setup.users.set(outage);
        for _ in 0..150 {
            assert_eq!(log_in(&app, "1", PASSWORD).await.status, 503);
        }
    }
    setup.users.set(Outage::None);
    assert_eq!(log_in(&app, "1", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn malformed_logins_do_not_count() {
    let setup = Setup::new();
    let app = app(&setup);
    for _ in 0..150 {
        let body = json!({"username": "1"});
        let reply = reply::send(&app, request_from([192, 0, 2, 1], "/api/token/", &body)).await;
        assert_eq!(reply.status, 400);
    }
    assert_eq!(log_in(&app, "1", PASSWORD).await.status, 200);
}

#[tokio::test]
async fn a_number_is_the_same_account_as_its_digits() {
    let setup = Setup::new();
    let app = app(&setup);
    for _ in 0..10 {
        log_in(&app, "1", "wrong").await;
    }
    let body = json!({"username": 1, "password": PASSWORD});
    let reply = reply::send(&app, request_from([192, 0, 2, 2], "/api/token/", &body)).await;
    assert_throttled(&reply, "30");
}

#[tokio::test]
async fn renamed_fields_name_the_account() {
    let setup = Setup::new();
    let throttle = throttle(&setup).build().unwrap();
    let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone()).throttle(throttle);
    let app = routes.rename_field("username", "email").build().unwrap().into_router();
    let body = json!({"email": "1", "password": "wrong"});
    for last in 0..10 {
        let reply = reply::send(&app, request_from([192, 0, 2, last], "/", &body)).await;
        assert_eq!(reply.status, 401);
    }
    let reply = reply::send(&app, request_from([192, 0, 2, 99], "/", &body)).await;
    assert_throttled(&reply, "30");
}

#[tokio::test]
async fn one_address_may_try_100_names() {
    let setup = Setup::new();
    let app = app(&setup);
    for index in 0..100 {
        assert_eq!(log_in(&app, &format!("user{index}"), "wrong").await.status, 401);
    }
    assert_throttled(&log_in(&app, "1", PASSWORD).await, "30");
    let elsewhere = log_in_at(&app, "/api/token/", [192, 0, 2, 2], "1", PASSWORD).await;
    assert_eq!(elsewhere.status, 200);
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_have_limits_of_their_own() {
    let setup = Setup::new();
    let throttle = throttle(&setup).trusted_proxies(1, ForwardedHeader::XForwardedFor);
    let app = app_with(&setup, throttle.build().unwrap());
    let send = async |name: &str, client: &str| {
        let body = json!({"username": name, "password": "wrong"});
        let mut request = request_from([192, 0, 2, 1], "/api/token/", &body);
        request.headers_mut().insert("x-forwarded-for", client.parse().unwrap());
        reply::send(&app, request).await
    };
    for index in 0..100 {
        // A client that writes an entry of its own gains nothing.
        let client = format!("10.0.0.{index}, 203.0.113.7");
        assert_eq!(send(&format!("user{index}"), &client).await.status, 401);
    }
    assert_throttled(&send("ada", "203.0.113.7").await, "30");
    assert_eq!(send("ada", "203.0.113.8").await.status, 401);
}

#[tokio::test]
async fn a_server_without_addresses_rejects_logins() {
    let setup = Setup::new();
    let body = json!({"username": "1", "password": PASSWORD});
    let reply = reply::send(&app(&setup), post("/api/token/", body.to_string())).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (500, &json!("misconfigured")));
}

#[tokio::test]
async fn throttled_logins_emit_an_event() {
    let setup = Setup::new();
    let app = app(&setup);
    for _ in 0..11 {
        log_in(&app, "1", "wrong").await;
    }
    let mut expected = vec!["LoginFailed InvalidCredentials"; 10];
    expected.push("LoginFailed Throttled");
    assert_eq!(setup.events.take(), expected);
}
