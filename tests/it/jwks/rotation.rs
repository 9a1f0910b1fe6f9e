//! Keys that come, stay and go.

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

use super::{BAD_SIGNATURE, Scene, UNAVAILABLE, UNKNOWN_KEY, eventually, naming, publishing};
use crate::support::{
    app::{bearer, send},
    foreign::ForeignKey,
    mint::{NOW, clock},
    provider::{Answer, JWKS},
};

#[tokio::test]
async fn a_new_key_is_found_when_a_token_names_it() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let scene = Scene::of(&[one.jwk()]).await;
    let token = scene.token(&two);
    assert_eq!(scene.ask_now(&token), UNKNOWN_KEY);
    scene.provider.publish(&[one.jwk(), two.jwk()]);
    assert_eq!(scene.ask(&token).await, Ok(()));
    assert_eq!(scene.ask_now(&scene.token(&one)), Ok(()));
    assert_eq!(scene.fetches(), 2);
}

/// Row 53.
#[tokio::test]
async fn a_withdrawn_key_ends_with_the_next_refresh() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let scene = Scene::of(&[one.jwk(), two.jwk()]).await;
    let token = scene.token(&one);
    assert_eq!(scene.ask(&token).await, Ok(()));
    scene.provider.publish(&[two.jwk()]);
    assert_eq!(scene.ask(&token).await, Ok(()));
    scene.keys.refresh().await.unwrap();
    assert_eq!(scene.ask(&token).await, UNKNOWN_KEY);
    assert_eq!(scene.ask(&scene.token(&two)).await, Ok(()));
    // All of them may go.
    scene.provider.publish(&[]);
    scene.keys.refresh().await.unwrap();
    assert_eq!(scene.ask_now(&scene.token(&two)), UNKNOWN_KEY);
    assert!(scene.keys.status().is_usable);
}

#[tokio::test]
async fn a_key_of_the_same_id_takes_the_others_place() {
    let (old, new) = (ForeignKey::generate("k"), ForeignKey::generate("k"));
    let scene = Scene::of(&[old.jwk()]).await;
    scene.provider.publish(&[new.jwk()]);
    // Its name is known, so nothing is fetched for it.
    assert_eq!(scene.ask(&scene.token(&new)).await, BAD_SIGNATURE);
    assert_eq!(scene.fetches(), 1);
    scene.keys.refresh().await.unwrap();
    assert_eq!(scene.ask(&scene.token(&new)).await, Ok(()));
    assert_eq!(scene.ask(&scene.token(&old)).await, BAD_SIGNATURE);
}

/// Without names, only the signature tells that there must be another key.
#[tokio::test]
async fn keys_without_names_rotate_as_well() {
    let nameless = json!({ "kid": null });
    let (old, new) = (ForeignKey::generate("old"), ForeignKey::generate("new"));
    let scene = Scene::of(&[old.jwk_with(&nameless)]).await;
    let issuer = scene.provider.issuer();
    let token = |key: &ForeignKey| key.mint(&json!({}), &issuer, &json!({}));
    assert_eq!(scene.ask(&token(&old)).await, Ok(()));
    // One key serves whatever name a token has.
    assert_eq!(scene.ask(&naming(&old, "any", &issuer)).await, Ok(()));
    scene.provider.publish(&[new.jwk_with(&nameless)]);
    assert_eq!(scene.ask(&token(&new)).await, Ok(()));
    assert_eq!(scene.ask(&token(&old)).await, BAD_SIGNATURE);
    assert_eq!(scene.fetches(), 2);
}

#[tokio::test]
async fn a_token_without_a_name_fits_a_key_with_one() {
    let key = ForeignKey::generate("one");
    let scene = Scene::of(&[key.jwk()]).await;
    let token = key.mint(&json!({}), &scene.provider.issuer(), &json!({}));
    assert_eq!(scene.ask(&token).await, Ok(()));
}

