//! Servers that are down, return, lose their data, or reject writes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI32, AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::net::TcpListener;
use tower_jwt_auth::{
    store::{Page, RedisStore, Revocation, Spent, TokenRef, TokenStore},
    token::UserId,
};

use super::{END, at, is_access_revoked, session, spend};
use crate::support::redis::{RedisServer, is_installed};

/// How long a busy machine may take for a call.
const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn a_server_may_be_started_after_the_store() {
    if !is_installed() {
        return;
    }
    let mut server = RedisServer::start(&[]);
    server.kill();
    let (store, user) = (server.store(), UserId::from("ada"));
    let login = session(&user, "s", "0");
    let called = Instant::now();
    store.begin(&login).await.unwrap_err();
    assert!(called.elapsed() < Duration::from_millis(500), "a refused connection fails at once");
    server.restart();
    store.begin(&login).await.expect("the first call succeeds");

    server.kill();
    server.restart();
    let spent = spend(&store, &user, "s", "0", "1").await;
    assert_eq!(spent.expect("the first call succeeds over a broken connection, too"), Spent::First);
}

/// After a failover, a name may lead to another server while the old one is still running.
#[tokio::test(flavor = "multi_thread")]
async fn leaves_a_server_that_became_a_replica() {
    if !is_installed() {
        return;
    }
    let servers = [RedisServer::start(&[]), RedisServer::start(&[])];
    let target = Arc::new(AtomicU16::new(servers[0].port()));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("redis://{}/", listener.local_addr().unwrap());
    tokio::spawn({
        let target = Arc::clone(&target);
        async move {
            while let Ok((mut client, _)) = listener.accept().await {
                let port = target.load(Ordering::SeqCst);
                tokio::spawn(async move {
                    let mut server =
                        tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                    let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
                });
            }
        }
    });
    let (store, user) = (RedisStore::connect_lazy(&url).unwrap(), UserId::from("ada"));
    store.begin(&session(&user, "s", "0")).await.unwrap();

    servers[0].run::<String>(&format!("REPLICAOF 127.0.0.1 {}", servers[1].port())).await;
    target.store(servers[1].port(), Ordering::SeqCst);
    store.begin(&session(&user, "t", "0")).await.expect("the new master is found");
    assert!(servers[1].run::<bool>("EXISTS jwt:2:{ada}").await);
}

#[tokio::test(flavor = "multi_thread")]
async fn recovers_from_outages() {
    if !is_installed() {
        return;
    }
    let mut server = RedisServer::start(&[]);
    let (store, user) = (server.store(), UserId::from("ada"));
    store.begin(&session(&user, "s", "0")).await.unwrap();
    store.begin(&session(&user, "ended", "0")).await.unwrap();
    let ended = Revocation::Session { session_id: "ended", user_id: &user, keep_until: END };
    store.revoke(&ended, at(0)).await.unwrap();
    assert_eq!(spend(&store, &user, "s", "0", "1").await.unwrap(), Spent::First);

    for round in 0..2 {
        server.signal("STOP");
        let called = Instant::now();
        let calls = (0..20).map(|_| is_access_revoked(&store, &user, "s"));
        for result in futures::future::join_all(calls).await {
            result.unwrap_err();
        }
        // Now there is no connection.
        is_access_revoked(&store, &user, "s").await.unwrap_err();
        assert!(called.elapsed() < Duration::from_secs(4), "{:?}", called.elapsed());
        if round == 0 {
            server.signal("CONT");
        } else {
            server.kill();
            for _ in 0..50 {
                is_access_revoked(&store, &user, "s").await.unwrap_err();
            }
            server.restart();
        }
        let back = Instant::now();
        while store.sessions(&user, at(0), Page::first()).await.is_err() {
            assert!(back.elapsed() < Duration::from_secs(2), "the store recovers");
        }
        assert!(is_access_revoked(&store, &user, "ended").await.unwrap(), "still ended");
        assert!(!is_access_revoked(&store, &user, "s").await.unwrap(), "still alive");
    }
    assert_eq!(spend(&store, &user, "s", "1", "2").await.unwrap(), Spent::First);
    assert_eq!(spend(&store, &user, "s", "0", "3").await.unwrap(), Spent::Reused);
}

