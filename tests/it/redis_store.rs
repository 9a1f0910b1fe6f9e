//! The store in Redis, on real servers.

use std::{
    collections::BTreeSet,
    error::Error,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicU16, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::net::TcpListener;
use tower_jwt_auth::{
    ConfigError, ConfigErrorKind, NumericDate,
    store::{NewSession, RedisStore, Revocation, Spend, Spent, StoreError, TokenRef, TokenStore},
    token::UserId,
};

use super::support::redis::{RedisCluster, RedisServer, free_port, is_installed, shared};

mod on_one_server {
    use crate::support::redis::shared;

    tower_jwt_auth::token_store_conformance!(
        match shared() {
            Some(server) => server.store(),
            None => return,
        },
        forgets_by_itself
    );
}

mod on_a_cluster {
    use crate::support::redis::shared_cluster;

    tower_jwt_auth::token_store_conformance!(
        match shared_cluster() {
            Some(cluster) => cluster.store(),
            None => return,
        },
        forgets_by_itself
    );
}

/// Long past by any clock, so that nothing may depend on the server's.
const fn at(secs: u64) -> NumericDate {
    NumericDate::from_secs(1_000_000 + secs)
}

const END: NumericDate = at(1_000);

/// A call gives up in less than two seconds; the rest is for a machine that does much else.
const IN_TIME: Duration = Duration::from_millis(2_500);

fn session<'a>(user: &'a UserId, id: &'a str, refresh: &'a str) -> NewSession<'a> {
    NewSession::new(id, user, refresh, at(0)).with_expiry(END, END)
}

async fn spend(
    store: &RedisStore,
    user: &UserId,
    id: &str,
    refresh: &str,
    successor: &str,
) -> Result<Spent, StoreError> {
    store.spend(&Spend::new(&session(user, id, refresh), at(0), successor)).await
}

async fn is_access_revoked(
    store: &RedisStore,
    user: &UserId,
    id: &str,
) -> Result<bool, StoreError> {
    let token = TokenRef::new(user.as_str(), at(0)).with_jti(Some("access"));
    store.is_revoked(&token.with_session(Some(id))).await
}

/// An error as a log that walks the chain would show it.
fn chain(error: &dyn Error) -> String {
    let mut text = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(&format!(" {source} {source:?}"));
        next = source.source();
    }
    text
}

#[tokio::test]
async fn every_call_is_one_command() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let (store, user) = (server.store(), UserId::from("ada"));
    let end = Revocation::User { user_id: &user, except: Some("s"), keep_until: END };
    let token = Revocation::Token { jti: "t", user_id: &user, keep_until: END };
    let other = Revocation::Session { session_id: "o", user_id: &user, keep_until: END };
    let limited = session(&user, "s", "0").with_limit(NonZeroUsize::new(2));
    // The first round teaches the server the scripts, and the second finds something to do.
    for round in 0..2 {
        let mut monitor = BufReader::new(TcpStream::connect(("127.0.0.1", server.port())).unwrap());
        monitor.get_mut().write_all(b"MONITOR\r\n").unwrap();
        let mut line = String::new();
        monitor.read_line(&mut line).unwrap();
        assert_eq!(line, "+OK\r\n");

        store.begin(&limited).await.unwrap();
        spend(&store, &user, "s", "0", "1").await.unwrap();
        spend(&store, &user, "unknown", "0", "1").await.unwrap();
        is_access_revoked(&store, &user, "s").await.unwrap();
        store.sessions(&user, at(0)).await.unwrap();
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
            let of_connection = ["\"HELLO\"", "\"CLIENT\"", "\"SELECT\"", "\"ECHO\""];
            if !within_script && !of_connection.iter().any(|name| line.contains(name)) {
                commands.push(line.clone());
            }
        }
        let whole = commands.iter().filter(|line| line.contains("\"EVAL\"")).count();
        let hashed = commands.iter().filter(|line| line.contains("\"EVALSHA\"")).count();
        assert_eq!((whole, hashed), (if round == 0 { 7 } else { 0 }, 8), "{commands:?}");
        let probes = commands.iter().filter(|line| line.contains("\"SETRANGE\"")).count();
        assert_eq!(
            (probes, commands.len()),
            (1, whole + hashed + 1),
            "nothing else is sent: {commands:?}"
        );
    }
}

