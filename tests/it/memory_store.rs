//! The conformance suite on the memory store, and tests of this store alone.

use std::{fs, path::Path, sync::Arc, time::Duration};

use tower_jwt_auth::{
    NumericDate,
    store::{
        MemoryStore, NewSession, Revocation, Session, Spend, Spent, StoreError, TokenRef,
        TokenStore, conformance,
    },
    token::UserId,
};

use crate::support::repository;

mod one_store_a_rule {
    use tower_jwt_auth::store::MemoryStore;

    tower_jwt_auth::token_store_conformance!(MemoryStore::new());
}

mod one_store_for_all_rules {
    use std::sync::LazyLock;

    use tower_jwt_auth::store::MemoryStore;

    static STORE: LazyLock<MemoryStore> = LazyLock::new(MemoryStore::new);

    tower_jwt_auth::token_store_conformance!(STORE.clone());
}

#[test]
fn the_suite_tests_every_rule() {
    let folder = repository("src/store/conformance");
    let read = |path: &Path| fs::read_to_string(path).unwrap();
    let suite = read(&folder.join("mod.rs"));
    for file in fs::read_dir(folder).unwrap() {
        for line in read(&file.unwrap().path()).lines() {
            let Some(rule) = line.strip_prefix("pub async fn ") else { continue };
            let (rule, _) = rule.split_once('<').unwrap();
            let mut words = suite.split(|letter: char| letter != '_' && !letter.is_alphanumeric());
            assert!(words.any(|word| word == rule), "{rule} has no test");
        }
    }
}

const fn at(secs: u64) -> NumericDate {
    NumericDate::from_secs(secs)
}

