//! A user with many sessions costs the others nothing.

use std::num::NonZeroUsize;

use futures::{StreamExt, stream};
use tower_jwt_auth::{
    store::{NewSession, Page, RedisStore, Revocation, TokenStore},
    token::UserId,
};

use super::{END, at, is_access_revoked, session, spend};
use crate::support::redis::{RedisServer, is_installed};

const FEW: usize = 10;
const MANY: usize = 10_000;
/// Calls between two looks at the server's statistics.
const CALLS: usize = 40;
const ROUNDS: usize = 5;

/// A user with so many live sessions, named by their numbers.
async fn user_with(store: &RedisStore, name: &str, sessions: usize) -> UserId {
    let user = UserId::from(name);
    let logins = stream::iter(0..sessions).map(|number| {
        let (store, user) = (store.clone(), user.clone());
        async move {
            let id = number.to_string();
            store.begin(&session(&user, &id, "0")).await.unwrap();
        }
    });
    logins.buffer_unordered(64).collect::<Vec<_>>().await;
    user
}

/// Microseconds that the server takes for a call, in the fastest of some rounds.
async fn cost<F: Future<Output = ()>>(server: &RedisServer, call: impl Fn(usize) -> F) -> f64 {
    let mut fastest = f64::INFINITY;
    for round in 0..ROUNDS {
        server.run::<String>("CONFIG RESETSTAT").await;
        for number in 0..CALLS {
            call(round * CALLS + number).await;
        }
        fastest = fastest.min(cost_since_reset(server).await);
    }
    fastest
}

/// Microseconds that the server took for a call, on average.
async fn cost_since_reset(server: &RedisServer) -> f64 {
    let statistics: String = server.run("INFO commandstats").await;
    let line = statistics.lines().find(|line| line.starts_with("cmdstat_evalsha:"));
    let mean = line.unwrap().split("usec_per_call=").nth(1).unwrap();
    mean.split(',').next().unwrap().parse().unwrap()
}

#[tokio::test]
async fn calls_cost_the_same_with_many_sessions() {
    if !is_installed() {
        return;
    }
    // Without the log, since waiting for the disk would hide the cost of a script.
    let server = RedisServer::start(&["--appendonly", "no"]);
    let store = server.store();
    let users = [user_with(&store, "few", FEW).await, user_with(&store, "many", MANY).await];
    let limit = NonZeroUsize::new(MANY * 2);
    for what in [
        "is_revoked",
        "spend",
        "first page",
        "second page",
        "login",
        "login with a limit",
        "revoke_token",
        "revoke_session",
        "revoke_user",
    ] {
        let mut costs = Vec::new();
        for user in &users {
            let page = store.sessions(user, at(0), Page::first().with_limit(5)).await.unwrap();
            let cursor = page.next;
            let call = async |number: usize| {
                let id = format!("{what} {number}");
                match what {
                    "is_revoked" => drop(is_access_revoked(&store, user, "1").await.unwrap()),
                    "spend" => {
                        let (refresh, next) = (number.to_string(), (number + 1).to_string());
                        drop(spend(&store, user, "1", &refresh, &next).await.unwrap());
                    }
                    "first page" | "second page" => {
                        let page = match what {
                            "first page" => Page::first(),
                            _ => cursor.as_deref().map_or(Page::first(), Page::after),
                        };
                        store.sessions(user, at(0), page.with_limit(5)).await.unwrap();
                    }
                    "login" => drop(store.begin(&session(user, &id, "0")).await.unwrap()),
                    "login with a limit" => {
                        let login = session(user, &id, "0").with_limit(limit);
                        store.begin(&login).await.unwrap();
                    }
                    _ => {
                        let (id, user_id, keep_until) = (&*(number % FEW).to_string(), user, END);
                        let revocation = match what {
                            "revoke_token" => Revocation::Token { jti: id, user_id, keep_until },
                            "revoke_session" => {
                                Revocation::Session { session_id: id, user_id, keep_until }
                            }
                            _ => Revocation::User { user_id, except: None, keep_until },
                        };
                        store.revoke(&revocation, at(0)).await.unwrap();
                    }
                }
            };
            costs.push(cost(&server, call).await);
        }
        println!("{what}: {:.1} µs with few sessions, {:.1} µs with many", costs[0], costs[1]);
        assert!(costs[1] < 3.0 * costs[0] + 30.0, "{what}: {costs:?} µs");
    }
}

/// The default limit is 100 sessions: each further login ends one.
#[tokio::test]
async fn login_10_000_costs_what_login_200_costs() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&["--appendonly", "no"]);
    let (store, user) = (server.store(), UserId::from("ada"));
    let log_in = async |number: usize| {
        let (id, now) = (number.to_string(), at(number as u64));
        let expiry = at(number as u64 + 1_000_000);
        let login = NewSession::new(&id, &user, "0", now)
            .with_expiry(expiry, expiry)
            .with_access_until(at(number as u64 + 300))
            .with_limit(NonZeroUsize::new(100));
        store.begin(&login).await.unwrap();
    };
    for number in 0..200 {
        log_in(number).await;
    }
    let early = cost(&server, |number| log_in(200 + number)).await;
    for number in 400..10_000 {
        log_in(number).await;
    }
    let late = cost(&server, |number| log_in(10_000 + number)).await;
    println!("login 200: {early:.1} µs, login 10 000: {late:.1} µs");
    assert!(late < 2.0 * early + 20.0, "{early} and {late} µs");
}

/// A limit that is set later ends the surplus over several logins, and none of them takes long.
#[tokio::test]
async fn a_late_limit_blocks_nobody() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&["--appendonly", "no"]);
    let store = server.store();
    let user = user_with(&store, "many", MANY).await;
    let mut slowest: f64 = 0.0;
    for number in 0..=MANY / 100 {
        let id = format!("later {number}");
        let login = session(&user, &id, "0").with_limit(NonZeroUsize::new(3));
        server.run::<String>("CONFIG RESETSTAT").await;
        store.begin(&login).await.unwrap();
        slowest = slowest.max(cost_since_reset(&server).await);
    }
    println!("the slowest of the logins that end 100 sessions: {slowest:.0} µs");
    assert!(slowest < 20_000.0, "{slowest} µs");
    let page = store.sessions(&user, at(0), Page::first()).await.unwrap();
    assert_eq!((page.sessions.len(), page.next), (3, None), "the limit holds in the end");
}
