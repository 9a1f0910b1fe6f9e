//! How a store is made, and what it does not reveal.

use std::time::{Duration, Instant};

use tower_jwt_auth::{
    ConfigError, ConfigErrorKind,
    store::{Page, RedisStore, Spent, TokenStore},
    token::UserId,
};

use super::{at, chain, session, spend};
use crate::support::redis::{RedisServer, free_port, is_installed, shared};

/// Such connections reconnect by themselves.
#[tokio::test]
async fn uses_a_connection_of_the_application() {
    if !is_installed() {
        return;
    }
    let mut server = RedisServer::start(&[]);
    let client = redis::Client::open(server.url()).unwrap();
    let store = RedisStore::from(client.get_connection_manager().await.unwrap());
    let user = UserId::from("ada");
    store.begin(&session(&user, "s", "0")).await.unwrap();
    server.kill();
    store.begin(&session(&user, "t", "0")).await.unwrap_err();
    server.restart();
    let back = Instant::now();
    while store.begin(&session(&user, "t", "0")).await.is_err() {
        assert!(back.elapsed() < Duration::from_secs(2), "the store recovers");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(spend(&store, &user, "s", "0", "1").await.unwrap(), Spent::First);
}

#[tokio::test]
async fn prefixes_are_isolated() {
    let Some(server) = shared() else { return };
    let (shop, mail) = (
        server.store().with_prefix("shop:").unwrap(),
        server.store().with_prefix("mail:").unwrap(),
    );
    let user = UserId::from("prefixed");
    shop.begin(&session(&user, "s", "0")).await.unwrap();
    assert_eq!(spend(&mail, &user, "s", "0", "1").await.unwrap(), Spent::Revoked);
    assert_eq!(spend(&shop, &user, "s", "0", "1").await.unwrap(), Spent::First);
    assert_eq!(server.run::<i64>("EXISTS shop:2:{prefixed}").await, 1);
}

#[test]
fn rejects_invalid_settings() {
    let assert_rejected = |result: Result<RedisStore, ConfigError>| {
        assert_eq!(result.unwrap_err().kind(), ConfigErrorKind::OutOfRange);
    };
    for url in ["", "localhost", "http://localhost", "redis://localhost:port", "redis://h/db"] {
        assert_rejected(RedisStore::connect_lazy(url));
    }
    assert_rejected(RedisStore::connect_cluster_lazy([]));
    assert_rejected(RedisStore::connect_cluster_lazy(["redis://:one@a", "redis://:two@b"]));
    for prefix in ["", "a b", "{a}", "ä", "a\n", &"a".repeat(65)] {
        assert_rejected(RedisStore::connect_lazy("redis://localhost").unwrap().with_prefix(prefix));
    }
}

#[tokio::test]
async fn does_not_reveal_passwords() {
    let secret = "hunter2hunter2";
    let user = UserId::from("ada");
    let wrong = format!("redis://ada:{secret}@127.0.0.1:");
    let error = RedisStore::connect_lazy(&format!("{wrong}port")).unwrap_err();
    assert!(!chain(&error).contains(secret));

    let mut stores = vec![
        RedisStore::connect_lazy(&format!("{wrong}{}", free_port())).unwrap(),
        RedisStore::connect_cluster_lazy([&*format!("{wrong}{}", free_port())]).unwrap(),
    ];
    let server = is_installed().then(|| RedisServer::start(&["--requirepass", "another"]));
    if let Some(server) = &server {
        stores.push(RedisStore::connect_lazy(&format!("{wrong}{}", server.port())).unwrap());
    }
    for store in stores {
        assert!(!format!("{store:?}").contains(secret));
        let error = store.begin(&session(&user, "s", "0")).await.unwrap_err();
        let chain = chain(&error);
        assert!(!chain.contains(secret) && !chain.contains("ada"), "{chain}");
    }
    if let Some(server) = &server {
        let url = format!("redis://:another@127.0.0.1:{}", server.port());
        let store = RedisStore::connect_lazy(&url).unwrap();
        store.begin(&session(&user, "s", "0")).await.expect("the password is correct");
    }
}

#[tokio::test]
async fn tls_fails_on_a_server_without_tls() {
    let Some(server) = shared() else { return };
    let store = RedisStore::connect_lazy(&server.url().replace("redis:", "rediss:")).unwrap();
    store.sessions(&UserId::from("ada"), at(0), Page::first()).await.unwrap_err();
}
