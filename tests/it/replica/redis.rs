//! Redis as a feed.

use std::cell::RefCell;

use tower_jwt_auth::store::{RedisStore, RevocationReplica, TokenStore};

use crate::support::{
    redis::{RedisCluster, RedisServer, is_installed, shared, shared_cluster},
    session::new_id,
};

use super::{
    millis, secs,
    server::{self, Token, fresh},
};

server::feed_rules!("Redis");

/// Connects to keys of its own, whose prefix would match all others if it were a pattern.
fn connector() -> Option<impl Fn() -> RedisStore> {
    let server = shared()?;
    let prefix = format!("replica*[^{}]?", new_id());
    Some(move || server.store().with_prefix(&prefix).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missed_while_the_server_is_away() {
    if !is_installed() {
        return;
    }
    let server = RefCell::new(RedisServer::start(&[]));
    let connect = || server.borrow().store();
    let (stop, start) = (|| server.borrow_mut().kill(), || server.borrow_mut().restart());
    server::nothing_is_missed_while_away(connect(), connect(), stop, start).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_keys_in_another_database_are_others() {
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
    server::refused(&second, &marker.as_ref()).await;
    assert_eq!(second.is_revoked_now(&token.as_ref()), Some(false));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_stands_still_is_not_believed_for_long() {
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
    server::refused(&replica, &token.as_ref()).await;
    assert!(replica.is_revoked(&token.as_ref()).await.unwrap());
}

#[tokio::test(flavor = "multi_thread")]
async fn its_health_is_that_of_the_store() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let replica = fresh(server.store()).await;
    replica.ping().await.unwrap();
    server.run::<String>("CONFIG SET maxmemory 1").await;
    replica.ping().await.expect_err("nothing can be written");
}

/// What holds of a server holds of a cluster.
mod cluster {
    use super::*;

    server::feed_rules!("Redis Cluster");

    fn connector() -> Option<impl Fn() -> RedisStore> {
        let cluster = shared_cluster()?;
        let prefix = format!("replica-{}:", new_id());
        Some(move || cluster.store().with_prefix(&prefix).unwrap())
    }

    /// All nodes but one go on, and one is enough to know nothing for sure.
    #[tokio::test(flavor = "multi_thread")]
    async fn one_node_that_stands_still_is_not_believed_for_long() {
        if !is_installed() {
            return;
        }
        let mut cluster = RedisCluster::start();
        let replica = fresh(cluster.store()).await;
        let token = Token::new();
        for node in 0..3 {
            cluster.nodes()[node].signal("STOP");
            let stopped = std::time::Instant::now();
            while let Some(answer) = replica.is_revoked_now(&token.as_ref()) {
                assert!(!answer);
                assert!(stopped.elapsed() < secs(2), "the replica answers beyond its bound");
                tokio::time::sleep(millis(5)).await;
            }
            cluster.nodes()[node].signal("CONT");
            cluster.settle();
            let fresh = tokio::time::timeout(secs(30), replica.until_fresh());
            fresh.await.expect("the replica recovers");
        }
        token.revoke(replica.store()).await;
        server::refused(&replica, &token.as_ref()).await;
    }

    /// The master of some slots becomes another one, which the replica then listens to.
    #[tokio::test(flavor = "multi_thread")]
    async fn slots_that_move_are_followed() {
        if !is_installed() {
            return;
        }
        let mut cluster = RedisCluster::start();
        let (here, there) = (fresh(cluster.store()).await, cluster.store());
        let before = Token::new();
        before.revoke(&there).await;
        server::refused(&here, &before.as_ref()).await;
        cluster.grow();
        let replica = tokio::time::timeout(secs(30), here.until_fresh());
        replica.await.expect("the replica recovers");
        for _ in 0..20 {
            let after = Token::new();
            after.revoke(&there).await;
            // Until it has noticed that there is another master, it may only not answer.
            assert_ne!(answered(&here, &after).await, Some(false));
        }
        assert_eq!(answered(&here, &before).await, Some(true));
    }

    /// What is known once everything is that has been revoked by now.
    async fn answered(replica: &RevocationReplica<RedisStore>, token: &Token) -> Option<bool> {
        tokio::time::sleep(secs(1)).await;
        replica.is_revoked_now(&token.as_ref())
    }
}