#[tokio::test]
async fn scripts_that_the_server_forgot_are_sent_again() {
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
async fn a_call_that_is_repeated_with_the_same_ids_gets_the_same_answer() {
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
        let sessions = store.sessions(&user, at(0)).await.unwrap();
        assert_eq!(sessions.iter().map(|session| &*session.id).collect::<Vec<_>>(), ["kept"]);
    }
}

/// Redis counts the time that is left, whatever its clock shows; and it never forgets too early.
#[tokio::test]
async fn every_key_has_a_time_to_live_that_is_long_enough() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let store = server.store();
    for now in [0, 2_000_000_000, NumericDate::MAX.as_secs() - 1_000] {
        let date = |secs| NumericDate::from_secs(now + secs);
        for (kind, keep) in [(0, 900), (1, 90), (2, 9), (3, 500), (4, 0)] {
            let user = UserId::from(format!("{now} {kind}"));
            let session = NewSession::new("s", &user, "0", date(0));
            let session = session.with_expiry(date(keep), date(keep));
            let keep_until = date(keep);
            match kind {
                0 => store.begin(&session).await.unwrap(),
                1 => {
                    let spend = Spend::new(&session, date(0), "1").with_adoption(true);
                    assert_eq!(store.spend(&spend).await.unwrap(), Spent::First);
                }
                _ => {
                    let revocation = match kind {
                        2 => Revocation::Token { jti: "t", user_id: &user, keep_until },
                        3 => Revocation::Session { session_id: "s", user_id: &user, keep_until },
                        _ => Revocation::User { user_id: &user, except: None, keep_until },
                    };
                    store.revoke(&revocation, date(0)).await.unwrap();
                    assert!(is_access_revoked_at(&store, &user, "t", "s", date(0)).await);
                }
            }
            let left: u64 = ttl(&server, &format!("jwt:{}", user.as_str())).await;
            assert!((keep + 50..=keep + 60).contains(&left), "{left} s left of {keep}");
        }
    }

    // A longer life counts, a shorter one does not.
    let user = UserId::from("ada");
    let mut expected = 0;
    for keep in [100, 50, 300, 200] {
        let revocation = Revocation::Token { jti: "t", user_id: &user, keep_until: at(keep) };
        store.revoke(&revocation, at(0)).await.unwrap();
        expected = expected.max(keep);
        let left = ttl(&server, "jwt:ada").await;
        assert!((expected + 50..=expected + 60).contains(&left), "{left} s left of {expected}");
    }
}

async fn ttl(server: &RedisServer, key: &str) -> u64 {
    let client = redis::Client::open(server.url()).unwrap();
    let mut connection = client.get_multiplexed_async_connection().await.unwrap();
    let left: i64 = redis::cmd("TTL").arg(key).query_async(&mut connection).await.unwrap();
    u64::try_from(left).unwrap_or_else(|_| panic!("{key} has no time to live: {left}"))
}

async fn is_access_revoked_at(
    store: &RedisStore,
    user: &UserId,
    jti: &str,
    id: &str,
    now: NumericDate,
) -> bool {
    let known = TokenRef::new(user.as_str(), now).with_jti(Some(jti)).with_session(Some(id));
    store.is_revoked(&known).await.unwrap()
}

