//! Rows 49 and 50: floods and cold starts cause one fetch.

use std::time::Duration;

use futures::{FutureExt, future::join_all};
use serde_json::json;
use tower_jwt_auth::{Algorithm, NumericDate};

use super::{Outcome, Scene, UNAVAILABLE, UNKNOWN_KEY, eventually, naming, publishing};
use crate::support::{
    foreign::ForeignKey,
    keys,
    mint::{Minter, NOW},
    provider::{Answer, JWKS},
};

#[tokio::test]
async fn ten_thousand_unknown_keys_cause_one_fetch_per_cooldown() {
    let (key, other) = (ForeignKey::generate("one"), ForeignKey::generate("other"));
    let scene = Scene::of(&[key.jwk()]).await;
    let issuer = scene.provider.issuer();
    assert_eq!(scene.fetches(), 1);
    for n in 0..10_000 {
        assert_eq!(scene.ask(&naming(&other, &format!("k{n}"), &issuer)).await, UNKNOWN_KEY);
    }
    assert_eq!(scene.fetches(), 2);
    assert_eq!(scene.ask_now(&scene.token(&key)), Ok(()));

    scene.clock.advance(Duration::from_secs(29));
    assert_eq!(scene.ask(&naming(&other, "a", &issuer)).await, UNKNOWN_KEY);
    assert_eq!(scene.fetches(), 2);
    scene.clock.advance(Duration::from_secs(1));
    for _ in 0..100 {
        assert_eq!(scene.ask(&naming(&other, "b", &issuer)).await, UNKNOWN_KEY);
    }
    assert_eq!(scene.fetches(), 3);
}

#[tokio::test]
async fn a_flood_at_once_causes_one_fetch() {
    let (key, other) = (ForeignKey::generate("one"), ForeignKey::generate("other"));
    let scene = Scene::of(&[key.jwk()]).await;
    let issuer = scene.provider.issuer();
    let tokens: Vec<_> = (0..1000).map(|n| naming(&other, &format!("k{n}"), &issuer)).collect();
    let outcomes = join_all(tokens.iter().map(|token| scene.ask(token))).await;
    assert!(outcomes.iter().all(|outcome| *outcome == UNKNOWN_KEY));
    assert_eq!(scene.fetches(), 2);
}

#[tokio::test]
async fn failed_fetches_count() {
    let (key, other) = (ForeignKey::generate("one"), ForeignKey::generate("other"));
    let scene = Scene::of(&[key.jwk()]).await;
    scene.provider.answer(JWKS, Answer::status(500));
    for _ in 0..100 {
        assert_eq!(scene.ask(&scene.token(&other)).await, UNKNOWN_KEY);
        assert_eq!(scene.ask(&scene.token(&key)).await, Ok(()));
    }
    assert_eq!(scene.fetches(), 2);
}

/// The cooldown is over when a clock is set back, not for as long as it was.
#[tokio::test]
async fn a_clock_that_is_set_back_ends_the_cooldown() {
    let (key, other) = (ForeignKey::generate("one"), ForeignKey::generate("other"));
    let scene = Scene::of(&[key.jwk()]).await;
    assert_eq!(scene.ask(&scene.token(&other)).await, UNKNOWN_KEY);
    scene.clock.set(NumericDate::from_secs(NOW - 1));
    scene.provider.publish(&[key.jwk(), other.jwk()]);
    let token = other.token_with(&scene.provider.issuer(), &json!({ "iat": NOW - 2 }));
    assert_eq!(scene.ask(&token).await, Ok(()));
}

