//! The generation, which is a key of its own and may be lost alone.

use tower_jwt_auth::{
    store::{Begun, RedisStore, Revocation, TokenStore},
    token::UserId,
};

use super::{END, at, is_access_revoked, session};
use crate::support::redis::{RedisServer, is_installed};

async fn revoke(store: &RedisStore, user_id: &UserId) {
    let revocation = Revocation::User { user_id, except: None, keep_until: END };
    store.revoke(&revocation, at(0)).await.unwrap();
}

async fn log_in(store: &RedisStore, user: &UserId, id: &str) -> Begun {
    let generation = store.generation().await.unwrap();
    let login = session(user, id, "0").with_generation(Some(generation));
    store.begin(&login).await.unwrap()
}

#[tokio::test]
async fn a_lost_generation_locks_nobody_out() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let (store, ada, bob) = (server.store(), UserId::from("ada"), UserId::from("bob"));
    for _ in 0..9 {
        revoke(&store, &ada).await;
    }
    server.run::<i64>("DEL jwt:2:generation").await;
    assert_eq!(log_in(&store, &ada, "s").await, Begun::UserRevoked);
    assert_ne!(log_in(&store, &ada, "s").await, Begun::UserRevoked, "the generation is restored");
    assert_ne!(log_in(&store, &bob, "s").await, Begun::UserRevoked);
}

#[tokio::test]
async fn a_lost_generation_spares_no_session() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let (store, ada, bob) = (server.store(), UserId::from("ada"), UserId::from("bob"));
    for _ in 0..9 {
        revoke(&store, &bob).await;
    }
    log_in(&store, &ada, "s").await;
    assert!(!is_access_revoked(&store, &ada, "s").await.unwrap());
    server.run::<i64>("DEL jwt:2:generation").await;
    revoke(&store, &ada).await;
    assert!(is_access_revoked(&store, &ada, "s").await.unwrap(), "the session has ended");
    assert_ne!(log_in(&store, &ada, "t").await, Begun::UserRevoked);

    // A revoked user is revoked again after the loss.
    revoke(&store, &bob).await;
    log_in(&store, &bob, "t").await;
    server.run::<i64>("DEL jwt:2:generation").await;
    revoke(&store, &bob).await;
    assert!(is_access_revoked(&store, &bob, "t").await.unwrap(), "the session has ended");
}

/// A login may not begin with a generation from a server that has become a replica.
#[tokio::test]
async fn a_replica_has_no_generation() {
    if !is_installed() {
        return;
    }
    let (server, master) = (RedisServer::start(&[]), RedisServer::start(&[]));
    let store = server.store();
    store.generation().await.unwrap();
    server.run::<String>(&format!("REPLICAOF 127.0.0.1 {}", master.port())).await;
    store.generation().await.unwrap_err();
}