/// Nothing that was confirmed is lost when Redis writes before it replies.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_that_was_confirmed() {
    if !is_installed() {
        return;
    }
    let mut server = RedisServer::start(&[]);
    let (store, user) = (server.store(), UserId::from("ada"));
    store.begin(&session(&user, "s", "0")).await.unwrap();
    let mut spent = 0;
    let progress = Arc::new(AtomicI32::new(0));
    for round in 0..5 {
        let rotating = tokio::spawn({
            let (store, user, progress) = (store.clone(), user.clone(), Arc::clone(&progress));
            async move {
                let mut spent = spent;
                let name = |count: i32| format!("{round} {count}");
                let mut refresh =
                    if spent == 0 { "0".to_owned() } else { format!("{} {spent}", round - 1) };
                while let Ok(spent_as) = spend(&store, &user, "s", &refresh, &name(spent + 1)).await
                {
                    assert_eq!(spent_as, Spent::First);
                    spent += 1;
                    progress.store(spent, Ordering::SeqCst);
                    refresh = name(spent);
                }
                (spent, refresh, name(spent + 1))
            }
        });
        let started = Instant::now();
        while progress.load(Ordering::SeqCst) == spent {
            assert!(started.elapsed() < DEADLINE, "something is spent in round {round}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        server.kill();
        let (count, refresh, in_flight) = rotating.await.unwrap();
        server.restart();
        // Repeating the call has the same result, whether or not it had arrived.
        let result = spend(&store, &user, "s", &refresh, &in_flight).await.unwrap();
        assert_eq!(result, Spent::First, "round {round}");
        spent = count + 1;
        progress.store(spent, Ordering::SeqCst);
    }
}

#[tokio::test]
async fn a_flushed_server_knows_no_session() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let (store, user) = (server.store(), UserId::from("ada"));
    store.begin(&session(&user, "s", "0")).await.unwrap();
    let all = Revocation::User { user_id: &user, except: Some("s"), keep_until: END };
    store.revoke(&all, at(0)).await.unwrap();
    server.run::<String>("FLUSHALL").await;

    assert_eq!(spend(&store, &user, "s", "0", "1").await.unwrap(), Spent::Revoked);
    let refresh = TokenRef::new(user.as_str(), at(0)).with_jti(Some("0")).with_session(Some("s"));
    assert!(store.is_revoked(&refresh.as_refresh(false)).await.unwrap());
    assert!(!is_access_revoked(&store, &user, "s").await.unwrap(), "as documented");
    assert!(store.sessions(&user, at(0), Page::first()).await.unwrap().sessions.is_empty());
    store.begin(&session(&user, "t", "0")).await.expect("a new login works");
    assert_eq!(spend(&store, &user, "t", "0", "1").await.unwrap(), Spent::First);
}

/// Calls fail if the server is full, is a replica, or has another kind of value under the key. Above
/// all, no token is accepted.
#[tokio::test]
async fn calls_fail_on_a_server_that_rejects_writes() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let (store, user) = (server.store(), UserId::from("ada"));
    store.begin(&session(&user, "s", "0")).await.unwrap();
    let ended = Revocation::Session { session_id: "s", user_id: &user, keep_until: END };

    server.run::<String>("CONFIG SET maxmemory 1").await;
    store.revoke(&ended, at(0)).await.unwrap_err();
    spend(&store, &user, "s", "0", "1").await.unwrap_err();
    store.ping().await.unwrap_err();
    server.run::<String>("CONFIG SET maxmemory 0").await;
    store.ping().await.unwrap();
    assert!(!is_access_revoked(&store, &user, "s").await.unwrap());

    let master = RedisServer::start(&[]);
    server.run::<String>(&format!("REPLICAOF 127.0.0.1 {}", master.port())).await;
    is_access_revoked(&store, &user, "s").await.unwrap_err();
    store.sessions(&user, at(0), Page::first()).await.unwrap_err();
    store.ping().await.unwrap_err();
    let error = store.revoke(&ended, at(0)).await.unwrap_err();
    assert_eq!(error.to_string(), "the token store is unavailable");
    server.run::<String>("REPLICAOF NO ONE").await;
    store.begin(&session(&user, "s", "0")).await.unwrap();

    server.run::<String>("SET jwt:2:{bob} nonsense").await;
    let bob = UserId::from("bob");
    is_access_revoked(&store, &bob, "s").await.unwrap_err();
    spend(&store, &bob, "s", "0", "1").await.unwrap_err();
    server.run::<i64>("HSET jwt:2:{eve} s:s nonsense").await;
    is_access_revoked(&store, &UserId::from("eve"), "s").await.unwrap_err();

    store.ping().await.unwrap();
    let nobody = UserId::from("");
    store.begin(&session(&nobody, "s", "0")).await.unwrap();
    store.ping().await.expect("an empty user id does no harm");
    assert!(is_access_revoked(&store, &nobody, "s").await.is_ok_and(|revoked| !revoked));
}