/// What is over is forgotten although its user stays, whatever it is that is added.
#[tokio::test]
async fn what_is_over_is_forgotten() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let store = server.store();
    for kind in ["logins", "adoptions", "tokens", "sessions", "all"] {
        let user = UserId::from(kind);
        let mut most: usize = 0;
        for step in 0..600 {
            let (id, now, keep_until) = (&*step.to_string(), at(step), at(step + 20));
            let login = NewSession::new(id, &user, "0", now).with_expiry(keep_until, keep_until);
            let added = match kind {
                "all" => ["logins", "adoptions", "tokens", "sessions", "user"][step as usize % 5],
                kind => kind,
            };
            let revocation = match added {
                "logins" => {
                    let limit = (step % 7 == 0).then_some(NonZeroUsize::MIN);
                    store.begin(&login.with_limit(limit)).await.unwrap();
                    let spend = Spend::new(&login, now, "1");
                    assert_eq!(store.spend(&spend).await.unwrap(), Spent::First);
                    continue;
                }
                "adoptions" => {
                    let spend = Spend::new(&login, at(step + 1), "1").with_adoption(true);
                    assert_eq!(store.spend(&spend).await.unwrap(), Spent::First);
                    continue;
                }
                "tokens" => Revocation::Token { jti: id, user_id: &user, keep_until },
                "sessions" => Revocation::Session { session_id: id, user_id: &user, keep_until },
                _ => Revocation::User { user_id: &user, except: None, keep_until },
            };
            store.revoke(&revocation, now).await.unwrap();
            most = most.max(server.run(&format!("HLEN jwt:{kind}")).await);
        }
        let left = server.run::<usize>(&format!("HLEN jwt:{kind}")).await;
        assert!(most.max(left) < 50, "{most} {kind} were kept of 20 that were to be");
        assert!(ttl(&server, &format!("jwt:{kind}")).await <= 80);
    }
    assert_eq!(server.run::<usize>("DBSIZE").await, 5, "nothing else was stored");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_spendings_over_two_connections_is_first() {
    let Some(server) = shared() else { return };
    let stores = [server.store(), server.store()];
    one_is_first(&stores, 40).await;
}

async fn one_is_first(stores: &[RedisStore; 2], rounds: usize) {
    for round in 0..rounds {
        let user = Arc::new(UserId::from(format!("racing {round}")));
        stores[0].begin(&session(&user, "s", "0")).await.unwrap();
        let tasks: Vec<_> = (0..64)
            .map(|task| {
                let (store, user) = (stores[task % 2].clone(), Arc::clone(&user));
                tokio::spawn(async move {
                    let successor = format!("next {task}");
                    spend(&store, &user, "s", "0", &successor).await.unwrap()
                })
            })
            .collect();
        let (mut first, mut reused) = (0, 0);
        for task in tasks {
            match task.await.unwrap() {
                Spent::First => first += 1,
                Spent::Reused => reused += 1,
                Spent::Revoked => {}
                Spent::Again { .. } => panic!("there is no grace"),
            }
        }
        assert_eq!((first, reused), (1, 1), "round {round}");
    }
}

#[tokio::test]
async fn a_server_may_be_started_after_the_store() {
    if !is_installed() {
        return;
    }
    let mut server = RedisServer::start(&[]);
    server.kill();
    let (store, user) = (server.store(), UserId::from("ada"));
    let login = session(&user, "s", "0");
    let asked = Instant::now();
    store.begin(&login).await.unwrap_err();
    assert!(asked.elapsed() < Duration::from_millis(500), "a refused connection is known at once");
    server.restart();
    store.begin(&login).await.expect("the first call succeeds");

    server.kill();
    server.restart();
    let spent = spend(&store, &user, "s", "0", "1").await;
    assert_eq!(spent.expect("as it does over a connection that broke"), Spent::First);
}

/// A name may lead to another server after a failover, while the old one is there still.
#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_became_a_replica_is_left() {
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
    assert!(servers[1].run::<bool>("EXISTS jwt:ada").await);
}