#[tokio::test]
async fn keys_are_refreshed_by_the_cache_control_within_limits() {
    const HOUR: u64 = 3600;
    let (usual, soonest, latest) =
        (HOUR * 9 / 10..=HOUR, 300..=334, 24 * HOUR * 9 / 10..=24 * HOUR);
    for (headers, due) in [
        ("", &usual),
        ("cache-control: max-age=0\r\n", &soonest),
        ("cache-control: max-age=1\r\n", &soonest),
        ("cache-control: public, max-age=7200, must-revalidate\r\n", &(6480..=7200)),
        ("cache-control: public\r\ncache-control: max-age=7200\r\n", &(6480..=7200)),
        ("cache-control: MAX-AGE=\"7200\"\r\n", &(6480..=7200)),
        ("cache-control: max-age=7200\r\nage: 3590\r\n", &(3249..=3610)),
        ("cache-control: max-age=7200\r\nage: 9000\r\n", &soonest),
        ("cache-control: max-age=7200, no-cache\r\n", &soonest),
        ("cache-control: no-store\r\n", &soonest),
        ("cache-control: max-age=31536000\r\n", &latest),
        ("cache-control: max-age=99999999999999999999999\r\n", &usual),
        ("cache-control: max-age=-1\r\n", &usual),
        ("cache-control: max-age\r\n", &usual),
        ("cache-control: \u{e9}\r\n", &usual),
    ] {
        let document = json!({ "keys": [ForeignKey::generate("one").jwk()] });
        let provider = publishing(&[]);
        provider.answer(JWKS, Answer::with_headers(headers, &document));
        let limit = Duration::from_secs(1_000_000);
        let scene = Scene::of_provider(provider, |keys| keys.max_stale(limit));
        for _ in 0..10 {
            scene.keys.refresh().await.unwrap();
            let wait = scene.keys.status().refresh_in.as_secs();
            assert!(due.contains(&wait), "{wait} {headers}");
        }
    }
}

/// Else those that were started together would ask together for ever.
#[tokio::test]
async fn copies_of_a_service_refresh_at_moments_of_their_own() {
    let provider = publishing(&[ForeignKey::generate("one").jwk()]);
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
    // One in 361 each: fewer than half of them differ as seldom as never.
    assert!(waits.len() > 50, "{waits:?}");
}

#[tokio::test]
async fn the_configured_interval_counts_more_and_staleness_most() {
    for (every, stale, due) in [
        (Some(10), 1_000_000, 9..=10),
        (Some(1), 1_000_000, 1..=1),
        (None, 100, 81..=90),
        (Some(1000), 100, 81..=90),
        // It must come before, also where whole seconds are long.
        (None, 5, 3..=4),
    ] {
        let key = ForeignKey::generate("one");
        let scene = Scene::of_provider(publishing(&[key.jwk()]), |mut keys| {
            if let Some(every) = every {
                keys = keys.refresh_every(Duration::from_secs(every));
            }
            keys.max_stale(Duration::from_secs(stale))
        });
        scene.keys.refresh().await.unwrap();
        let wait = scene.keys.status().refresh_in;
        assert!(due.contains(&wait.as_secs()), "{wait:?} {due:?}");
        let second = Duration::from_secs(1);
        scene.clock.advance(wait - second);
        assert_eq!(scene.keys.status().refresh_in, second);
        assert_eq!(scene.fetches(), 1);
        scene.clock.advance(second);
        eventually(2, async || scene.fetches()).await;
        assert_eq!(scene.ask(&scene.token(&key)).await, Ok(()));
    }
}

/// Whatever time it is, what is known of the keys' age is worth nothing then.
#[tokio::test]
async fn a_clock_that_is_set_back_causes_a_refresh() {
    let scene = Scene::of(&[ForeignKey::generate("one").jwk()]).await;
    scene.clock.set(NumericDate::from_secs(NOW - 1));
    eventually(2, async || scene.fetches()).await;
    eventually(true, async || !scene.keys.status().refresh_in.is_zero()).await;
    assert_eq!(scene.keys.status().age, Some(Duration::ZERO));
}

#[tokio::test]
async fn unchanged_keys_are_not_sent_again() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let document = |key: &ForeignKey| json!({ "keys": [key.jwk()] }).to_string().into_bytes();
    let provider = publishing(&[]);
    provider.answer(JWKS, Answer::Tagged("\"1\"", document(&one)));
    let scene = Scene::of_provider(provider, |keys| keys);
    scene.keys.refresh().await.unwrap();
    scene.clock.advance(Duration::from_secs(100));
    assert_eq!(scene.keys.status().age, Some(Duration::from_secs(100)));
    scene.keys.refresh().await.unwrap();
    let heads = scene.provider.heads();
    assert!(!heads[0].contains("if-none-match") && heads[1].contains("if-none-match: \"1\""));
    assert_eq!(scene.keys.status().age, Some(Duration::ZERO));
    assert_eq!(scene.keys.status().keys, 1);
    assert_eq!(scene.ask_now(&scene.token(&one)), Ok(()));

    scene.provider.answer(JWKS, Answer::Tagged("\"2\"", document(&two)));
    scene.keys.refresh().await.unwrap();
    assert_eq!(scene.ask_now(&scene.token(&two)), Ok(()));
    assert_eq!(scene.ask_now(&scene.token(&one)), UNKNOWN_KEY);
    // Who was given no tag is owed the keys.
    scene.provider.publish(&[one.jwk()]);
    scene.keys.refresh().await.unwrap();
    scene.provider.answer(JWKS, Answer::status(304));
    assert!(scene.keys.refresh().await.is_err());
}

