//! Keys that are added, refreshed and withdrawn.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, future::join_all};
use serde_json::json;
use tokio::runtime::Runtime;
use tower_jwt_auth::{JwtAuthLayer, NumericDate, jwks::RemoteKeys};

use super::{
    Fixture, INVALID_SIGNATURE, UNAVAILABLE, UNKNOWN_KEY, eventually, provider_with, token_naming,
};
use crate::support::{
    app::{bearer, send},
    foreign::ForeignKey,
    mint::{NOW, clock},
    provider::{JWKS, Response},
};

#[tokio::test]
async fn fetches_a_new_key_when_a_token_names_it() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let fixture = Fixture::with_keys(&[one.jwk()]).await;
    let token = fixture.token(&two);
    assert_eq!(fixture.verify_now(&token), UNKNOWN_KEY);
    fixture.provider.publish(&[one.jwk(), two.jwk()]);
    assert_eq!(fixture.verify(&token).await, Ok(()));
    assert_eq!(fixture.verify_now(&fixture.token(&one)), Ok(()));
    assert_eq!(fixture.fetches(), 2);
}

/// Verified tokens are not accepted from a cache.
#[tokio::test]
async fn a_withdrawn_key_is_rejected_from_the_next_refresh() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let fixture = Fixture::with_keys(&[one.jwk(), two.jwk()]).await;
    let token = fixture.token(&one);
    assert_eq!(fixture.verify(&token).await, Ok(()));
    fixture.provider.publish(&[two.jwk()]);
    assert_eq!(fixture.verify(&token).await, Ok(()));
    fixture.keys.refresh().await.unwrap();
    assert_eq!(fixture.verify(&token).await, UNKNOWN_KEY);
    assert_eq!(fixture.verify(&fixture.token(&two)).await, Ok(()));
}

#[tokio::test]
async fn a_new_key_with_a_known_id_is_used_from_the_next_refresh() {
    let (old, new) = (ForeignKey::generate("k"), ForeignKey::generate("k"));
    let fixture = Fixture::with_keys(&[old.jwk()]).await;
    fixture.provider.publish(&[new.jwk()]);
    // The id is known, so the token causes no fetch.
    assert_eq!(fixture.verify(&fixture.token(&new)).await, INVALID_SIGNATURE);
    assert_eq!(fixture.fetches(), 1);
    fixture.keys.refresh().await.unwrap();
    assert_eq!(fixture.verify(&fixture.token(&new)).await, Ok(()));
    assert_eq!(fixture.verify(&fixture.token(&old)).await, INVALID_SIGNATURE);
}

/// Without ids, only an invalid signature shows that there must be a new key.
#[tokio::test]
async fn keys_without_ids_rotate_as_well() {
    let without_id = json!({ "kid": null });
    let (old, new) = (ForeignKey::generate("old"), ForeignKey::generate("new"));
    let fixture = Fixture::with_keys(&[old.jwk_with(&without_id)]).await;
    let issuer = fixture.provider.issuer();
    let token = |key: &ForeignKey| key.mint(&json!({}), &issuer, &json!({}));
    assert_eq!(fixture.verify(&token(&old)).await, Ok(()));
    // A key without an id verifies tokens with any `kid`.
    assert_eq!(fixture.verify(&token_naming(&old, "any", &issuer)).await, Ok(()));
    fixture.provider.publish(&[new.jwk_with(&without_id)]);
    assert_eq!(fixture.verify(&token(&new)).await, Ok(()));
    assert_eq!(fixture.verify(&token(&old)).await, INVALID_SIGNATURE);
    assert_eq!(fixture.fetches(), 2);
}

#[tokio::test]
async fn a_token_without_kid_is_verified_by_a_key_with_one() {
    let key = ForeignKey::generate("one");
    let fixture = Fixture::with_keys(&[key.jwk()]).await;
    let token = key.mint(&json!({}), &fixture.provider.issuer(), &json!({}));
    assert_eq!(fixture.verify(&token).await, Ok(()));
}