/// Also for the connections that mend themselves.
#[tokio::test]
async fn a_connection_may_be_given() {
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
        assert!(back.elapsed() < Duration::from_secs(2), "it recovers");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(spend(&store, &user, "s", "0", "1").await.unwrap(), Spent::First);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_outage_is_noticed_and_survived() {
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
        let asked = Instant::now();
        let calls = (0..20).map(|_| is_access_revoked(&store, &user, "s"));
        for answer in futures::future::join_all(calls).await {
            answer.unwrap_err();
        }
        // Now without a connection.
        is_access_revoked(&store, &user, "s").await.unwrap_err();
        assert!(asked.elapsed() < Duration::from_secs(4), "{:?}", asked.elapsed());
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
        while store.sessions(&user, at(0)).await.is_err() {
            assert!(back.elapsed() < Duration::from_secs(2), "it recovers");
        }
        assert!(is_access_revoked(&store, &user, "ended").await.unwrap(), "still ended");
        assert!(!is_access_revoked(&store, &user, "s").await.unwrap(), "still alive");
    }
    assert_eq!(spend(&store, &user, "s", "1", "2").await.unwrap(), Spent::First);
    assert_eq!(spend(&store, &user, "s", "0", "3").await.unwrap(), Spent::Reused);
}

/// Of what was answered nothing is lost, if Redis writes before it answers.
#[tokio::test(flavor = "multi_thread")]
async fn a_killed_server_loses_nothing_it_had_answered() {
    if !is_installed() {
        return;
    }
    let mut server = RedisServer::start(&[]);
    let (store, user) = (server.store(), UserId::from("ada"));
    store.begin(&session(&user, "s", "0")).await.unwrap();
    let mut spent = 0;
    for round in 0..5 {
        let rotating = tokio::spawn({
            let (store, user) = (store.clone(), user.clone());
            async move {
                let mut spent = spent;
                let name = |count: i32| format!("{round} {count}");
                let mut refresh =
                    if spent == 0 { "0".to_owned() } else { format!("{} {spent}", round - 1) };
                while let Ok(answer) = spend(&store, &user, "s", &refresh, &name(spent + 1)).await {
                    assert_eq!(answer, Spent::First);
                    spent += 1;
                    refresh = name(spent);
                }
                (spent, refresh, name(spent + 1))
            }
        });
        tokio::time::sleep(Duration::from_millis(50)).await;
        server.kill();
        let (count, refresh, in_flight) = rotating.await.unwrap();
        assert!(count > spent, "something was spent in round {round}");
        server.restart();
        // The same call again gets the same answer, whether or not it had arrived.
        let answer = spend(&store, &user, "s", &refresh, &in_flight).await.unwrap();
        assert_eq!(answer, Spent::First, "round {round}");
        spent = count + 1;
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
    assert!(store.sessions(&user, at(0)).await.unwrap().is_empty());
    store.begin(&session(&user, "t", "0")).await.expect("a new login works");
    assert_eq!(spend(&store, &user, "t", "0", "1").await.unwrap(), Spent::First);
}

/// Full, a replica, or holding something else under the key: no answer, above all not "good".
#[tokio::test]
async fn a_server_that_cannot_do_it_is_out_of_reach() {
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
    store.sessions(&user, at(0)).await.unwrap_err();
    store.ping().await.unwrap_err();
    let error = store.revoke(&ended, at(0)).await.unwrap_err();
    assert_eq!(error.to_string(), "the token store did not answer");
    server.run::<String>("REPLICAOF NO ONE").await;
    store.begin(&session(&user, "s", "0")).await.unwrap();

    server.run::<String>("SET jwt:bob nonsense").await;
    let bob = UserId::from("bob");
    is_access_revoked(&store, &bob, "s").await.unwrap_err();
    spend(&store, &bob, "s", "0", "1").await.unwrap_err();
    server.run::<i64>("HSET jwt:eve s:s nonsense").await;
    is_access_revoked(&store, &UserId::from("eve"), "s").await.unwrap_err();

    store.ping().await.unwrap();
    let nobody = UserId::from("");
    store.begin(&session(&nobody, "s", "0")).await.unwrap();
    store.ping().await.expect("a user without a name is no trouble");
    assert!(is_access_revoked(&store, &nobody, "s").await.is_ok_and(|revoked| !revoked));
}

#[tokio::test]
async fn users_of_one_name_under_two_prefixes_are_two() {
    let Some(server) = shared() else { return };
    let (shop, mail) = (
        server.store().with_prefix("shop:").unwrap(),
        server.store().with_prefix("mail:").unwrap(),
    );
    let user = UserId::from("prefixed");
    shop.begin(&session(&user, "s", "0")).await.unwrap();
    assert_eq!(spend(&mail, &user, "s", "0", "1").await.unwrap(), Spent::Revoked);
    assert_eq!(spend(&shop, &user, "s", "0", "1").await.unwrap(), Spent::First);
    assert_eq!(server.run::<i64>("EXISTS shop:prefixed").await, 1);
}

#[test]
fn nonsense_is_refused_when_the_store_is_made() {
    let refused = |result: Result<RedisStore, ConfigError>| {
        assert_eq!(result.unwrap_err().kind(), ConfigErrorKind::OutOfRange);
    };
    for url in ["", "localhost", "http://localhost", "redis://localhost:port", "redis://h/db"] {
        refused(RedisStore::connect_lazy(url));
    }
    refused(RedisStore::connect_cluster_lazy([]));
    refused(RedisStore::connect_cluster_lazy(["redis://:one@a", "redis://:two@b"]));
    for prefix in ["", "a b", "{a}", "ä", "a\n", &"a".repeat(65)] {
        refused(RedisStore::connect_lazy("redis://localhost").unwrap().with_prefix(prefix));
    }
}

#[tokio::test]
async fn passwords_are_not_shown() {
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
        let text = chain(&error);
        assert!(!text.contains(secret) && !text.contains("ada"), "{text}");
    }
    if let Some(server) = &server {
        let url = format!("redis://:another@127.0.0.1:{}", server.port());
        let store = RedisStore::connect_lazy(&url).unwrap();
        store.begin(&session(&user, "s", "0")).await.expect("the password is right");
    }
}

