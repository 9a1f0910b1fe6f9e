//! What a throttle counts.

use std::{
    net::IpAddr,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tower_jwt_auth::{
    AuthError, AuthErrorKind, ManualClock, MemoryStore, NumericDate,
    store::{Attempt, Attempted, StoreError, ThrottleStore},
    throttle::{Permit, Throttle, ThrottleBuilder},
};

use crate::support::login::{MINUTE, NOW, error_kind};

fn clock() -> ManualClock {
    ManualClock::new(NumericDate::from_secs(NOW))
}

fn throttle(clock: &ManualClock) -> Throttle {
    builder(clock).build().unwrap()
}

fn builder(clock: &ManualClock) -> ThrottleBuilder {
    Throttle::builder(MemoryStore::new()).clock(clock)
}

fn address(index: u32) -> IpAddr {
    IpAddr::from((0x0a00_0000 | index).to_be_bytes())
}

async fn attempt(throttle: &Throttle, name: &str, from: u32) -> Result<Permit, AuthError> {
    throttle.attempt(Some(name), Some(address(from))).await
}

/// How many attempts are permitted one after another.
async fn permitted(throttle: &Throttle, attempts: impl Iterator<Item = (String, u32)>) -> usize {
    for (count, (name, from)) in attempts.enumerate() {
        if attempt(throttle, &name, from).await.is_err() {
            return count;
        }
    }
    panic!("no attempt was rejected")
}

#[tokio::test]
async fn limits_an_account_from_all_addresses() {
    let throttle = throttle(&clock());
    assert_eq!(permitted(&throttle, (0..60).map(|from| ("ada".to_owned(), from))).await, 10);
    assert!(attempt(&throttle, "bob", 0).await.is_ok());
}

#[tokio::test]
async fn limits_an_address_for_all_accounts() {
    let throttle = throttle(&clock());
    assert_eq!(permitted(&throttle, (0..250).map(|index| (format!("user{index}"), 1))).await, 100);
    assert!(attempt(&throttle, "user0", 2).await.is_ok());
}

#[tokio::test]
async fn all_spellings_of_a_name_share_a_limit() {
    let throttle = throttle(&clock());
    let names = ["ada", "Ada", "ADA", "Ａｄａ"].into_iter().cycle().take(60);
    let attempts = names.zip(0..).map(|(name, from)| (name.to_owned(), from));
    assert_eq!(permitted(&throttle, attempts).await, 10);
}

#[tokio::test]
async fn waits_double_and_end_by_themselves() {
    let clock = clock();
    let throttle = throttle(&clock);
    for from in 0..10 {
        drop(attempt(&throttle, "ada", from).await.unwrap());
    }
    for (from, wait) in (10..).zip([30, 60, 120, 240]) {
        let error = attempt(&throttle, "ada", from).await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::Throttled);
        assert_eq!(error.retry_after(), Some(Duration::from_secs(wait)));
        clock.advance(Duration::from_secs(wait - 1));
        let error = attempt(&throttle, "ada", from).await.unwrap_err();
        assert_eq!(error.retry_after(), Some(Duration::from_secs(1)));
        clock.advance(Duration::from_secs(1));
        drop(attempt(&throttle, "ada", from).await.unwrap());
    }
}

#[tokio::test]
async fn a_success_resets_the_account_but_not_the_address() {
    let throttle = throttle(&clock());
    for from in 0..9 {
        drop(attempt(&throttle, "ada", from).await.unwrap());
    }
    attempt(&throttle, "ada", 9).await.unwrap().succeeded().await;
    assert_eq!(permitted(&throttle, (10..60).map(|from| ("ada".to_owned(), from))).await, 10);

    for index in 0..99 {
        drop(attempt(&throttle, &format!("user{index}"), 100).await.unwrap());
    }
    for _ in 0..10 {
        attempt(&throttle, "own", 100).await.unwrap().succeeded().await;
    }
    drop(attempt(&throttle, "user100", 100).await.unwrap());
    assert_eq!(error_kind(attempt(&throttle, "own", 100).await), AuthErrorKind::Throttled);
}

#[tokio::test]
async fn a_reset_forgets_the_attempts_on_an_account() {
    let throttle = throttle(&clock());
    for _ in 0..3 {
        assert_eq!(permitted(&throttle, (0..60).map(|from| ("ada".to_owned(), from))).await, 10);
        throttle.reset("ADA").await.unwrap();
    }
}

#[tokio::test]
async fn undecided_attempts_do_not_count() {
    let throttle = throttle(&clock());
    for _ in 0..200 {
        attempt(&throttle, "ada", 1).await.unwrap().take_back().await;
    }
}

