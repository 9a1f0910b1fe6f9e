//! A cluster, and outages of its nodes.

use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

use tower_jwt_auth::{
    store::{RedisStore, Revocation, Spent, TokenStore},
    token::UserId,
};

use super::{END, IN_TIME, at, chain, is_access_revoked, one_is_first, session, spend};
use crate::support::redis::{RedisCluster, is_installed};

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_is_one_store() {
    if !is_installed() {
        return;
    }
    let mut cluster = RedisCluster::start();
    let store = cluster.store();
    let users: Vec<_> = (0..60)
        .map(|count| UserId::from(format!("{{{}}}}}user{{{count}", ["", "a", "a}b"][count % 3])))
        .collect();
    for user in &users {
        store.begin(&session(user, "s", "0")).await.unwrap();
        store.begin(&session(user, "ended", "0")).await.unwrap();
        let kept = Revocation::User { user_id: user, except: Some("s"), keep_until: END };
        store.revoke(&kept, at(0)).await.unwrap();
        assert_eq!(spend(&store, user, "s", "0", "1").await.unwrap(), Spent::First);
    }
    let mut keys = BTreeSet::new();
    for node in cluster.nodes() {
        let here: Vec<String> = node.run("KEYS *").await;
        assert!(!here.is_empty(), "every node has some keys");
        keys.extend(here);
    }
    let expected = users.iter().flat_map(|user| {
        let key = format!("jwt:2:{{{}}}", user.as_str().replace('}', "%7D"));
        [format!("{key}:used"), key]
    });
    let expected = expected.chain(["jwt:2:generation".to_owned()]).collect();
    assert_eq!(keys, expected, "two keys per user, and the generation");
    one_is_first(&[store.clone(), cluster.store()], 10).await;

    // One node goes down. Calls for its users fail until it returns.
    cluster.nodes()[1].kill();
    let (mut known, mut unknown) = (0, 0);
    let called = Instant::now();
    for result in
        futures::future::join_all(users.iter().map(|user| is_access_revoked(&store, user, "ended")))
            .await
    {
        match result {
            Ok(revoked) => known += usize::from(revoked),
            Err(_) => unknown += 1,
        }
    }
    assert!(called.elapsed() < IN_TIME, "{:?}", called.elapsed());
    assert!(unknown > 0 && known + unknown == users.len(), "{known} and {unknown}");
    cluster.nodes()[1].restart();
    cluster.settle();
    recovers(&store, &users).await;

    // All nodes go down.
    for node in cluster.nodes() {
        node.kill();
    }
    let called = Instant::now();
    is_access_revoked(&store, &users[0], "s").await.unwrap_err();
    assert!(called.elapsed() < IN_TIME, "{:?}", called.elapsed());
    for node in cluster.nodes() {
        node.restart();
    }
    cluster.settle();
    recovers(&store, &users).await;
    for user in &users {
        assert_eq!(spend(&store, user, "s", "1", "2").await.unwrap(), Spent::First);
    }
}

/// Calls for each user succeed again before long, and ended sessions are still ended.
async fn recovers(store: &RedisStore, users: &[UserId]) {
    let back = Instant::now();
    for user in users {
        while let Err(error) = is_access_revoked(store, user, "ended").await {
            assert!(
                back.elapsed() < Duration::from_secs(2),
                "the store recovers: {}",
                chain(&error)
            );
        }
        assert!(is_access_revoked(store, user, "ended").await.unwrap(), "still ended");
    }
}