#[cfg(feature = "redis-tls")]
#[tokio::test]
async fn a_server_without_tls_is_out_of_reach_by_tls() {
    let Some(server) = shared() else { return };
    let store = RedisStore::connect_lazy(&server.url().replace("redis:", "rediss:")).unwrap();
    store.sessions(&UserId::from("ada"), at(0)).await.unwrap_err();
}

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
        assert!(!here.is_empty(), "every node has some");
        keys.extend(here);
    }
    let expected = users.iter().map(|user| format!("jwt:{}", user.as_str())).collect();
    assert_eq!(keys, expected, "one key for a user, and nothing else");
    one_is_first(&[store.clone(), cluster.store()], 10).await;

    // A node goes away: its users cannot be told of, and then can again.
    cluster.nodes()[1].kill();
    let (mut known, mut unknown) = (0, 0);
    let asked = Instant::now();
    for answer in
        futures::future::join_all(users.iter().map(|user| is_access_revoked(&store, user, "ended")))
            .await
    {
        match answer {
            Ok(revoked) => known += usize::from(revoked),
            Err(_) => unknown += 1,
        }
    }
    assert!(asked.elapsed() < IN_TIME, "{:?}", asked.elapsed());
    assert!(unknown > 0 && known + unknown == users.len(), "{known} and {unknown}");
    cluster.nodes()[1].restart();
    cluster.settle();
    let back = Instant::now();
    for user in &users {
        while let Err(error) = is_access_revoked(&store, user, "ended").await {
            assert!(back.elapsed() < Duration::from_secs(2), "it recovers: {}", chain(&error));
        }
        assert!(is_access_revoked(&store, user, "ended").await.unwrap(), "still ended");
    }

    // So does the whole of it.
    for node in cluster.nodes() {
        node.kill();
    }
    let asked = Instant::now();
    is_access_revoked(&store, &users[0], "s").await.unwrap_err();
    assert!(asked.elapsed() < IN_TIME, "{:?}", asked.elapsed());
    for node in cluster.nodes() {
        node.restart();
    }
    cluster.settle();
    let back = Instant::now();
    for user in &users {
        while let Err(error) = is_access_revoked(&store, user, "ended").await {
            assert!(back.elapsed() < Duration::from_secs(2), "it recovers: {}", chain(&error));
        }
        assert!(is_access_revoked(&store, user, "ended").await.unwrap(), "still ended");
        assert_eq!(spend(&store, user, "s", "1", "2").await.unwrap(), Spent::First);
    }
}