#[tokio::test]
async fn attempts_on_a_blocked_account_do_not_block_others_at_the_address() {
    let clock = clock();
    let throttle = throttle(&clock);
    for _ in 0..10 {
        drop(attempt(&throttle, "ada", 1).await.unwrap());
    }
    for second in 0..30 {
        for _ in 0..10 {
            assert!(attempt(&throttle, "ada", 1).await.is_err(), "{second}");
        }
        clock.advance(Duration::from_secs(1));
    }
    let others = (0..250).map(|index| (format!("user{index}"), 1));
    assert_eq!(permitted(&throttle, others).await, 90);
}

#[tokio::test]
async fn networks_of_ipv6_share_a_limit() {
    let throttle = throttle(&clock());
    let from = |network: u128, host: u128| IpAddr::from((network << 64 | host).to_be_bytes());
    for index in 0..100 {
        let name = format!("user{index}");
        drop(throttle.attempt(Some(&name), Some(from(7, index))).await.unwrap());
    }
    let rejected = throttle.attempt(Some("bob"), Some(from(7, u128::from(u64::MAX)))).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::Throttled);
    drop(throttle.attempt(Some("bob"), Some(from(8, 1))).await.unwrap());
}

#[tokio::test]
async fn addresses_of_ipv4_in_ipv6_share_a_limit_with_themselves_only() {
    let throttle = throttle(&clock());
    for index in 0..100 {
        drop(attempt(&throttle, &format!("user{index}"), 1).await.unwrap());
    }
    let mapped = |index| match address(index) {
        IpAddr::V4(address) => IpAddr::from(address.to_ipv6_mapped()),
        address @ IpAddr::V6(_) => address,
    };
    assert!(throttle.attempt(Some("bob"), Some(mapped(1))).await.is_err());
    assert!(throttle.attempt(Some("bob"), Some(mapped(2))).await.is_ok());
}

#[tokio::test]
async fn namespaces_count_separately() {
    let (clock, store) = (clock(), MemoryStore::new());
    let of = |name: &str| Throttle::builder(store.clone()).clock(&clock).namespace(name).build();
    let (logins, resets) = (of("logins").unwrap(), of("resets").unwrap());
    for from in 0..10 {
        drop(attempt(&logins, "ada", from).await.unwrap());
    }
    assert!(attempt(&logins, "ada", 10).await.is_err());
    assert!(attempt(&resets, "ada", 10).await.is_ok());
}

#[tokio::test]
async fn an_attempt_without_any_limit_is_a_misconfiguration() {
    let throttle = builder(&clock()).without_addresses().build().unwrap();
    let rejected = throttle.attempt(None, Some(address(1))).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::Misconfigured);
}

/// Counts the calls, and remembers the names that it was called with.
#[derive(Clone, Default)]
struct Recorder {
    store: MemoryStore,
    calls: Arc<AtomicUsize>,
    is_down: bool,
}

impl ThrottleStore for Recorder {
    async fn attempt(&self, attempt: &Attempt<'_>) -> Result<Attempted, StoreError> {
        assert!(!format!("{} {attempt:?}", attempt.name).to_lowercase().contains("lovelace"));
        self.calls.fetch_add(1, Ordering::SeqCst);
        if self.is_down {
            return Err(StoreError::unavailable("down"));
        }
        self.store.attempt(attempt).await
    }

    async fn take_back(&self, attempt: &Attempt<'_>) -> Result<(), StoreError> {
        self.store.take_back(attempt).await
    }

    async fn forget_attempts(&self, name: &str) -> Result<(), StoreError> {
        self.store.forget_attempts(name).await
    }
}

#[tokio::test]
async fn a_flood_on_a_blocked_account_rarely_reaches_the_store() {
    let (clock, recorder) = (clock(), Recorder::default());
    let throttle = Throttle::builder(recorder.clone()).clock(&clock).build().unwrap();
    for from in 0..10 {
        drop(attempt(&throttle, "Lovelace", from).await.unwrap());
    }
    assert_eq!(recorder.calls.swap(0, Ordering::SeqCst), 20);
    for from in 0..10_000 {
        assert!(attempt(&throttle, "Lovelace", from).await.is_err());
    }
    assert_eq!(recorder.calls.swap(0, Ordering::SeqCst), 2);
    clock.advance(Duration::from_secs(5));
    assert!(attempt(&throttle, "Lovelace", 1).await.is_err());
    assert_eq!(recorder.calls.load(Ordering::SeqCst), 2);
    clock.advance(MINUTE);
    assert!(attempt(&throttle, "Lovelace", 1).await.is_ok());
}

#[tokio::test]
async fn an_outage_of_the_store_permits_nothing() {
    let recorder = Recorder { is_down: true, ..Recorder::default() };
    let throttle = Throttle::builder(recorder).clock(clock()).build().unwrap();
    assert_eq!(error_kind(attempt(&throttle, "ada", 1).await), AuthErrorKind::Unavailable);
}