#[tokio::test]
async fn two_hundred_requests_of_a_cold_start_share_one_fetch() {
    let key = ForeignKey::generate("one");
    let provider = publishing(&[key.jwk()]);
    provider.hold();
    let scene = Scene::of_provider(provider, |keys| keys);
    let token = scene.token(&key);
    let waiting = join_all((0..200).map(|_| scene.ask(&token)));
    let release = async {
        eventually(1, async || scene.fetches()).await;
        tokio::time::sleep(Duration::from_millis(50)).await;
        scene.provider.release();
    };
    let (outcomes, ()) = futures::join!(waiting, release);
    assert_eq!(outcomes, vec![Ok(()); 200]);
    assert_eq!(scene.fetches(), 1);
    // From now on nothing is awaited.
    assert_eq!(scene.ask(&token).now_or_never(), Some(Ok(())));
}

#[tokio::test]
async fn waiting_requests_do_not_depend_on_the_one_that_began() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let scene = Scene::of(&[one.jwk()]).await;
    scene.provider.publish(&[one.jwk(), two.jwk()]);
    scene.provider.hold();
    let token = scene.token(&two);
    let mut first = scene.ask(&token).boxed_local();
    assert!(futures::poll!(&mut first).is_pending());
    let others = join_all((0..10).map(|_| scene.ask(&token)));
    let release = async {
        eventually(2, async || scene.fetches()).await;
        drop(first);
        scene.provider.release();
    };
    let (outcomes, ()) = futures::join!(others, release);
    assert_eq!(outcomes, vec![Ok(()); 10]);
    assert_eq!(scene.fetches(), 2);
}

/// And its fetch goes on even if nobody is left.
#[tokio::test]
async fn a_fetch_that_nobody_waits_for_is_not_lost() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let scene = Scene::of(&[one.jwk()]).await;
    scene.provider.publish(&[two.jwk()]);
    let token = scene.token(&two);
    assert_eq!(scene.ask(&token).now_or_never(), None);
    eventually(Ok(()), async || scene.ask_now(&token)).await;
    assert_eq!(scene.fetches(), 2);
}

/// Nothing is fetched for a token that no key could make good.
#[tokio::test]
async fn hopeless_tokens_cause_no_fetch() {
    let (key, other) = (ForeignKey::generate("one"), ForeignKey::generate("other"));
    let dead = publishing(&[]);
    dead.answer(JWKS, Answer::status(500));
    let cold = Scene::of_provider(dead, |keys| keys);
    assert_eq!(cold.ask(&cold.token(&key)).await, UNAVAILABLE);
    let warm = Scene::of(&[key.jwk()]).await;

    for scene in [&warm, &cold] {
        let issuer = scene.provider.issuer();
        let good = scene.token(&other);
        let (head, signature) = good.rsplit_once('.').unwrap();
        let header = |changes| other.mint(&changes, &issuer, &json!({}));
        let claims = |changes| other.token_with(&issuer, &changes);
        let hopeless = [
            String::new(),
            "x".to_owned(),
            "a.b.c".to_owned(),
            format!("{good}."),
            format!("{head}.{signature}="),
            format!("{head}.*{signature}"),
            format!("{}.*.{signature}", good.split('.').next().unwrap()),
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
        for token in &hopeless {
            let outcome: Option<Outcome> = scene.ask(token).now_or_never();
            let refused = outcome.is_some_and(|outcome| {
                outcome.is_err_and(|kind| kind.status() == http::StatusCode::UNAUTHORIZED)
            });
            assert!(refused, "{token}: {outcome:?}");
        }
    }
    assert_eq!(warm.fetches(), 1);
    // Keys for this algorithm would not be taken.
    let scene = Scene::of_provider(publishing(&[key.jwk()]), |keys| {
        keys.algorithms([Algorithm::RS256, Algorithm::EdDSA])
    });
    scene.keys.refresh().await.unwrap();
    assert_eq!(scene.ask(&scene.token(&key)).now_or_never(), Some(UNKNOWN_KEY));
    assert_eq!(scene.fetches(), 1);
    // The same with another end would have.
    assert_eq!(warm.ask(&warm.token(&other)).await, UNKNOWN_KEY);
    assert_eq!(warm.fetches(), 2);
}
