//! How long entries are remembered.

use std::{num::NonZeroUsize, ops::RangeInclusive};

use tower_jwt_auth::{
    NumericDate,
    store::{
        Consume, Consumed, NewSession, Page, RedisStore, Revocation, Spend, Spent, TokenRef,
        TokenStore,
    },
    token::UserId,
};

use super::{at, session};
use crate::support::redis::{RedisServer, is_installed};

/// The clock of the caller may be behind or ahead of that of Redis.
#[tokio::test]
async fn every_key_has_a_sufficient_time_to_live() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let store = server.store();
    for now in [0, 2_000_000_000, NumericDate::MAX.as_secs() - 1_000] {
        let date = |secs| NumericDate::from_secs(now + secs);
        for (kind, keep) in [(0, 900), (1, 90), (2, 9), (3, 500), (4, 0), (5, 70), (6, 800)] {
            let user = UserId::from(format!("{now} {kind}"));
            let session = NewSession::new("s", &user, "0", date(0));
            let session = session.with_expiry(date(keep), date(keep));
            let keep_until = date(keep);
            match kind {
                0 => drop(store.begin(&session).await.unwrap()),
                1 => {
                    let spend = Spend::new(&session, date(0), "1").with_adoption(true);
                    assert_eq!(store.spend(&spend).await.unwrap(), Spent::First);
                }
                5 | 6 => {
                    let token = Consume::token("t", &user, date(0), keep_until);
                    let other = Consume::other("t", &user, keep_until);
                    let consume = if kind == 5 { token } else { other };
                    assert_eq!(store.consume(&consume, date(0)).await.unwrap(), Consumed::First);
                }
                _ => {
                    store.begin(&session).await.unwrap();
                    let revocation = match kind {
                        2 => Revocation::Token { jti: "t", user_id: &user, keep_until },
                        3 => Revocation::Session { session_id: "s", user_id: &user, keep_until },
                        _ => Revocation::User { user_id: &user, except: None, keep_until },
                    };
                    store.revoke(&revocation, date(0)).await.unwrap();
                    assert!(is_access_revoked_at(&store, &user, "t", "s", date(0)).await);
                }
            }
            let left: u64 = ttl(&server, &key(&user)).await;
            // Redis trusts whichever clock is earlier.
            let is_long_enough = left >= *slack(keep).start();
            let is_exact = now > 1_000_000_000 || slack(keep).contains(&left);
            assert!(is_long_enough && is_exact, "{left} s left of {keep}");
            if kind < 2 {
                let used = ttl(&server, &format!("{}:used", key(&user))).await;
                assert!(used.abs_diff(left) <= 1, "both keys expire together");
            }
        }
    }

    // The time to live is extended and never shortened.
    let user = UserId::from("ada");
    let mut expected = 0;
    for keep in [100, 50, 300, 200] {
        let revocation = Revocation::Token { jti: "t", user_id: &user, keep_until: at(keep) };
        store.revoke(&revocation, at(0)).await.unwrap();
        expected = expected.max(keep);
        let left = ttl(&server, &key(&user)).await;
        assert!(slack(expected).contains(&left), "{left} s left of {expected}");
    }

    // The key outlives each refresh token.
    let user = UserId::from("bob");
    store.begin(&session(&user, "s", "0").with_expiry(at(900), at(900))).await.unwrap();
    for step in 1..40 {
        let (refresh, successor) = ((step - 1).to_string(), step.to_string());
        let needed = 900 + step * 700;
        let expiry = at(needed);
        let rotated = session(&user, "s", &refresh).with_expiry(expiry, expiry);
        let spent = store.spend(&Spend::new(&rotated, at(0), &successor)).await.unwrap();
        assert_eq!(spent, Spent::First);
        let left = ttl(&server, &key(&user)).await;
        assert!((needed + 50..=needed + 3_660).contains(&left), "{left} s left of {needed}");
    }
}

fn key(user: &UserId) -> String {
    format!("jwt:2:{{{}}}", user.as_str())
}

/// The time to live of an entry that is needed for `keep` seconds.
fn slack(keep: u64) -> RangeInclusive<u64> {
    keep + 3_650..=keep + 3_660
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

/// Expired entries of an active user are forgotten, whatever kind of entry is added.
#[tokio::test]
async fn forgets_expired_entries() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let store = server.store();
    for kind in ["logins", "adoptions", "tokens", "uses", "sessions", "all"] {
        let user = UserId::from(kind);
        let mut most: usize = 0;
        for step in 0..600 {
            let (id, now, keep_until) = (&*step.to_string(), at(step), at(step + 20));
            let login = NewSession::new(id, &user, "0", now).with_expiry(keep_until, keep_until);
            let added = match kind {
                "all" => {
                    ["logins", "adoptions", "tokens", "uses", "sessions", "user"][step as usize % 6]
                }
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
                "uses" => {
                    let generation = store.generation().await.unwrap();
                    let consume = match step % 2 {
                        0 => Consume::token(id, &user, now, keep_until),
                        _ => Consume::other(id, &user, keep_until),
                    };
                    let consume = consume.with_generation(Some(generation));
                    assert_eq!(store.consume(&consume, now).await.unwrap(), Consumed::First);
                    continue;
                }
                "tokens" => Revocation::Token { jti: id, user_id: &user, keep_until },
                "sessions" => {
                    store.begin(&login).await.unwrap();
                    Revocation::Session { session_id: id, user_id: &user, keep_until }
                }
                _ => Revocation::User { user_id: &user, except: None, keep_until },
            };
            store.revoke(&revocation, now).await.unwrap();
            most = most.max(server.run(&format!("HLEN {}", key(&user))).await);
        }
        let left = server.run::<usize>(&format!("HLEN {}", key(&user))).await;
        assert!(most.max(left) < 150, "{most} {kind} were kept instead of 80");
        assert!(ttl(&server, &key(&user)).await <= 3_680);
    }
    let users = server.run::<Vec<String>>("KEYS jwt:2:{*}").await.len();
    let used = server.run::<Vec<String>>("KEYS jwt:2:{*}:used").await.len();
    assert_eq!(server.run::<usize>("DBSIZE").await, users + used + 1, "nothing else was stored");
}