async fn login(store: &MemoryStore, id: &str, now: u64, end: u64) -> Result<(), StoreError> {
    let user = UserId::from(id);
    let session = NewSession::new(id, &user, id, at(now)).with_expiry(at(end), at(end));
    store.begin(&session).await.map(drop)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn one_of_many_concurrent_spends_wins_in_200_rounds() {
    let store = Arc::new(MemoryStore::new());
    conformance::one_of_many_spendings_is_first(&store, 200).await;
    conformance::many_spendings_share_a_successor(&store, 200).await;
    conformance::one_of_many_adoptions_is_first(&store, 200).await;
    conformance::a_revoked_user_outruns_spendings(&store, 50).await;
}

#[tokio::test]
async fn a_full_store_rejects_new_entries() {
    let store = MemoryStore::with_capacity(2);
    let (ada, bob) = (UserId::from("ada"), UserId::from("bob"));
    login(&store, "ada", 0, 10).await.unwrap();
    let token = Revocation::Token { jti: "1", user_id: &bob, keep_until: at(10) };
    store.revoke(&token, at(0)).await.unwrap();
    assert_eq!(store.len(), 2);

    assert!(login(&store, "bob", 0, 10).await.is_err());
    let session = NewSession::new("2", &bob, "2", at(0)).with_expiry(at(10), at(10));
    let adoption = Spend::new(&session, at(0), "3").with_adoption(true);
    assert!(store.spend(&adoption).await.is_err());
    let keep_until = at(10);
    for user_id in [&ada, &bob] {
        for revocation in [
            Revocation::Token { jti: "2", user_id, keep_until },
            Revocation::User { user_id, except: None, keep_until },
        ] {
            let error = store.revoke(&revocation, at(9)).await.unwrap_err();
            assert_eq!(error.to_string(), "the token store is unavailable");
        }
    }
    assert_eq!(store.len(), 2);
    let of_ada = TokenRef::new("ada", at(0)).with_session(Some("ada"));
    assert_eq!(store.is_revoked_now(&of_ada), Some(false), "a rejected revocation takes effect");

    // Existing entries can still change.
    assert!(login(&store, "ada", 0, 10).await.is_ok());
    store.revoke(&token, at(1)).await.unwrap();
    let session = NewSession::new("ada", &ada, "ada", at(1)).with_expiry(at(10), at(10));
    assert_eq!(store.spend(&Spend::new(&session, at(0), "next")).await.unwrap(), Spent::First);
    let session = Revocation::Session { session_id: "ada", user_id: &ada, keep_until };
    store.revoke(&session, at(1)).await.unwrap();
    assert_eq!(store.is_revoked_now(&of_ada), Some(true));

    assert_eq!(store.purge(at(10), 1).await.unwrap(), 1);
    assert_eq!(store.len(), 1);
    login(&store, "bob", 0, 20).await.unwrap();
    assert!(login(&store, "eve", 0, 20).await.is_err());
}

#[tokio::test]
async fn a_full_store_evicts_expired_entries() {
    let store = MemoryStore::with_capacity(100);
    for user in 0..100 {
        login(&store, &user.to_string(), 0, 10).await.unwrap();
    }
    // The new entries share one shard, while the expired entries are in all shards.
    let user_id = &UserId::from("ada");
    for id in 0..50 {
        let id = id.to_string();
        let session = NewSession::new(&id, user_id, &id, at(10)).with_expiry(at(20), at(20));
        store.begin(&session).await.unwrap();
        let revocation = Revocation::Token { jti: &id, user_id, keep_until: at(20) };
        assert!(store.revoke(&revocation, at(9)).await.is_err() || store.len() <= 100);
        store.revoke(&revocation, at(10)).await.unwrap();
    }
    assert_eq!(store.len(), 100);
}

#[tokio::test]
async fn size_is_bounded_while_sessions_begin_and_expire() {
    let store = MemoryStore::with_capacity(1000);
    for number in 0..100_000 {
        // Five logins per second. Each session lasts 100 to 159 seconds and is rotated once.
        let (id, now) = (number.to_string(), number / 5);
        login(&store, &id, now, now + 60).await.unwrap();
        let user = UserId::from(&*id);
        let session = NewSession::new(&id, &user, &id, at(now));
        let session = session.with_expiry(at(now + 100), at(now + 100 + number % 60));
        let spend = Spend::new(&session, at(now), "next");
        assert_eq!(store.spend(&spend).await.unwrap(), Spent::First);
        assert!(store.len() <= 1000);
    }
}

/// A reproducible pseudorandom number generator.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // The 64-bit LCG of Knuth's MMIX. Its upper bits are sufficiently random.
        self.0 =
            self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

/// Makes a random call with one of five users, sessions and tokens.
async fn act(store: &MemoryStore, dice: &mut Dice, now: u64) {
    let user_id = &UserId::from(dice.roll(5));
    let (session_id, jti) = (&*dice.roll(5).to_string(), &*dice.roll(5).to_string());
    let keep_until = at(now + dice.roll(50));
    let session = NewSession::new(session_id, user_id, jti, at(now));
    let session = session.with_expiry(keep_until, keep_until);
    // A full store rejects some of these calls, and must not count their entries.
    match dice.roll(7) {
        0 | 1 => drop(store.begin(&session).await),
        2 | 3 => {
            let successor = dice.roll(5).to_string();
            let spend = Spend::new(&session, at(now / 2), &successor);
            let spend = spend.with_adoption(dice.roll(2) == 0);
            drop(store.spend(&spend.with_grace(Duration::from_secs(dice.roll(3)))).await);
        }
        4 => {
            let revocation = Revocation::Token { jti, user_id, keep_until };
            drop(store.revoke(&revocation, at(now)).await);
        }
        5 => {
            let revocation = Revocation::Session { session_id, user_id, keep_until };
            drop(store.revoke(&revocation, at(now)).await);
        }
        _ => {
            let revocation = Revocation::User { user_id, except: None, keep_until };
            drop(store.revoke(&revocation, at(now)).await);
        }
    }
    if dice.roll(20) == 0 {
        let before = store.len();
        let forgotten =
            store.purge(at(now), 3).await.expect("the memory store is always available");
        assert!(forgotten <= 3 && forgotten <= before);
    }
}

#[tokio::test]
async fn the_count_is_exact() {
    for seed in 0..200 {
        let (store, mut dice) = (MemoryStore::with_capacity(20), Dice(seed));
        for step in 0..500 {
            act(&store, &mut dice, step / 4).await;
            assert!(store.len() <= 20, "seed {seed}");
        }
        let left = store.len();
        assert_eq!(store.purge(NumericDate::MAX, usize::MAX).await.unwrap(), left, "seed {seed}");
        assert!(store.is_empty(), "seed {seed}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 8)]
async fn the_count_is_exact_under_concurrency() {
    let store = MemoryStore::with_capacity(20);
    let tasks = (0..8).map(|seed| {
        let store = store.clone();
        tokio::spawn(async move {
            let mut dice = Dice(seed);
            for step in 0..20_000 {
                act(&store, &mut dice, step / 4).await;
                assert!(store.len() <= 20);
            }
        })
    });
    for task in tasks.collect::<Vec<_>>() {
        task.await.unwrap();
    }
    let left = store.len();
    assert_eq!(store.purge(NumericDate::MAX, usize::MAX).await.unwrap(), left);
    assert!(store.is_empty());
}

#[test]
fn debug_output_contains_no_ids() {
    let secret = "0123456789abcdef";
    let user_id = &UserId::from(secret);
    let session = NewSession::new(secret, user_id, secret, at(7));
    let token = TokenRef::new(secret, at(7)).with_jti(Some(secret)).with_session(Some(secret));
    let keep_until = at(7);
    let shown = [
        format!("{session:?}"),
        format!("{:?}", Spend::new(&session, at(7), secret)),
        format!("{:?}", Revocation::Token { jti: secret, user_id, keep_until }),
        format!("{:?}", Revocation::Session { session_id: secret, user_id, keep_until }),
        format!("{:?}", Revocation::User { user_id, except: None, keep_until }),
        format!("{token:?}"),
        format!("{:?}", Session::new(secret, at(7), at(7), at(7))),
        format!("{:?}", Spent::Again { successor: secret.into(), at: at(7) }),
        format!("{:?}", MemoryStore::new()),
    ];
    for shown in shown {
        assert!(!shown.is_empty() && !shown.contains(secret), "{shown}");
    }
}
