//! Logins in two steps with a throttle.

use std::net::SocketAddr;

use axum::{Router, extract::ConnectInfo};
use serde_json::{Value, json};
use tower_jwt_auth::{
    TokenRoutes,
    routes::SessionRoutes,
    store::MemoryStore,
    throttle::{Throttle, ThrottleBuilder},
};

use crate::support::{
    login::{PASSWORD, Setup, payload},
    reply::{Reply, post, send},
};

use super::{CODE, Careful, Codes, cookies, outcome, rejected};

const HOME: [u8; 4] = [192, 0, 2, 1];

/// Clients at addresses, of an application with one kind of routes.
struct Clients {
    router: Router,
    base: &'static str,
}

fn throttle(setup: &Setup) -> ThrottleBuilder {
    Throttle::builder(MemoryStore::new()).clock(&setup.clock)
}

/// The application with the token routes and with the session routes, each with a throttle of its own.
fn apps_with(setup: &Setup, throttle: impl Fn(ThrottleBuilder) -> ThrottleBuilder) -> [Clients; 2] {
    let users = Careful(setup.users.clone());
    let throttle = || throttle(self::throttle(setup)).build().unwrap();
    let tokens = TokenRoutes::builder(setup.issuer(), users.clone()).at("/token");
    let tokens = tokens.second_factor(Codes::default()).throttle(throttle()).build().unwrap();
    let sessions = SessionRoutes::builder(setup.issuer(), users, &cookies()).at("/session");
    let sessions = sessions.second_factor(Codes::default()).throttle(throttle()).build().unwrap();
    [
        Clients { router: tokens.into_router(), base: "/token" },
        Clients { router: sessions.into_router(), base: "/session" },
    ]
}

fn apps(setup: &Setup) -> [Clients; 2] {
    apps_with(setup, |throttle| throttle)
}

impl Clients {
    async fn send(&self, address: [u8; 4], path: &str, body: Value) -> Reply {
        let mut request = post(&format!("{}{path}", self.base), body.to_string());
        request.extensions_mut().insert(ConnectInfo(SocketAddr::from((address, 4711))));
        send(&self.router, request).await
    }

    async fn log_in(&self, address: [u8; 4], name: &str, password: &str) -> Reply {
        self.send(address, "/", json!({ "username": name, "password": password })).await
    }

    async fn complete(&self, address: [u8; 4], step: &str, code: &str) -> Reply {
        self.send(address, "/second-factor", json!({ "step": step, "code": code })).await
    }

    async fn step(&self, address: [u8; 4]) -> String {
        let reply = self.log_in(address, "1", PASSWORD).await;
        assert_eq!(outcome(&reply), rejected("second_factor_required"));
        reply.json()["step"].as_str().unwrap().to_owned()
    }

    async fn log_in_fully(&self, address: [u8; 4]) {
        let reply = self.complete(address, &self.step(address).await, CODE).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

fn throttled() -> (u16, String) {
    (429, "throttled".to_owned())
}

#[tokio::test]
async fn right_passwords_without_a_code_stay_counted() {
    for app in apps(&Setup::new()) {
        for _ in 0..10 {
            app.step(HOME).await;
        }
        assert_eq!(outcome(&app.log_in(HOME, "1", PASSWORD).await), throttled());
    }
}

#[tokio::test]
async fn a_completed_second_step_resets_the_account() {
    for app in apps(&Setup::new()) {
        for _ in 0..5 {
            for _ in 0..9 {
                let reply = app.log_in(HOME, "1", "wrong").await;
                assert_eq!(outcome(&reply), rejected("invalid_credentials"));
            }
            app.log_in_fully(HOME).await;
        }
    }
}

#[tokio::test]
async fn a_wrong_code_resets_nothing() {
    for app in apps(&Setup::new()) {
        for _ in 0..10 {
            let reply = app.complete(HOME, &app.step(HOME).await, "000000").await;
            assert_eq!(outcome(&reply), rejected("invalid_code"));
        }
        assert_eq!(outcome(&app.log_in(HOME, "1", PASSWORD).await), throttled());
    }
}

#[tokio::test]
async fn a_step_of_a_blocked_account_can_be_completed() {
    for app in apps(&Setup::new()) {
        let step = app.step(HOME).await;
        // Somebody else blocks the account.
        for _ in 0..9 {
            app.log_in([192, 0, 2, 2], "1", "wrong").await;
        }
        assert_eq!(outcome(&app.log_in(HOME, "1", PASSWORD).await), throttled());
        assert_eq!(app.complete(HOME, &step, CODE).await.status, 200);
        app.log_in_fully(HOME).await;
    }
}

#[tokio::test]
async fn completed_logins_do_not_count_for_the_address() {
    for app in apps(&Setup::new()) {
        for _ in 0..120 {
            app.log_in_fully(HOME).await;
        }
    }
}

#[tokio::test]
async fn codes_count_for_the_address() {
    for app in apps(&Setup::new()) {
        let step = app.step([192, 0, 2, 2]).await;
        for _ in 0..100 {
            assert_eq!(app.complete(HOME, &step, "000000").await.status, 401);
        }
        assert_eq!(outcome(&app.complete(HOME, &step, "000000").await), throttled());
        assert_eq!(outcome(&app.log_in(HOME, "2", "wrong").await), throttled());
    }
}

#[tokio::test]
async fn codes_that_cannot_be_decided_do_not_count_for_the_address() {
    for app in apps(&Setup::new()) {
        for _ in 0..30 {
            let step = app.step([192, 0, 2, 2]).await;
            for _ in 0..4 {
                assert_eq!(app.complete(HOME, &step, "outage").await.status, 503);
            }
            assert_eq!(app.complete([192, 0, 2, 2], &step, CODE).await.status, 200);
        }
        app.log_in_fully(HOME).await;
    }
}

#[tokio::test]
async fn malformed_second_steps_do_not_count() {
    for app in apps(&Setup::new()) {
        for _ in 0..120 {
            assert_eq!(app.send(HOME, "/second-factor", json!({})).await.status, 400);
        }
        app.log_in_fully(HOME).await;
    }
}

#[tokio::test]
async fn a_throttle_without_addresses_limits_accounts() {
    let setup = Setup::new();
    for app in apps_with(&setup, ThrottleBuilder::without_addresses) {
        for _ in 0..9 {
            app.log_in(HOME, "1", "wrong").await;
        }
        app.log_in_fully(HOME).await;
        app.log_in_fully(HOME).await;
    }
}

#[tokio::test]
async fn the_step_contains_neither_name_nor_address() {
    for app in apps(&Setup::new()) {
        let attempt = payload(&app.step(HOME).await)["login_attempt"].clone();
        let members: Vec<_> = attempt.as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["account", "at", "id"]);
        // A hash of 16 bytes.
        assert_eq!(attempt["account"].as_str().unwrap().len(), 22);
    }
}