/// An id that was used once may be that of a session.
#[tokio::test]
async fn forgetting_a_use_keeps_the_label_of_the_session_with_its_id() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let (store, user) = (server.store(), UserId::from("ada"));
    let session = session(&user, "s", "0").with_expiry(at(9_000), at(9_000));
    store.begin(&session.with_label(Some("telephone"))).await.unwrap();
    let code = Consume::other("s", &user, at(20));
    assert_eq!(store.consume(&code, at(0)).await.unwrap(), Consumed::First);
    for step in 0..50 {
        let (jti, keep_until) = (&*step.to_string(), at(9_000));
        let revocation = Revocation::Token { jti, user_id: &user, keep_until };
        store.revoke(&revocation, at(100 + step)).await.unwrap();
    }
    assert_eq!(store.consume(&code, at(200)).await.unwrap(), Consumed::First, "it was forgotten");
    let listed = store.sessions(&user, at(200), Page::first()).await.unwrap().sessions;
    assert_eq!(listed[0].label.as_deref(), Some("telephone"));
}

/// With a limit, ended sessions are remembered for as long as their access tokens, and not for as long
/// as their refresh tokens.
#[tokio::test]
async fn forgets_ended_sessions_with_their_access_tokens() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let (store, day) = (server.store(), 86_400);
    for how in ["limit", "logout", "reuse", "user"] {
        let user = UserId::from(how);
        for step in 0..1_000 {
            let (id, now) = (&*step.to_string(), at(30 * step));
            let expiry = at(30 * step + 14 * day);
            let login = NewSession::new(id, &user, "0", now)
                .with_expiry(expiry, expiry)
                .with_access_until(at(30 * step + 300))
                .with_limit(NonZeroUsize::new(if how == "limit" { 3 } else { 2_000 }));
            store.begin(&login).await.unwrap();
            let keep_until = at(30 * step + 300);
            let revocation = match how {
                "logout" => Revocation::Session { session_id: id, user_id: &user, keep_until },
                "user" => Revocation::User { user_id: &user, except: None, keep_until },
                "reuse" => {
                    for (successor, spent) in [("1", Spent::First), ("2", Spent::Reused)] {
                        let spend = Spend::new(&login, now, successor);
                        assert_eq!(store.spend(&spend).await.unwrap(), spent);
                    }
                    continue;
                }
                _ => continue,
            };
            store.revoke(&revocation, now).await.unwrap();
        }
        let left = server.run::<usize>(&format!("HLEN {}", key(&user))).await;
        assert!(left < 50, "{left} entries are left after {how}");
    }
}

/// A machine whose clock is ahead forgets nothing that is live by the clock of Redis.
#[tokio::test]
async fn a_clock_that_is_ahead_forgets_nothing() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let (store, user) = (server.store(), UserId::from("ada"));
    let now = NumericDate::from(std::time::SystemTime::now());
    let after = |secs: u64| now.saturating_add(std::time::Duration::from_secs(secs));
    let keep_until = after(10_000);
    for id in ["ended", "live"] {
        let session = NewSession::new(id, &user, "0", now).with_expiry(keep_until, keep_until);
        store.begin(&session).await.unwrap();
    }
    let session = Revocation::Session { session_id: "ended", user_id: &user, keep_until };
    store.revoke(&session, now).await.unwrap();
    let token = Revocation::Token { jti: "t", user_id: &user, keep_until };
    store.revoke(&token, now).await.unwrap();

    let code = Consume::other("code", &user, keep_until);
    assert_eq!(store.consume(&code, now).await.unwrap(), Consumed::First);

    let ahead = |secs: u64| after(1_000_000 + secs);
    for step in 0..200 {
        let id = &*format!("later {step}");
        let login = NewSession::new(id, &user, "0", ahead(step)).with_limit(NonZeroUsize::new(9));
        store.begin(&login.with_expiry(ahead(step + 10), ahead(step + 10))).await.unwrap();
        let keep_until = ahead(step + 10);
        let token = Revocation::Token { jti: id, user_id: &user, keep_until };
        store.revoke(&token, ahead(step)).await.unwrap();
        let code = Consume::other(id, &user, keep_until);
        assert_eq!(store.consume(&code, ahead(step)).await.unwrap(), Consumed::First);
    }
    assert_eq!(store.consume(&code, now).await.unwrap(), Consumed::Before, "a use");
    assert!(is_access_revoked_at(&store, &user, "t", "live", now).await, "a revoked token");
    assert!(is_access_revoked_at(&store, &user, "0", "ended", now).await, "an ended session");
    let refresh = TokenRef::new(user.as_str(), now).with_jti(Some("0")).with_session(Some("live"));
    assert!(!store.is_revoked(&refresh.as_refresh(false)).await.unwrap(), "a live session");
}