#[tokio::test]
async fn cache_control_sets_the_refresh_interval_within_limits() {
    const HOUR: u64 = 3600;
    let (default, shortest, longest) =
        (HOUR * 9 / 10..=HOUR, 300..=334, 24 * HOUR * 9 / 10..=24 * HOUR);
    for (headers, due) in [
        ("", &default),
        ("cache-control: max-age=0\r\n", &shortest),
        ("cache-control: max-age=1\r\n", &shortest),
        ("cache-control: public, max-age=7200, must-revalidate\r\n", &(6480..=7200)),
        ("cache-control: public\r\ncache-control: max-age=7200\r\n", &(6480..=7200)),
        ("cache-control: MAX-AGE=\"7200\"\r\n", &(6480..=7200)),
        ("cache-control: max-age=7200\r\nage: 3590\r\n", &(3249..=3610)),
        ("cache-control: max-age=7200\r\nage: 9000\r\n", &shortest),
        ("cache-control: max-age=7200, no-cache\r\n", &shortest),
        ("cache-control: no-store\r\n", &shortest),
        ("cache-control: max-age=31536000\r\n", &longest),
        ("cache-control: max-age=99999999999999999999999\r\n", &default),
        ("cache-control: max-age=-1\r\n", &default),
        ("cache-control: max-age\r\n", &default),
        ("cache-control: \u{e9}\r\n", &default),
    ] {
        let document = json!({ "keys": [ForeignKey::generate("one").jwk()] });
        let provider = provider_with(&[]);
        provider.respond(JWKS, Response::with_headers(headers, &document));
        let limit = Duration::from_secs(1_000_000);
        let fixture = Fixture::with_provider(provider, |keys| keys.max_stale(limit));
        for _ in 0..10 {
            fixture.keys.refresh().await.unwrap();
            let wait = fixture.keys.status().refresh_in.as_secs();
            assert!(due.contains(&wait), "{wait} {headers}");
        }
    }
}

/// Otherwise copies that started together would always fetch together.
#[tokio::test]
async fn copies_of_a_service_refresh_at_different_times() {
    let provider = provider_with(&[ForeignKey::generate("one").jwk()]);
    let clock = clock();
    let mut waits = BTreeSet::new();
    for _ in 0..100 {
        let builder = RemoteKeys::from_url(provider.url(JWKS)).insecure_loopback_http();
        let keys = builder.clock(&clock).build().unwrap();
        keys.refresh().await.unwrap();
        let wait = keys.status().refresh_in.as_secs();
        assert!((3240..=3600).contains(&wait), "{wait}");
        waits.insert(wait);
    }
    // Each wait is one of 361 values. At most 50 different ones in 100 draws is practically impossible.
    assert!(waits.len() > 50, "{waits:?}");
}

#[tokio::test]
async fn max_stale_limits_the_configured_interval() {
    for (every, stale, due) in [
        (Some(10), 1_000_000, 9..=10),
        (Some(1), 1_000_000, 1..=1),
        (None, 100, 81..=90),
        (Some(1000), 100, 81..=90),
        // The refresh comes earlier, even though times are whole seconds.
        (None, 5, 3..=4),
    ] {
        let key = ForeignKey::generate("one");
        let fixture = Fixture::with_provider(provider_with(&[key.jwk()]), |mut keys| {
            if let Some(every) = every {
                keys = keys.refresh_every(Duration::from_secs(every));
            }
            keys.max_stale(Duration::from_secs(stale))
        });
        fixture.keys.refresh().await.unwrap();
        let wait = fixture.keys.status().refresh_in;
        assert!(due.contains(&wait.as_secs()), "{wait:?} {due:?}");
        let second = Duration::from_secs(1);
        fixture.clock.advance(wait - second);
        assert_eq!(fixture.keys.status().refresh_in, second);
        assert_eq!(fixture.fetches(), 1);
        fixture.clock.advance(second);
        eventually(2, async || fixture.fetches()).await;
        assert_eq!(fixture.verify(&fixture.token(&key)).await, Ok(()));
    }
}

/// The age of the keys is unknown then.
#[tokio::test]
async fn a_clock_that_is_set_back_causes_a_refresh() {
    let fixture = Fixture::with_keys(&[ForeignKey::generate("one").jwk()]).await;
    fixture.clock.set(NumericDate::from_secs(NOW - 1));
    eventually(2, async || fixture.fetches()).await;
    eventually(true, async || !fixture.keys.status().refresh_in.is_zero()).await;
    assert_eq!(fixture.keys.status().age, Some(Duration::ZERO));
}

#[tokio::test]
async fn an_entity_tag_avoids_fetching_unchanged_keys() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let document = |key: &ForeignKey| json!({ "keys": [key.jwk()] }).to_string().into_bytes();
    let provider = provider_with(&[]);
    provider.respond(JWKS, Response::Tagged("\"1\"", document(&one)));
    let fixture = Fixture::with_provider(provider, |keys| keys);
    fixture.keys.refresh().await.unwrap();
    fixture.clock.advance(Duration::from_secs(100));
    assert_eq!(fixture.keys.status().age, Some(Duration::from_secs(100)));
    fixture.keys.refresh().await.unwrap();
    let heads = fixture.provider.request_heads();
    assert!(!heads[0].contains("if-none-match") && heads[1].contains("if-none-match: \"1\""));
    assert_eq!(fixture.keys.status().age, Some(Duration::ZERO));
    assert_eq!(fixture.keys.status().keys, 1);
    assert_eq!(fixture.verify_now(&fixture.token(&one)), Ok(()));

    fixture.provider.respond(JWKS, Response::Tagged("\"2\"", document(&two)));
    fixture.keys.refresh().await.unwrap();
    assert_eq!(fixture.verify_now(&fixture.token(&two)), Ok(()));
    assert_eq!(fixture.verify_now(&fixture.token(&one)), UNKNOWN_KEY);
    // A `304` without a known entity tag is a failure.
    fixture.provider.publish(&[one.jwk()]);
    fixture.keys.refresh().await.unwrap();
    fixture.provider.respond(JWKS, Response::status(304));
    assert!(fixture.keys.refresh().await.is_err());
}

