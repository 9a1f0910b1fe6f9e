//! Key servers that are unavailable.

use std::time::Duration;

use http::header::RETRY_AFTER;
use tower_jwt_auth::{AuthErrorKind, JwtAuthLayer, jwks::RemoteKeys};

use super::{Fixture, UNAVAILABLE, UNKNOWN_KEY, eventually, provider_with};
use crate::support::{
    app::{bearer, send},
    foreign::ForeignKey,
    provider::{JWKS, Provider, Response},
};

#[tokio::test]
async fn keys_are_used_until_max_stale_and_then_rejected() {
    let (key, other) = (ForeignKey::generate("one"), ForeignKey::generate("other"));
    let fixture = Fixture::with_provider(provider_with(&[key.jwk()]), |keys| {
        keys.max_stale(Duration::from_secs(100))
    });
    fixture.keys.refresh().await.unwrap();
    let token = fixture.token(&key);
    fixture.provider.respond(JWKS, Response::HangUp);
    fixture.clock.advance(Duration::from_secs(99));
    assert_eq!(fixture.verify_now(&token), Ok(()));
    assert_eq!(fixture.verify(&fixture.token(&other)).await, UNKNOWN_KEY);
    assert!(fixture.keys.status().is_usable);

    fixture.clock.advance(Duration::from_secs(1));
    assert_eq!(fixture.verify_now(&token), UNAVAILABLE);
    assert_eq!(fixture.verify(&token).await, UNAVAILABLE);
    assert_eq!(fixture.verify(&fixture.token(&other)).await, UNAVAILABLE);
    let status = fixture.keys.status();
    assert!(!status.is_usable);
    assert_eq!(status.age, Some(Duration::from_secs(100)));

    let layer: JwtAuthLayer = JwtAuthLayer::new(fixture.verifier.clone());
    let response = send(&layer, bearer(&token)).await;
    assert_eq!(response.outcome(), Err(AuthErrorKind::Unavailable));
    assert_eq!(
        (response.status.as_u16(), &response.headers[RETRY_AFTER]),
        (503, &"1".parse().unwrap())
    );
    assert!(response.challenges().is_empty());

    // The background task recovers. The pauses between its attempts use the injected clock.
    fixture.provider.publish(&[key.jwk()]);
    eventually(Ok(()), async || {
        fixture.clock.advance(Duration::from_secs(1));
        fixture.verify_now(&token)
    })
    .await;
    assert!(fixture.keys.status().is_usable);
}

/// Not from the last attempt, and not from the last change of the keys.
#[tokio::test]
async fn max_stale_counts_from_the_last_successful_fetch() {
    let key = ForeignKey::generate("one");
    let fixture = Fixture::with_provider(provider_with(&[key.jwk()]), |keys| {
        keys.max_stale(Duration::from_secs(200))
    });
    fixture.keys.refresh().await.unwrap();
    let token = fixture.token(&key);
    fixture.clock.advance(Duration::from_secs(90));
    fixture.keys.refresh().await.unwrap();
    fixture.provider.respond(JWKS, Response::status(500));
    fixture.clock.advance(Duration::from_secs(150));
    assert!(fixture.keys.refresh().await.is_err());
    assert_eq!(fixture.verify_now(&token), Ok(()));
    fixture.clock.advance(Duration::from_secs(50));
    assert_eq!(fixture.verify_now(&token), UNAVAILABLE);
}

#[tokio::test]
async fn recovers_when_the_server_was_down_at_the_start() {
    let port = Provider::start().port();
    let key = ForeignKey::generate("one");
    // Dropping the provider has freed its port.
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
async fn failed_fetches_are_repeated_with_growing_pauses() {
    let provider = provider_with(&[]);
    provider.respond(JWKS, Response::status(500));
    let fixture = Fixture::with_provider(provider, |keys| keys);
    let mut waits = Vec::new();
    for _ in 0..6 {
        assert!(fixture.keys.refresh().await.is_err());
        let wait = fixture.keys.status().refresh_in;
        waits.push(wait.as_secs());
        fixture.clock.advance(wait);
    }
    assert!(waits.is_sorted() && waits[0] >= 1 && waits[5] == 5, "{waits:?}");
}
