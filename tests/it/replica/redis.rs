//! Redis as a feed.

use std::cell::RefCell;

use futures::TryStreamExt;
use tower_jwt_auth::store::{
    RedisStore, Revocation, TokenStore,
    replica::{RevocationFeed, RevocationReplica, Revoked},
};

use crate::support::{
    redis::{RedisCluster, RedisServer, is_installed, shared, shared_cluster},
    session::new_id,
};

use super::{
    KEEP_UNTIL, NOW,
    feed_rules::{self, Token, fresh},
    millis, secs,
};

feed_rules::feed_rules!("Redis");

/// Connects with a private prefix, which would match all keys if it were used as a pattern.
fn connector() -> Option<impl Fn() -> RedisStore> {
    let server = shared()?;
    let prefix = format!("replica*[^{}]?", new_id());
    Some(move || server.store().with_prefix(&prefix).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn loses_nothing_while_the_server_is_down() {
    if !is_installed() {
        return;
    }
    let server = RefCell::new(RedisServer::start(&[]));
    let connect = || server.borrow().store();
    let (stop, start) = (|| server.borrow_mut().kill(), || server.borrow_mut().restart());
    feed_rules::loses_nothing_while_the_server_is_down(connect(), connect(), stop, start).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn databases_are_isolated() {
    let Some(server) = shared() else { return };
    let prefix = &new_id();
    let connect = |database| {
        let url = format!("{}{database}", server.url());
        RedisStore::connect_lazy(&url).unwrap().with_prefix(prefix).unwrap()
    };
    let (first, second) = (fresh(connect(1)).await, fresh(connect(2)).await);
    let (token, marker) = (Token::new(), Token::new());
    token.revoke(&first).await;
    marker.revoke(second.store()).await;
    feed_rules::rejected(&second, &marker.as_ref()).await;
    assert_eq!(second.is_revoked_now(&token.as_ref()), Some(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn stops_deciding_when_the_server_is_suspended() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let replica = fresh(server.store()).await;
    let token = Token::new();
    assert_eq!(replica.is_revoked_now(&token.as_ref()), Some(false));
    server.signal("STOP");
    tokio::time::sleep(secs(1)).await;
    assert_eq!(replica.is_revoked_now(&token.as_ref()), None);
    server.signal("CONT");
    let fresh = tokio::time::timeout(secs(10), replica.until_fresh());
    fresh.await.expect("the replica recovers");
    token.revoke(replica.store()).await;
    feed_rules::rejected(&replica, &token.as_ref()).await;
    assert!(replica.is_revoked(&token.as_ref()).await.unwrap());
}

/// A master that became a replica still serves reads and messages. It may miss revocations.
#[tokio::test(flavor = "multi_thread")]
async fn stops_deciding_when_the_server_becomes_a_replica() {
    if !is_installed() {
        return;
    }
    let (server, master) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let replica = fresh(server.store()).await;
    let token = Token::new();
    assert_eq!(replica.is_revoked_now(&token.as_ref()), Some(false));
    server.run::<String>(&format!("REPLICAOF 127.0.0.1 {}", master.port())).await;
    tokio::time::sleep(secs(1)).await;
    for _ in 0..20 {
        assert_eq!(replica.is_revoked_now(&token.as_ref()), None);
        replica.is_revoked(&token.as_ref()).await.expect_err("reads fail, too");
        tokio::time::sleep(millis(100)).await;
    }
    server.run::<String>("REPLICAOF NO ONE").await;
    let fresh = tokio::time::timeout(secs(20), replica.until_fresh());
    fresh.await.expect("the replica recovers");
}

/// The end of a user's revocation is that of the call, whatever the clocks of Redis and of this
/// machine show.
#[tokio::test]
async fn loads_until_when_a_user_is_revoked() {
    let Some(connect) = connector() else { return };
    let (store, token) = (connect(), Token::new());
    let (user_id, except, keep_until) = (&token.user, None, KEEP_UNTIL);
    store.revoke(&Revocation::User { user_id, except, keep_until }, NOW).await.unwrap();
    let loaded: Vec<_> = store.live().try_concat().await.unwrap();
    assert!(matches!(&loaded[..], [Revoked::User { at, keep_until, .. }]
            if *at == NOW && *keep_until == KEEP_UNTIL));
}

#[tokio::test(flavor = "multi_thread")]
async fn ping_checks_the_store() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let replica = fresh(server.store()).await;
    replica.ping().await.unwrap();
    server.run::<String>("CONFIG SET maxmemory 1").await;
    replica.ping().await.expect_err("the server accepts no writes");
}

/// The rules hold for a cluster, too.
mod cluster {
    use super::*;

    feed_rules::feed_rules!("Redis Cluster");

    fn connector() -> Option<impl Fn() -> RedisStore> {
        let cluster = shared_cluster()?;
        let prefix = format!("replica-{}:", new_id());
        Some(move || cluster.store().with_prefix(&prefix).unwrap())
    }

    /// One node is enough: the revocations of its users may be missing.
    #[tokio::test(flavor = "multi_thread")]
    async fn stops_deciding_when_one_node_is_suspended() {
        if !is_installed() {
            return;
        }
        let mut cluster = RedisCluster::start();
        let replica = fresh(cluster.store()).await;
        let token = Token::new();
        for node in 0..3 {
            cluster.nodes()[node].signal("STOP");
            let stopped = std::time::Instant::now();
            while let Some(is_revoked) = replica.is_revoked_now(&token.as_ref()) {
                assert!(!is_revoked);
                assert!(stopped.elapsed() < secs(2), "the replica decides beyond `max_age`");
                tokio::time::sleep(millis(5)).await;
            }
            cluster.nodes()[node].signal("CONT");
            cluster.settle();
            let fresh = tokio::time::timeout(secs(30), replica.until_fresh());
            fresh.await.expect("the replica recovers");
        }
        token.revoke(replica.store()).await;
        feed_rules::rejected(&replica, &token.as_ref()).await;
    }

    /// Some slots move to a new master, to which the replica subscribes, too.
    #[tokio::test(flavor = "multi_thread")]
    async fn follows_slots_that_move() {
        if !is_installed() {
            return;
        }
        let mut cluster = RedisCluster::start();
        let (here, there) = (fresh(cluster.store()).await, cluster.store());
        let before = Token::new();
        before.revoke(&there).await;
        feed_rules::rejected(&here, &before.as_ref()).await;
        cluster.grow();
        let replica = tokio::time::timeout(secs(30), here.until_fresh());
        replica.await.expect("the replica recovers");
        for _ in 0..20 {
            let after = Token::new();
            after.revoke(&there).await;
            // Until it has subscribed to the new master, the replica may only abstain.
            assert_ne!(decision(&here, &after).await, Some(false));
        }
        assert_eq!(decision(&here, &before).await, Some(true));
    }

    /// The decision when everything is known that was revoked by now.
    async fn decision(replica: &RevocationReplica<RedisStore>, token: &Token) -> Option<bool> {
        tokio::time::sleep(secs(1)).await;
        replica.is_revoked_now(&token.as_ref())
    }
}
