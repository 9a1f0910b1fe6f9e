//! Floods of unknown keys and cold starts cause one fetch.

use std::time::Duration;

use futures::{FutureExt, future::join_all};
use serde_json::json;
use tower_jwt_auth::{Algorithm, NumericDate};

use super::{Fixture, Outcome, UNAVAILABLE, UNKNOWN_KEY, eventually, provider_with, token_naming};
use crate::support::{
    foreign::ForeignKey,
    keys,
    mint::{Minter, NOW},
    provider::{JWKS, Response},
};

#[tokio::test]
async fn ten_thousand_unknown_keys_cause_one_fetch_per_cooldown() {
    let (key, other) = (ForeignKey::generate("one"), ForeignKey::generate("other"));
    let fixture = Fixture::with_keys(&[key.jwk()]).await;
    let issuer = fixture.provider.issuer();
    assert_eq!(fixture.fetches(), 1);
    for n in 0..10_000 {
        assert_eq!(
            fixture.verify(&token_naming(&other, &format!("k{n}"), &issuer)).await,
            UNKNOWN_KEY
        );
    }
    assert_eq!(fixture.fetches(), 2);
    assert_eq!(fixture.verify_now(&fixture.token(&key)), Ok(()));

    fixture.clock.advance(Duration::from_secs(29));
    assert_eq!(fixture.verify(&token_naming(&other, "a", &issuer)).await, UNKNOWN_KEY);
    assert_eq!(fixture.fetches(), 2);
    fixture.clock.advance(Duration::from_secs(1));
    for _ in 0..100 {
        assert_eq!(fixture.verify(&token_naming(&other, "b", &issuer)).await, UNKNOWN_KEY);
    }
    assert_eq!(fixture.fetches(), 3);
}

#[tokio::test]
async fn concurrent_unknown_keys_cause_one_fetch() {
    let (key, other) = (ForeignKey::generate("one"), ForeignKey::generate("other"));
    let fixture = Fixture::with_keys(&[key.jwk()]).await;
    let issuer = fixture.provider.issuer();
    let tokens: Vec<_> =
        (0..1000).map(|n| token_naming(&other, &format!("k{n}"), &issuer)).collect();
    let outcomes = join_all(tokens.iter().map(|token| fixture.verify(token))).await;
    assert!(outcomes.iter().all(|outcome| *outcome == UNKNOWN_KEY));
    assert_eq!(fixture.fetches(), 2);
}

#[tokio::test]
async fn failed_fetches_start_the_cooldown() {
    let (key, other) = (ForeignKey::generate("one"), ForeignKey::generate("other"));
    let fixture = Fixture::with_keys(&[key.jwk()]).await;
    fixture.provider.respond(JWKS, Response::status(500));
    for _ in 0..100 {
        assert_eq!(fixture.verify(&fixture.token(&other)).await, UNKNOWN_KEY);
        assert_eq!(fixture.verify(&fixture.token(&key)).await, Ok(()));
    }
    assert_eq!(fixture.fetches(), 2);
}

/// Otherwise the cooldown would last until the clock has caught up.
#[tokio::test]
async fn a_clock_that_is_set_back_ends_the_cooldown() {
    let (key, other) = (ForeignKey::generate("one"), ForeignKey::generate("other"));
    let fixture = Fixture::with_keys(&[key.jwk()]).await;
    assert_eq!(fixture.verify(&fixture.token(&other)).await, UNKNOWN_KEY);
    fixture.clock.set(NumericDate::from_secs(NOW - 1));
    fixture.provider.publish(&[key.jwk(), other.jwk()]);
    let token = other.token_with(&fixture.provider.issuer(), &json!({ "iat": NOW - 2 }));
    assert_eq!(fixture.verify(&token).await, Ok(()));
}

#[tokio::test]
async fn two_hundred_requests_at_a_cold_start_share_one_fetch() {
    let key = ForeignKey::generate("one");
    let provider = provider_with(&[key.jwk()]);
    provider.hold();
    let fixture = Fixture::with_provider(provider, |keys| keys);
    let token = fixture.token(&key);
    let waiting = join_all((0..200).map(|_| fixture.verify(&token)));
    let release = async {
        eventually(1, async || fixture.fetches()).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        fixture.provider.release();
    };
    let (outcomes, ()) = futures::join!(waiting, release);
    assert_eq!(outcomes, vec![Ok(()); 200]);
    assert_eq!(fixture.fetches(), 1);
    // From now on, verifying does not wait.
    assert_eq!(fixture.verify(&token).now_or_never(), Some(Ok(())));
}