#[tokio::test]
async fn fetching_ends_with_the_last_handle() {
    let key = ForeignKey::generate("one");
    let Fixture { provider, clock, keys, verifier } = Fixture::with_keys(&[key.jwk()]).await;
    drop(keys);
    clock.advance(Duration::from_secs(24 * 3600));
    eventually(2, async || provider.count(JWKS)).await;
    drop(verifier);
    for _ in 0..3 {
        clock.advance(Duration::from_secs(24 * 3600));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(provider.count(JWKS), 2);
}

#[test]
fn a_handle_can_be_built_outside_of_a_runtime() {
    let key = ForeignKey::generate("one");
    let fixture = Fixture::with_provider(provider_with(&[key.jwk()]), |keys| keys);
    let token = fixture.token(&key);
    assert_eq!(fixture.verify(&token).now_or_never(), Some(UNAVAILABLE));
    assert_eq!(fixture.fetches(), 0);
    // It also outlives a runtime.
    for _ in 0..2 {
        let runtime = Runtime::new().unwrap();
        assert_eq!(runtime.block_on(fixture.verify(&token)), Ok(()));
    }
}

#[test]
fn a_runtime_that_ends_during_a_fetch_does_not_block_another() {
    let key = ForeignKey::generate("one");
    let fixture = Fixture::with_provider(provider_with(&[key.jwk()]), |keys| keys);
    let token = fixture.token(&key);
    fixture.provider.hold();
    let runtime = Runtime::new().unwrap();
    assert_eq!(runtime.block_on(async { fixture.verify(&token).now_or_never() }), None);
    drop(runtime);
    fixture.provider.release();
    assert_eq!(Runtime::new().unwrap().block_on(fixture.verify(&token)), Ok(()));
}

/// Each key is published before it signs, and remains published for the tokens it has signed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_during_a_hundred_rotations() {
    const ROTATIONS: usize = 100;
    const CLIENTS: usize = 8;

    let key = |n| ForeignKey::generate(&format!("k{n}"));
    let generations: Vec<_> = (0..ROTATIONS + 2).map(key).collect();
    let published = |n: usize| -> Vec<_> {
        generations[n.saturating_sub(4)..=n + 1].iter().map(ForeignKey::jwk).collect()
    };
    let fixture = Fixture::with_provider(provider_with(&published(0)), |keys| {
        keys.cooldown(Duration::from_secs(1))
    });
    let load = Arc::new(Load {
        layer: JwtAuthLayer::new(fixture.verifier.clone()),
        tokens: generations.iter().map(|key| fixture.token(key)).collect(),
        current: AtomicUsize::new(0),
        finished: AtomicBool::new(false),
        sent: AtomicUsize::new(0),
    });
    let clients: Vec<_> =
        (0..CLIENTS).map(|_| tokio::spawn(Arc::clone(&load).keep_sending())).collect();
    for n in 1..=ROTATIONS {
        fixture.provider.publish(&published(n));
        fixture.clock.advance(Duration::from_secs(1));
        load.current.store(n, Ordering::SeqCst);
        let enough = load.sent.load(Ordering::SeqCst) + 10 * CLIENTS;
        eventually(true, async || load.sent.load(Ordering::SeqCst) >= enough).await;
    }
    load.finished.store(true, Ordering::SeqCst);
    let failed: usize = join_all(clients).await.into_iter().map(Result::unwrap).sum();
    let sent = load.sent.load(Ordering::SeqCst);
    println!("{sent} requests, {failed} failed, {} fetches", fixture.fetches());
    assert_eq!(failed, 0, "of {sent}");
    // Each fetch also brings the key that signs next.
    assert!(fixture.fetches() <= ROTATIONS, "{}", fixture.fetches());
}

/// Clients that keep sending the newest token.
struct Load {
    layer: JwtAuthLayer,
    tokens: Vec<String>,
    current: AtomicUsize,
    finished: AtomicBool,
    sent: AtomicUsize,
}

impl Load {
    /// Returns the number of requests that failed although their key was published throughout.
    async fn keep_sending(self: Arc<Self>) -> usize {
        let mut failed = 0;
        while !self.finished.load(Ordering::SeqCst) {
            let n = self.current.load(Ordering::SeqCst);
            let response = send(&self.layer, bearer(&self.tokens[n])).await;
            self.sent.fetch_add(1, Ordering::SeqCst);
            let is_published = self.current.load(Ordering::SeqCst) <= n + 3;
            failed += usize::from(response.outcome() != Ok("ada") && is_published);
            tokio::task::yield_now().await;
        }
        failed
    }
}
