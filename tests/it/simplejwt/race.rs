//! Many refreshes of one token at once.

use std::time::{Duration, Instant};

use axum::Router;
use futures::future::join_all;
use http::StatusCode;
use serde_json::json;

use super::setup::{BLACKLIST, REFRESH, Site, log_in, member, post, rotating};

/// How many ask at once, in each of two processes.
const CLIENTS: usize = 16;
/// On a machine that does much else, the database may be slower than callers have to wait.
const PATIENCE: Duration = Duration::from_secs(60);

struct Outcome {
    has_won: bool,
    /// Whether it was first told to ask again.
    was_put_off: bool,
}

/// Asks until there is an answer; who loses must be told that the token is blacklisted.
async fn ask(app: &Router, path: &str, refresh: &str) -> Outcome {
    let (body, began) = (json!({ "refresh": refresh }), Instant::now());
    let mut was_put_off = false;
    loop {
        let reply = post(app, path, &body).await;
        match reply.status {
            StatusCode::OK => return Outcome { has_won: true, was_put_off },
            StatusCode::SERVICE_UNAVAILABLE if began.elapsed() < PATIENCE => was_put_off = true,
            _ => {
                assert_eq!(member(&reply, "detail"), "Token is blacklisted");
                return Outcome { has_won: false, was_put_off };
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_wins() {
    let site = Site::new().await;
    // Two processes on one database.
    let apps = [site.app_with_blacklist(&rotating()), site.app_with_blacklist(&rotating())];
    let mut wins = 0;
    for _ in 0..5 {
        for path in [REFRESH, BLACKLIST] {
            let refresh = member(&log_in(&apps[0]).await, "refresh");
            let asking = apps.iter().flat_map(|app| [app; CLIENTS]);
            let outcomes = join_all(asking.map(|app| ask(app, path, &refresh))).await;
            let won = outcomes.iter().filter(|outcome| outcome.has_won).count();
            // Who won and was not told in time has lost when it asks again.
            let may_be_lost = outcomes.iter().any(|outcome| outcome.was_put_off);
            assert!(won == 1 || won == 0 && may_be_lost, "{path}: {won} won");
            wins += won;
        }
    }
    assert_ne!(wins, 0);
}
