//! Row 52: key servers that are away.

use std::time::Duration;

use http::header::RETRY_AFTER;
use tower_jwt_auth::{AuthErrorKind, JwtAuthLayer, jwks::RemoteKeys};

use super::{Scene, UNAVAILABLE, UNKNOWN_KEY, eventually, publishing};
use crate::support::{
    app::{bearer, send},
    foreign::ForeignKey,
    provider::{Answer, JWKS, Provider},
};

#[tokio::test]
async fn stale_keys_serve_until_their_limit_and_then_none_does() {
    let (key, other) = (ForeignKey::generate("one"), ForeignKey::generate("other"));
    let scene = Scene::of_provider(publishing(&[key.jwk()]), |keys| {
        keys.max_stale(Duration::from_secs(100))
    });
    scene.keys.refresh().await.unwrap();
    let token = scene.token(&key);
    scene.provider.answer(JWKS, Answer::HangUp);
    scene.clock.advance(Duration::from_secs(99));
    assert_eq!(scene.ask_now(&token), Ok(()));
    assert_eq!(scene.ask(&scene.token(&other)).await, UNKNOWN_KEY);
    assert!(scene.keys.status().is_usable);

    scene.clock.advance(Duration::from_secs(1));
    assert_eq!(scene.ask_now(&token), UNAVAILABLE);
    assert_eq!(scene.ask(&token).await, UNAVAILABLE);
    assert_eq!(scene.ask(&scene.token(&other)).await, UNAVAILABLE);
    let freshness = scene.keys.status();
    assert!(!freshness.is_usable);
    assert_eq!(freshness.age, Some(Duration::from_secs(100)));

    let layer: JwtAuthLayer = JwtAuthLayer::new(scene.verifier.clone());
    let answer = send(&layer, bearer(&token)).await;
    assert_eq!(answer.outcome(), Err(AuthErrorKind::Unavailable));
    assert_eq!(
        (answer.status.as_u16(), &answer.headers[RETRY_AFTER]),
        (503, &"1".parse().unwrap())
    );
    assert!(answer.challenges().is_empty());

    // It comes back by itself; the pauses between the tries are those of the injected clock.
    scene.provider.publish(&[key.jwk()]);
    eventually(Ok(()), async || {
        scene.clock.advance(Duration::from_secs(1));
        scene.ask_now(&token)
    })
    .await;
    assert!(scene.keys.status().is_usable);
}

/// The limit counts from the last good fetch, not from the last try, nor from a change.
#[tokio::test]
async fn staleness_counts_from_the_last_good_fetch() {
    let key = ForeignKey::generate("one");
    let scene = Scene::of_provider(publishing(&[key.jwk()]), |keys| {
        keys.max_stale(Duration::from_secs(200))
    });
    scene.keys.refresh().await.unwrap();
    let token = scene.token(&key);
    scene.clock.advance(Duration::from_secs(90));
    scene.keys.refresh().await.unwrap();
    scene.provider.answer(JWKS, Answer::status(500));
    scene.clock.advance(Duration::from_secs(150));
    assert!(scene.keys.refresh().await.is_err());
    assert_eq!(scene.ask_now(&token), Ok(()));
    scene.clock.advance(Duration::from_secs(50));
    assert_eq!(scene.ask_now(&token), UNAVAILABLE);
}

#[tokio::test]
async fn a_server_that_is_down_at_the_start_is_found_later() {
    let port = Provider::start().port();
    let key = ForeignKey::generate("one");
    // Its port is free again once the thread that listened is gone.
    let url = format!("http://127.0.0.1:{port}{JWKS}");
    let builder = RemoteKeys::from_url(&*url).insecure_loopback_http();
    let clock = crate::support::mint::clock();
    let keys = builder.clock(&clock).build().unwrap();
    assert!(keys.refresh().await.is_err());
    let issuer = format!("http://127.0.0.1:{port}");
    let verifier = super::verifier(&keys, &issuer, &clock);
    let token = key.token(&issuer);
    assert_eq!(super::outcome(verifier.verify_async(&token).await), UNAVAILABLE);

    let provider = Provider::start_on(port);
    provider.publish(&[key.jwk()]);
    eventually(Ok(()), async || {
        clock.advance(Duration::from_secs(1));
        super::outcome(verifier.verify(&token))
    })
    .await;
}

#[tokio::test]
async fn an_outage_is_tried_again_soon_and_not_too_often() {
    let provider = publishing(&[]);
    provider.answer(JWKS, Answer::status(500));
    let scene = Scene::of_provider(provider, |keys| keys);
    let mut waits = Vec::new();
    for _ in 0..6 {
        assert!(scene.keys.refresh().await.is_err());
        let wait = scene.keys.status().refresh_in;
        waits.push(wait.as_secs());
        scene.clock.advance(wait);
    }
    assert!(waits.is_sorted() && waits[0] >= 1 && waits[5] == 5, "{waits:?}");
}
