//! How long entries are remembered.

use std::{num::NonZeroUsize, ops::RangeInclusive};

use tower_jwt_auth::{
    NumericDate,
    store::{NewSession, RedisStore, Revocation, Spend, Spent, TokenRef, TokenStore},
    token::UserId,
};

use super::{at, session};
use crate::support::redis::{RedisServer, is_installed};

/// The clock of Redis does not matter, only the time that is left.
#[tokio::test]
async fn every_key_has_a_sufficient_time_to_live() {
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
                0 => drop(store.begin(&session).await.unwrap()),
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
            assert!(slack(keep).contains(&left), "{left} s left of {keep}");
        }
    }

    // The time to live is extended and never shortened.
    let user = UserId::from("ada");
    let mut expected = 0;
    for keep in [100, 50, 300, 200] {
        let revocation = Revocation::Token { jti: "t", user_id: &user, keep_until: at(keep) };
        store.revoke(&revocation, at(0)).await.unwrap();
        expected = expected.max(keep);
        let left = ttl(&server, "jwt:ada").await;
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
        let left = ttl(&server, "jwt:bob").await;
        assert!((needed + 50..=needed + 3_660).contains(&left), "{left} s left of {needed}");
    }
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
        assert!(most.max(left) < 50, "{most} {kind} were kept instead of 20");
        assert!(ttl(&server, &format!("jwt:{kind}")).await <= 3_680);
    }
    assert_eq!(server.run::<usize>("DBSIZE").await, 5, "nothing else was stored");
}
