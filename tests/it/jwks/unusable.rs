//! Documents without a usable key, and the log of keys that cannot be used.

use std::time::Duration;

use serde_json::{Value, json};
use tower_jwt_auth::jwks::FetchErrorKind;

use super::{Fixture, UNAVAILABLE, UNKNOWN_KEY, provider_with};
use crate::support::{
    foreign::ForeignKey,
    log::Log,
    mint::encode,
    provider::{JWKS, Response},
};

fn secret() -> Value {
    json!({ "kty": "oct", "k": encode([7, 9].repeat(32)), "kid": "kid-of-a-secret" })
}

/// Servers publish an empty set for a moment while they start or rotate.
#[tokio::test]
async fn a_set_without_a_usable_key_is_a_failed_fetch() {
    let (key, other) = (ForeignKey::generate("one"), ForeignKey::generate("other"));
    for unusable in [json!([]), json!([secret()]), json!([{}, null])] {
        let fixture = Fixture::with_provider(provider_with(&[key.jwk()]), |keys| {
            keys.max_stale(Duration::from_secs(100))
        });
        fixture.keys.refresh().await.unwrap();
        let token = fixture.token(&key);
        fixture.provider.respond(JWKS, Response::json(&json!({ "keys": unusable })));
        fixture.clock.advance(Duration::from_secs(50));
        let error = fixture.keys.refresh().await.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::NoUsableKeys);
        // The current keys stay in use, and the state shows why they are not renewed.
        assert_eq!(fixture.verify(&token).await, Ok(()));
        let status = fixture.keys.status();
        assert!(status.is_usable);
        assert_eq!((status.keys, status.age), (1, Some(Duration::from_secs(50))));
        assert_eq!(status.last_error, Some(FetchErrorKind::NoUsableKeys));
        // It starts the cooldown.
        assert_eq!(fixture.verify(&fixture.token(&other)).await, UNKNOWN_KEY);
        let fetches = fixture.fetches();
        assert_eq!(fixture.verify(&fixture.token(&other)).await, UNKNOWN_KEY);
        assert_eq!(fixture.fetches(), fetches);
        // Not longer than any other outage.
        fixture.clock.advance(Duration::from_secs(50));
        assert_eq!(fixture.verify(&token).await, UNAVAILABLE);
        assert!(!fixture.keys.status().is_usable);

        fixture.provider.publish(&[key.jwk()]);
        fixture.keys.refresh().await.unwrap();
        assert_eq!(fixture.verify_now(&token), Ok(()));
        assert_eq!(fixture.keys.status().last_error, None);
    }
}

#[tokio::test]
async fn without_any_usable_key_tokens_are_not_rejected_but_unavailable() {
    let fixture = Fixture::with_provider(provider_with(&[]), |keys| keys);
    let token = fixture.token(&ForeignKey::generate("one"));
    assert_eq!(fixture.verify(&token).await, UNAVAILABLE);
    let status = fixture.keys.status();
    assert_eq!((status.is_usable, status.keys, status.age), (false, 0, None));
    assert_eq!(status.last_error, Some(FetchErrorKind::NoUsableKeys));
}

/// The lines about keys that cannot be used.
fn reasons(log: &Log) -> Vec<String> {
    let lines = log.take().into_iter();
    lines.filter(|line| line.contains("of the keys")).collect()
}

#[tokio::test]
async fn unusable_keys_are_logged_once_per_document() {
    let (log, _guard) = Log::collect();
    let key = ForeignKey::generate("kid-of-a-key");
    let for_encryption = key.jwk_with(&json!({ "use": "enc" }));
    let fixture = Fixture::with_keys(&[key.jwk(), secret(), for_encryption.clone()]).await;
    fixture.keys.refresh().await.unwrap();
    fixture.clock.advance(Duration::from_secs(10_000));
    fixture.keys.refresh().await.unwrap();
    let [line] = <[_; 1]>::try_from(reasons(&log)).unwrap();
    assert!(line.starts_with("WARN"), "{line}");
    for reason in ["key 1: the key is symmetric", "key 2: the key is for encryption"] {
        assert!(line.contains(reason), "{line}");
    }
    assert!(!line.contains("kid-of") && !line.contains(&encode([7, 9].repeat(32))), "{line}");

    // A new document is logged once too, even if it fails each time.
    fixture.provider.publish(&[secret()]);
    for _ in 0..3 {
        assert!(fixture.keys.refresh().await.is_err());
    }
    assert_eq!(reasons(&log).len(), 1);
    // Most providers publish keys for encryption, so they are no warning.
    fixture.provider.publish(&[key.jwk(), for_encryption]);
    fixture.keys.refresh().await.unwrap();
    let [line] = <[_; 1]>::try_from(reasons(&log)).unwrap();
    assert!(line.starts_with("DEBUG"), "{line}");
}
