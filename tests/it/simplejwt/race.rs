//! Many refreshes of one token at once.

use axum::Router;
use futures::future::join_all;
use http::StatusCode;
use serde_json::json;

use super::setup::{BLACKLIST, REFRESH, Site, log_in, member, post, rotating};

/// How many of some requests at once succeed; the others must say that the token is blacklisted.
async fn winners(app: &Router, path: &str, refresh: &str) -> usize {
    let body = json!({ "refresh": refresh });
    let replies = join_all((0..6).map(|_| post(app, path, &body))).await;
    let (won, lost): (Vec<_>, Vec<_>) =
        replies.iter().partition(|reply| reply.status == StatusCode::OK);
    for reply in lost {
        assert_eq!(member(reply, "detail"), "Token is blacklisted");
    }
    won.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_wins() {
    let site = Site::new().await;
    // Two processes on one database.
    let apps = [site.app_with_blacklist(&rotating()), site.app_with_blacklist(&rotating())];
    for _ in 0..5 {
        for path in [REFRESH, BLACKLIST] {
            let refresh = member(&log_in(&apps[0]).await, "refresh");
            let won = join_all(apps.iter().map(|app| winners(app, path, &refresh))).await;
            assert_eq!(won.iter().sum::<usize>(), 1, "{path}");
        }
    }
}
