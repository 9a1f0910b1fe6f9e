//! Row 51: answers that are slow, endless, huge, compressed or lead elsewhere.

use std::time::{Duration, Instant};

use futures::{FutureExt, future::join_all};
use http::StatusCode;
use serde_json::json;
use tower_jwt_auth::jwks::FetchErrorKind;

use super::{Scene, UNAVAILABLE, eventually, publishing};
use crate::support::{
    foreign::ForeignKey,
    provider::{Answer, JWKS, Provider},
};

/// Twenty megabytes of blanks, as `head -c 20M /dev/zero | tr '\\0' ' ' | gzip -9n` packs them.
fn gzip_bomb() -> Vec<u8> {
    include_bytes!("../../fixtures/blanks.json.gz").to_vec()
}

async fn assert_fails(answer: Answer, kind: FetchErrorKind) {
    let key = ForeignKey::generate("one");
    let scene = Scene::of(&[key.jwk()]).await;
    scene.provider.answer(JWKS, answer);
    let error = scene.keys.refresh().await.unwrap_err();
    assert_eq!(error.kind(), kind);
    assert!(!error.to_string().is_empty() && !error.to_string().ends_with('.'));
    // The keys that are there serve on.
    assert_eq!(scene.ask(&scene.token(&key)).await, Ok(()));
    // And it recovers.
    scene.provider.publish(&[key.jwk()]);
    scene.keys.refresh().await.unwrap();
}

#[tokio::test]
async fn other_answers_than_the_keys_are_refused() {
    let good = json!({ "keys": [ForeignKey::generate("two").jwk()] });
    for status in [201, 202, 204, 206, 304, 400, 401, 404, 429, 500, 503] {
        let kind = FetchErrorKind::Status(StatusCode::from_u16(status).unwrap());
        let body = good.to_string().into_bytes();
        assert_fails(Answer::Reply(status, String::new(), body), kind).await;
    }
    let mut broken = good.to_string().into_bytes();
    broken.truncate(20);
    assert_fails(Answer::text(broken), FetchErrorKind::Malformed).await;
    assert_fails(Answer::HangUp, FetchErrorKind::Connection).await;
    let cut = Answer::Reply(200, "content-length: 9999\r\n".to_owned(), b"{}".to_vec());
    assert_fails(cut, FetchErrorKind::Connection).await;
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = publishing(&[ForeignKey::generate("two").jwk()]);
    for status in [301, 302, 303, 307, 308] {
        let location = format!("location: {}\r\n", elsewhere.url(JWKS));
        let kind = FetchErrorKind::Status(StatusCode::from_u16(status).unwrap());
        assert_fails(Answer::Reply(status, location, Vec::new()), kind).await;
    }
    assert_eq!(elsewhere.paths(), [""; 0]);
}

#[tokio::test]
async fn what_is_too_long_is_not_read() {
    let padded = |len: usize| {
        let document = json!({ "keys": [ForeignKey::generate("two").jwk()] }).to_string();
        format!("{document}{}", " ".repeat(len - document.len()))
    };
    let limit = 256 * 1024;
    assert_fails(Answer::text(padded(limit + 1)), FetchErrorKind::TooLarge).await;
    assert_fails(Answer::Endless(" "), FetchErrorKind::TooLarge).await;
    assert_fails(Answer::Endless("{}"), FetchErrorKind::TooLarge).await;
    assert_fails(Answer::EndlessHead, FetchErrorKind::Connection).await;
    let scene = Scene::of(&[]).await;
    scene.provider.answer(JWKS, Answer::text(padded(limit)));
    scene.keys.refresh().await.unwrap();
}

#[tokio::test]
async fn nothing_is_unpacked() {
    for encoding in ["gzip", "deflate", "br", "zstd", "x-gzip", "identity, gzip", "GZIP"] {
        let headers = format!("content-encoding: {encoding}\r\n");
        let answer = Answer::Reply(200, headers, gzip_bomb());
        assert_fails(answer, FetchErrorKind::Encoded).await;
    }
    // Unannounced, it is no JSON.
    assert_fails(Answer::text(gzip_bomb()), FetchErrorKind::Malformed).await;
    let scene = Scene::of(&[]).await;
    for head in scene.provider.heads() {
        assert!(head.contains("accept-encoding: identity\r\n"), "{head}");
    }
    let key = ForeignKey::generate("one");
    let body = json!({ "keys": [key.jwk()] });
    scene.provider.answer(JWKS, Answer::with_headers("content-encoding: identity\r\n", &body));
    scene.keys.refresh().await.unwrap();
}

/// One deadline for everything, however lively the connection looks.
#[tokio::test]
async fn a_slow_answer_ends_with_the_deadline() {
    let stalling = Provider::start();
    stalling.answer(JWKS, Answer::Stall);
    let dripping = Provider::start();
    dripping.answer(JWKS, Answer::Drip(b"{\"keys\":[]}                      ".to_vec()));
    let silent = Provider::start();
    silent.hold();
    let start = Instant::now();
    let waits = [stalling, dripping, silent].map(|provider| async {
        let scene = Scene::of_provider(provider, |keys| keys);
        let token = scene.token(&ForeignKey::generate("one"));
        assert_eq!(scene.ask(&token).await, UNAVAILABLE);
        let waited = start.elapsed();
        // Within the cooldown, the next one is told at once.
        assert_eq!(scene.ask(&token).now_or_never(), Some(UNAVAILABLE));
        (waited, scene)
    });
    for (waited, scene) in join_all(waits).await {
        assert!(waited >= Duration::from_millis(4900), "{waited:?}");
        assert!(waited < Duration::from_secs(15), "{waited:?}");
        assert_eq!(scene.keys.status().age, None);
    }
}

#[tokio::test]
async fn the_deadline_is_configurable() {
    let provider = Provider::start();
    provider.answer(JWKS, Answer::Stall);
    let scene = Scene::of_provider(provider, |keys| keys.timeout(Duration::from_millis(100)));
    assert_eq!(scene.keys.refresh().await.unwrap_err().kind(), FetchErrorKind::Timeout);
    let key = ForeignKey::generate("one");
    scene.provider.publish(&[key.jwk()]);
    // Without anybody asking.
    eventually(Ok(()), async || {
        scene.clock.advance(Duration::from_secs(1));
        scene.ask_now(&scene.token(&key))
    })
    .await;
}
