//! Concurrent refreshes of one token.

use std::time::{Duration, Instant};

use axum::Router;
use futures::future::join_all;
use http::StatusCode;
use serde_json::json;

use super::setup::{BLACKLIST, REFRESH, Site, log_in, member, post, rotating};

/// The number of concurrent clients in each of two processes.
const CLIENTS: usize = 16;
/// On a busy machine the database may exceed the deadline, and clients retry for this long.
const RETRY_FOR: Duration = Duration::from_secs(60);

struct Outcome {
    has_won: bool,
    /// Whether a response was 503.
    was_retried: bool,
}

/// Sends until the response is final. A loser must get `Token is blacklisted`.
async fn send(app: &Router, path: &str, refresh: &str) -> Outcome {
    let (body, began) = (json!({ "refresh": refresh }), Instant::now());
    let mut was_retried = false;
    loop {
        let reply = post(app, path, &body).await;
        match reply.status {
            StatusCode::OK => return Outcome { has_won: true, was_retried },
            StatusCode::SERVICE_UNAVAILABLE if began.elapsed() < RETRY_FOR => was_retried = true,
            _ => {
                assert_eq!(member(&reply, "detail"), "Token is blacklisted");
                return Outcome { has_won: false, was_retried };
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_concurrent_requests_wins() {
    let site = Site::with_blacklist_app().await;
    // Two processes on one database.
    let apps = [site.app(&rotating()), site.app(&rotating())];
    let mut wins = 0;
    for _ in 0..5 {
        for path in [REFRESH, BLACKLIST] {
            let refresh = member(&log_in(&apps[0]).await, "refresh");
            let sending = apps.iter().flat_map(|app| [app; CLIENTS]);
            let outcomes = join_all(sending.map(|app| send(app, path, &refresh))).await;
            let won = outcomes.iter().filter(|outcome| outcome.has_won).count();
            // A client that wins but misses the deadline loses its retry.
            let may_be_lost = outcomes.iter().any(|outcome| outcome.was_retried);
            assert!(won == 1 || won == 0 && may_be_lost, "{path}: {won} won");
            wins += won;
        }
    }
    assert_ne!(wins, 0);
}