#[tokio::test]
async fn waiting_requests_survive_the_one_that_started_the_fetch() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let fixture = Fixture::with_keys(&[one.jwk()]).await;
    fixture.provider.publish(&[one.jwk(), two.jwk()]);
    fixture.provider.hold();
    let token = fixture.token(&two);
    let mut first = fixture.verify(&token).boxed_local();
    assert!(futures::poll!(&mut first).is_pending());
    let others = join_all((0..10).map(|_| fixture.verify(&token)));
    let release = async {
        eventually(2, async || fixture.fetches()).await;
        drop(first);
        fixture.provider.release();
    };
    let (outcomes, ()) = futures::join!(others, release);
    assert_eq!(outcomes, vec![Ok(()); 10]);
    assert_eq!(fixture.fetches(), 2);
}

#[tokio::test]
async fn a_fetch_completes_even_if_no_request_waits_for_it() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let fixture = Fixture::with_keys(&[one.jwk()]).await;
    fixture.provider.publish(&[two.jwk()]);
    let token = fixture.token(&two);
    assert_eq!(fixture.verify(&token).now_or_never(), None);
    eventually(Ok(()), async || fixture.verify_now(&token)).await;
    assert_eq!(fixture.fetches(), 2);
}

#[tokio::test]
async fn tokens_that_no_key_could_verify_cause_no_fetch() {
    let (key, other) = (ForeignKey::generate("one"), ForeignKey::generate("other"));
    let broken = provider_with(&[]);
    broken.respond(JWKS, Response::status(500));
    let cold = Fixture::with_provider(broken, |keys| keys);
    assert_eq!(cold.verify(&cold.token(&key)).await, UNAVAILABLE);
    let warm = Fixture::with_keys(&[key.jwk()]).await;

    for fixture in [&warm, &cold] {
        let issuer = fixture.provider.issuer();
        let valid = fixture.token(&other);
        let (head, signature) = valid.rsplit_once('.').unwrap();
        let header = |changes| other.mint(&changes, &issuer, &json!({}));
        let claims = |changes| other.token_with(&issuer, &changes);
        let tokens = [
            String::new(),
            "x".to_owned(),
            "a.b.c".to_owned(),
            format!("{valid}."),
            format!("{head}.{signature}="),
            format!("{head}.*{signature}"),
            format!("{}.*.{signature}", valid.split('.').next().unwrap()),
            header(json!({ "alg": "none" })),
            header(json!({ "alg": "HS256" })),
            header(json!({ "alg": "ES512" })),
            header(json!({ "alg": "es256" })),
            header(json!({ "crit": ["exp"] })),
            header(json!({ "typ": "JWT" })),
            header(json!({ "kid": "k".repeat(257) })),
            header(json!({ "kid": 1 })),
            claims(json!({ "exp": NOW - 1 })),
            claims(json!({ "exp": "soon" })),
            claims(json!({ "iss": "https://other.example" })),
            claims(json!({ "aud": "other" })),
            claims(json!({ "sub": null })),
            claims(json!({ "x": "x".repeat(9000) })),
            Minter::new(Algorithm::HS256, keys::SECRET).token("{}"),
        ];
        for token in &tokens {
            let outcome: Option<Outcome> = fixture.verify(token).now_or_never();
            let rejected = outcome.is_some_and(|outcome| {
                outcome.is_err_and(|kind| kind.status() == http::StatusCode::UNAUTHORIZED)
            });
            assert!(rejected, "{token}: {outcome:?}");
        }
    }
    assert_eq!(warm.fetches(), 1);
    // A key for this algorithm would be skipped.
    let accepted =
        json!({ "kty": "OKP", "crv": "Ed25519", "x": crate::support::mint::encode([9; 32]) });
    let fixture = Fixture::with_provider(provider_with(&[key.jwk(), accepted]), |keys| {
        keys.algorithms([Algorithm::RS256, Algorithm::EdDSA])
    });
    fixture.keys.refresh().await.unwrap();
    assert_eq!(fixture.verify(&fixture.token(&key)).now_or_never(), Some(UNKNOWN_KEY));
    assert_eq!(fixture.fetches(), 1);
    // A token with an unknown key causes one.
    assert_eq!(warm.verify(&warm.token(&other)).await, UNKNOWN_KEY);
    assert_eq!(warm.fetches(), 2);
}
