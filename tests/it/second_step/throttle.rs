//! Logins in two steps with a throttle.

use std::{net::SocketAddr, time::Duration};

use axum::{Router, extract::ConnectInfo};
use serde_json::{Value, json};
use tower_jwt_auth::{
    TokenRoutes,
    routes::SessionRoutes,
    store::{AttemptLimit, MemoryStore},
    throttle::{Throttle, ThrottleBuilder},
};

use crate::support::{
    login::{PASSWORD, Setup, payload},
    reply::{Reply, post, send},
};

use super::{CODE, Careful, Codes, cookies, outcome, rejected};

const HOME: [u8; 4] = [192, 0, 2, 1];
const ELSEWHERE: [u8; 4] = [198, 51, 100, 1];

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
        for _ in 0..100 {
            assert_eq!(app.complete(HOME, "step", "000000").await.status, 401);
        }
        assert_eq!(outcome(&app.complete(HOME, "step", "000000").await), throttled());
        assert_eq!(outcome(&app.log_in(HOME, "2", "wrong").await), throttled());
    }
}

#[tokio::test]
async fn codes_count_for_the_user_whatever_the_login() {
    let setup = Setup::new();
    for app in apps(&setup) {
        let steps = [app.step(HOME).await, app.step(HOME).await, app.step(HOME).await];
        for step in &steps[..2] {
            for _ in 0..5 {
                let reply = app.complete(HOME, step, "000000").await;
                assert_eq!(outcome(&reply), rejected("invalid_code"));
            }
        }
        // More often than a step can be tried: a user who must wait uses no try up.
        for code in ["000000", CODE].repeat(5) {
            let reply = app.complete(HOME, &steps[2], code).await;
            assert_eq!((outcome(&reply), reply.header("retry-after")), (throttled(), vec!["30"]));
        }
        setup.clock.advance(Duration::from_secs(30));
        assert_eq!(app.complete(HOME, &steps[2], CODE).await.status, 200);
        // The right code has reset the limit.
        let step = app.step(HOME).await;
        for _ in 0..5 {
            let reply = app.complete(HOME, &step, "000000").await;
            assert_eq!(outcome(&reply), rejected("invalid_code"));
        }
    }
}

#[tokio::test]
async fn a_completed_login_is_taken_back_where_it_was_counted() {
    for app in apps(&Setup::new()) {
        for _ in 0..120 {
            let step = app.step(HOME).await;
            assert_eq!(app.complete(ELSEWHERE, &step, CODE).await.status, 200);
        }
        for number in 0..99 {
            app.log_in(ELSEWHERE, &format!("name{number}"), "wrong").await;
        }
        // Takes back no attempt that others have made at this address.
        let step = app.step(HOME).await;
        assert_eq!(app.complete(ELSEWHERE, &step, CODE).await.status, 200);
        assert_eq!(app.log_in(ELSEWHERE, "name", "wrong").await.status, 401);
        assert_eq!(outcome(&app.log_in(ELSEWHERE, "name", "wrong").await), throttled());
    }
}

#[tokio::test]
async fn an_attempt_that_is_forgotten_is_not_taken_back() {
    let setup = Setup::new();
    let limit = AttemptLimit::new(10).unwrap().with_recovery(Duration::from_secs(60)).unwrap();
    for app in apps_with(&setup, |throttle| throttle.per_address(limit)) {
        let step = app.step(HOME).await;
        setup.clock.advance(Duration::from_secs(60));
        for number in 0..9 {
            app.log_in(HOME, &format!("name{number}"), "wrong").await;
        }
        assert_eq!(app.complete(HOME, &step, CODE).await.status, 200);
        assert_eq!(app.log_in(HOME, "name", "wrong").await.status, 401);
        assert_eq!(outcome(&app.log_in(HOME, "name", "wrong").await), throttled());
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
        assert_eq!(members, ["account", "address", "at", "id"]);
        // Hashes of 16 bytes.
        assert_eq!(attempt["account"].as_str().unwrap().len(), 22);
        assert_eq!(attempt["address"].as_str().unwrap().len(), 22);
    }
}
