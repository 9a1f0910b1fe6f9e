//! Calls: which commands they send, and what happens when they are concurrent or repeated.

use std::{
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    num::NonZeroUsize,
    time::Duration,
};

use tower_jwt_auth::{
    store::{Page, Revocation, Spend, Spent, TokenStore},
    token::UserId,
};

use super::{END, at, is_access_revoked, one_is_first, session, spend};
use crate::support::redis::{RedisServer, is_installed, shared};

#[tokio::test]
async fn every_call_is_one_script() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let (store, user) = (server.store(), UserId::from("ada"));
    let end = Revocation::User { user_id: &user, except: Some("s"), keep_until: END };
    let token = Revocation::Token { jti: "t", user_id: &user, keep_until: END };
    let other = Revocation::Session { session_id: "o", user_id: &user, keep_until: END };
    let limited = session(&user, "s", "0").with_limit(NonZeroUsize::new(2));
    // The first round loads the scripts, and in the second one the entries exist.
    for round in 0..2 {
        let mut monitor = BufReader::new(TcpStream::connect(("127.0.0.1", server.port())).unwrap());
        monitor.get_mut().write_all(b"MONITOR\r\n").unwrap();
        let mut line = String::new();
        monitor.read_line(&mut line).unwrap();
        assert_eq!(line, "+OK\r\n");

        store.generation().await.unwrap();
        store.begin(&limited).await.unwrap();
        spend(&store, &user, "s", "0", "1").await.unwrap();
        spend(&store, &user, "unknown", "0", "1").await.unwrap();
        is_access_revoked(&store, &user, "s").await.unwrap();
        store.sessions(&user, at(0), Page::first()).await.unwrap();
        store.ping().await.unwrap();
        for revocation in [&token, &other, &end] {
            store.revoke(revocation, at(0)).await.unwrap();
        }
        store.purge(at(0), 10).await.unwrap();
        server.run::<String>("ECHO end").await;

        let mut commands = Vec::new();
        while !line.contains("\"end\"") {
            line.clear();
            monitor.read_line(&mut line).unwrap();
            let within_script = line.contains(" lua] ");
            let connection_commands = ["\"HELLO\"", "\"CLIENT\"", "\"SELECT\"", "\"ECHO\""];
            if !within_script && !connection_commands.iter().any(|name| line.contains(name)) {
                commands.push(line.clone());
            }
        }
        let in_full = commands.iter().filter(|line| line.contains("\"EVAL\"")).count();
        let by_hash = commands.iter().filter(|line| line.contains("\"EVALSHA\"")).count();
        // A second script raises the generation when a user is revoked, and `spend` is called twice.
        assert_eq!((in_full, by_hash), (if round == 0 { 10 } else { 0 }, 11), "{commands:?}");
        assert_eq!(commands.len(), in_full + by_hash, "nothing else is sent: {commands:?}");
    }
}

#[tokio::test]
async fn sends_scripts_again_that_the_server_forgot() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let (store, user) = (server.store(), UserId::from("ada"));
    store.begin(&session(&user, "s", "0")).await.unwrap();
    for round in 0..3 {
        server.run::<String>("SCRIPT FLUSH").await;
        let (refresh, successor) = (round.to_string(), (round + 1).to_string());
        let spent = spend(&store, &user, "s", &refresh, &successor).await.unwrap();
        assert_eq!(spent, Spent::First);
        assert!(!is_access_revoked(&store, &user, "s").await.unwrap());
    }
}

#[tokio::test]
async fn a_repeated_call_with_the_same_ids_has_the_same_result() {
    let Some(server) = shared() else { return };
    let (store, user) = (server.store(), UserId::from("repeating"));
    for _ in 0..2 {
        store.begin(&session(&user, "s", "0")).await.unwrap();
    }
    for _ in 0..2 {
        assert_eq!(spend(&store, &user, "s", "0", "1").await.unwrap(), Spent::First);
    }
    let again = Spend::new(&session(&user, "s", "0"), at(0), "2");
    let again = again.with_grace(Duration::from_secs(10));
    for _ in 0..2 {
        let spent = store.spend(&again).await.unwrap();
        assert_eq!(spent, Spent::Again { successor: "1".into(), at: at(0) });
    }
    for _ in 0..2 {
        assert_eq!(spend(&store, &user, "s", "0", "3").await.unwrap(), Spent::Reused);
    }
    assert_eq!(spend(&store, &user, "s", "0", "4").await.unwrap(), Spent::Revoked);

    let adoption = Spend::new(&session(&user, "a", "a"), at(0), "b").with_adoption(true);
    for _ in 0..2 {
        assert_eq!(store.spend(&adoption).await.unwrap(), Spent::First);
    }

    store.begin(&session(&user, "kept", "0")).await.unwrap();
    store.begin(&session(&user, "lost", "0")).await.unwrap();
    let end = Revocation::User { user_id: &user, except: Some("kept"), keep_until: END };
    for _ in 0..2 {
        store.revoke(&end, at(0)).await.unwrap();
        let sessions = store.sessions(&user, at(0), Page::first()).await.unwrap().sessions;
        assert_eq!(sessions.iter().map(|session| &*session.id).collect::<Vec<_>>(), ["kept"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_concurrent_spends_over_two_connections_is_first() {
    let Some(server) = shared() else { return };
    let stores = [server.store(), server.store()];
    one_is_first(&stores, 40).await;
}