#[tokio::test]
async fn nothing_is_fetched_after_the_last_handle() {
    let key = ForeignKey::generate("one");
    let Scene { provider, clock, keys, verifier } = Scene::of(&[key.jwk()]).await;
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
fn a_handle_may_be_made_outside_of_a_runtime() {
    let key = ForeignKey::generate("one");
    let scene = Scene::of_provider(publishing(&[key.jwk()]), |keys| keys);
    let token = scene.token(&key);
    assert_eq!(scene.ask(&token).now_or_never(), Some(UNAVAILABLE));
    assert_eq!(scene.fetches(), 0);
    // And outlives one.
    for _ in 0..2 {
        let runtime = Runtime::new().unwrap();
        assert_eq!(runtime.block_on(scene.ask(&token)), Ok(()));
    }
}

#[test]
fn a_runtime_that_ends_during_a_fetch_holds_up_no_other() {
    let key = ForeignKey::generate("one");
    let scene = Scene::of_provider(publishing(&[key.jwk()]), |keys| keys);
    let token = scene.token(&key);
    scene.provider.hold();
    let runtime = Runtime::new().unwrap();
    assert_eq!(runtime.block_on(async { scene.ask(&token).now_or_never() }), None);
    drop(runtime);
    scene.provider.release();
    assert_eq!(Runtime::new().unwrap().block_on(scene.ask(&token)), Ok(()));
}

/// Each key is published before it signs, and stays for the tokens it has signed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_during_a_hundred_rotations() {
    const ROTATIONS: usize = 100;
    const CLIENTS: usize = 8;

    let key = |n| ForeignKey::generate(&format!("k{n}"));
    let generations: Vec<_> = (0..ROTATIONS + 2).map(key).collect();
    let published = |n: usize| -> Vec<_> {
        generations[n.saturating_sub(4)..=n + 1].iter().map(ForeignKey::jwk).collect()
    };
    let scene =
        Scene::of_provider(publishing(&published(0)), |keys| keys.cooldown(Duration::from_secs(1)));
    let load = Arc::new(Load {
        layer: JwtAuthLayer::new(scene.verifier.clone()),
        tokens: generations.iter().map(|key| scene.token(key)).collect(),
        current: AtomicUsize::new(0),
        over: AtomicBool::new(false),
        answered: AtomicUsize::new(0),
    });
    let clients: Vec<_> =
        (0..CLIENTS).map(|_| tokio::spawn(Arc::clone(&load).keep_asking())).collect();
    for n in 1..=ROTATIONS {
        scene.provider.publish(&published(n));
        scene.clock.advance(Duration::from_secs(1));
        load.current.store(n, Ordering::SeqCst);
        let enough = load.answered.load(Ordering::SeqCst) + 10 * CLIENTS;
        eventually(true, async || load.answered.load(Ordering::SeqCst) >= enough).await;
    }
    load.over.store(true, Ordering::SeqCst);
    let failed: usize = join_all(clients).await.into_iter().map(Result::unwrap).sum();
    let answered = load.answered.load(Ordering::SeqCst);
    println!("{answered} requests, {failed} failed, {} fetches", scene.fetches());
    assert_eq!(failed, 0, "of {answered}");
    // Every other generation was met as the next one of the generation before.
    assert!(scene.fetches() <= ROTATIONS, "{}", scene.fetches());
}

/// Clients that ask with the newest token again and again.
struct Load {
    layer: JwtAuthLayer,
    tokens: Vec<String>,
    current: AtomicUsize,
    over: AtomicBool,
    answered: AtomicUsize,
}

impl Load {
    /// Returns how many requests failed whose key was published all the while.
    async fn keep_asking(self: Arc<Self>) -> usize {
        let mut failed = 0;
        while !self.over.load(Ordering::SeqCst) {
            let n = self.current.load(Ordering::SeqCst);
            let answer = send(&self.layer, bearer(&self.tokens[n])).await;
            self.answered.fetch_add(1, Ordering::SeqCst);
            let is_published = self.current.load(Ordering::SeqCst) <= n + 3;
            failed += usize::from(answer.outcome() != Ok("ada") && is_published);
            tokio::task::yield_now().await;
        }
        failed
    }
}
