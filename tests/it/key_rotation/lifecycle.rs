//! Published, signing, verifying, deleted.

use std::time::Duration;

use tower_jwt_auth::{
    Algorithm, AuthErrorKind, Issuer, NumericDate, SigningKey,
    key_rotation::{KeyRotationErrorKind, RotationPolicy},
};

use crate::support::login::{DAY, HOUR, MINUTE, NOW};

use super::{InMemory, KEPT, MONTH, clock, issuer, kid_of, open, policy, published, sign, verify};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn a_key_is_published_then_signs_then_verifies_then_is_deleted() {
    let clock = clock();
    let keys = open(&InMemory::default(), policy(&clock)).await;
    let issuer = issuer(&keys, &clock);
    let (_, first) = sign(&issuer).await;
    assert_eq!(published(&keys), [&*first], "the first key signs at once");

    clock.advance(MONTH - HOUR - SECOND);
    keys.refresh().await.unwrap();
    assert_eq!(published(&keys), [&*first]);
    clock.advance(SECOND);
    keys.refresh().await.unwrap();
    let [_, second] = &*published(&keys) else { panic!("the next key is not published") };

    clock.advance(HOUR - SECOND);
    keys.refresh().await.unwrap();
    let (last, by) = sign(&issuer).await;
    assert_eq!(by, first, "the next key signs too early");
    clock.advance(SECOND);
    keys.refresh().await.unwrap();
    assert_eq!(sign(&issuer).await.1, *second);
    assert_eq!(published(&keys), [&*first, second]);

    // The last token expires one day after it was signed. The key is kept for another minute.
    clock.advance(DAY - 2 * SECOND);
    keys.refresh().await.unwrap();
    assert_eq!(verify(&keys, &clock, &last), Ok(()));
    clock.advance(MINUTE + SECOND);
    keys.refresh().await.unwrap();
    assert_eq!(published(&keys), [&*first, second]);
    clock.advance(SECOND);
    keys.refresh().await.unwrap();
    assert_eq!(published(&keys), [&**second]);
    assert_eq!(verify(&keys, &clock, &last), Err(AuthErrorKind::UnknownKey));
}

#[tokio::test]
async fn leeway_keeps_keys_longer() {
    let clock = clock();
    let keys = open(&InMemory::default(), policy(&clock).leeway(5 * MINUTE)).await;
    keys.rotate().await.unwrap();
    clock.advance(HOUR + KEPT + 5 * MINUTE - SECOND);
    keys.refresh().await.unwrap();
    assert_eq!(published(&keys).len(), 2);
    clock.advance(SECOND);
    keys.refresh().await.unwrap();
    assert_eq!(published(&keys).len(), 1);
}

#[tokio::test]
async fn rotate_starts_a_rotation() {
    let clock = clock();
    let storage = InMemory::default();
    let keys = open(&storage, policy(&clock).rotate_every(None)).await;
    let issuer = issuer(&keys, &clock);
    let (_, first) = sign(&issuer).await;
    clock.advance(100 * MONTH);
    keys.refresh().await.unwrap();
    assert_eq!(published(&keys), [&*first], "no rotation is scheduled");

    let when = keys.rotate().await.unwrap();
    assert_eq!(when.as_secs(), NOW + (100 * MONTH + HOUR).as_secs());
    clock.advance(MINUTE);
    assert_eq!(keys.rotate().await.unwrap(), when, "a rotation is in progress already");
    assert_eq!((published(&keys).len(), storage.writes()), (2, 2));
    assert_eq!(sign(&issuer).await.1, first);
    clock.advance(HOUR - MINUTE);
    keys.refresh().await.unwrap();
    assert_ne!(sign(&issuer).await.1, first);
}

#[tokio::test]
async fn an_overdue_key_is_still_published_before_it_signs() {
    let clock = clock();
    let storage = InMemory::default();
    let first = sign(&issuer(&open(&storage, policy(&clock)).await, &clock)).await.1;
    clock.advance(10 * MONTH);
    let keys = open(&storage, policy(&clock)).await;
    let issuer = issuer(&keys, &clock);
    assert_eq!(sign(&issuer).await.1, first);
    assert_eq!(published(&keys).len(), 2);
    clock.advance(HOUR);
    keys.refresh().await.unwrap();
    assert_ne!(sign(&issuer).await.1, first);
}

#[tokio::test]
async fn a_discarded_key_is_rejected_at_once() {
    let clock = clock();
    for next_is_published in [false, true] {
        let keys = open(&InMemory::default(), policy(&clock)).await;
        let issuer = issuer(&keys, &clock);
        let (old, leaked) = sign(&issuer).await;
        if next_is_published {
            keys.rotate().await.unwrap();
        }
        let next = published(&keys).get(1).cloned();
        let error = keys.discard("unknown").await.unwrap_err();
        assert_eq!(error.kind(), KeyRotationErrorKind::UnknownKey);
        assert_eq!(verify(&keys, &clock, &old), Ok(()));

        keys.discard(&leaked).await.unwrap();
        assert_eq!(verify(&keys, &clock, &old), Err(AuthErrorKind::UnknownKey));
        let (new, by) = sign(&issuer).await;
        assert_eq!(verify(&keys, &clock, &new), Ok(()));
        assert_eq!(published(&keys), [&*by]);
        assert!(next.is_none_or(|next| next == by));
        let error = keys.discard(&leaked).await.unwrap_err();
        assert_eq!(error.kind(), KeyRotationErrorKind::UnknownKey);
    }
}

/// It would be trusted again after a restart, and by the other copies all the time.
#[tokio::test]
async fn discard_fails_for_a_verifying_key_of_the_policy() {
    let clock = clock();
    let configured = SigningKey::generate(Algorithm::EdDSA).unwrap();
    let kid = configured.kid().unwrap();
    let policy = policy(&clock).verifying_key(configured.verifying_key());
    let keys = open(&InMemory::default(), policy).await;
    let before = published(&keys);
    let error = keys.discard(kid).await.unwrap_err();
    assert_eq!(error.kind(), KeyRotationErrorKind::ConfiguredKey);
    assert_eq!(published(&keys), before);
}

/// A copy that does not know a key yet can discard it, because it reads the storage first.
#[tokio::test]
async fn discard_finds_keys_of_other_copies() {
    let clock = clock();
    let storage = InMemory::default();
    let [one, other] = [open(&storage, policy(&clock)).await, open(&storage, policy(&clock)).await];
    one.rotate().await.unwrap();
    let next = published(&one)[1].clone();
    other.discard(&next).await.unwrap();
    one.refresh().await.unwrap();
    assert!(!published(&one).contains(&next));
}

#[tokio::test]
async fn an_older_key_never_replaces_a_discarded_one() {
    for next_is_published in [false, true] {
        let clock = clock();
        let keys = open(&InMemory::default(), policy(&clock)).await;
        let issuer = issuer(&keys, &clock);
        let (_, oldest) = sign(&issuer).await;
        keys.rotate().await.unwrap();
        clock.advance(HOUR);
        keys.refresh().await.unwrap();
        let (_, leaked) = sign(&issuer).await;
        if next_is_published {
            keys.rotate().await.unwrap();
        }
        keys.discard(&leaked).await.unwrap();
        let (_, newest) = sign(&issuer).await;
        assert!(newest != oldest && newest != leaked);
        assert_eq!(published(&keys), [&*oldest, &newest]);
    }
}

#[tokio::test]
async fn secrets_rotate_and_are_not_published() {
    for algorithm in [Algorithm::HS256, Algorithm::HS384, Algorithm::HS512] {
        let clock = clock();
        let policy = RotationPolicy::builder(algorithm).clock(&clock).rotate_every(MONTH);
        let keys = open(&InMemory::default(), policy).await;
        let issuer = issuer(&keys, &clock);
        let (old, first) = sign(&issuer).await;
        keys.rotate().await.unwrap();
        clock.advance(HOUR);
        keys.refresh().await.unwrap();
        let (new, second) = sign(&issuer).await;
        assert_ne!(first, second);
        assert_eq!(verify(&keys, &clock, &old), Ok(()));
        assert_eq!(verify(&keys, &clock, &new), Ok(()));
        assert_eq!(keys.key_set().to_jwks(), r#"{"keys":[]}"#);
    }
}

#[tokio::test]
async fn a_rotation_introduces_another_algorithm() {
    let clock = clock();
    let storage = InMemory::default();
    let (old, first) = sign(&issuer(&open(&storage, policy(&clock)).await, &clock)).await;
    for algorithm in [Algorithm::RS256, Algorithm::EdDSA, Algorithm::ES384, Algorithm::PS512] {
        let policy = RotationPolicy::builder(algorithm).clock(&clock).lead_time(HOUR);
        let keys = open(&storage, policy).await;
        clock.advance(HOUR);
        keys.refresh().await.unwrap();
        let (token, kid) = sign(&issuer(&keys, &clock)).await;
        assert_ne!(kid, first);
        let set = keys.key_set().to_jwks();
        let found = set.find(&kid).map(|at| set[..at].rfind(r#"{"alg":""#).unwrap()).unwrap();
        assert!(set[found + 8..].starts_with(algorithm.as_str()), "{algorithm}");
        assert_eq!(verify(&keys, &clock, &old), Ok(()));
        assert_eq!(verify(&keys, &clock, &token), Ok(()));
    }
}

#[tokio::test]
async fn a_shorter_token_lifetime_keeps_the_keys_of_earlier_tokens() {
    let clock = clock();
    let storage = InMemory::default();
    let (token, first) = sign(&issuer(&open(&storage, policy(&clock)).await, &clock)).await;
    let keys = open(&storage, policy(&clock).token_lifetime(MINUTE)).await;
    keys.rotate().await.unwrap();
    clock.advance(DAY - SECOND);
    keys.refresh().await.unwrap();
    assert_eq!(verify(&keys, &clock, &token), Ok(()));
    assert!(published(&keys).contains(&first));
}

#[tokio::test]
async fn a_longer_token_lifetime_applies_to_the_signing_key() {
    let clock = clock();
    let storage = InMemory::default();
    open(&storage, policy(&clock).token_lifetime(MINUTE)).await;
    let keys = open(&storage, policy(&clock)).await;
    let (token, _) = sign(&issuer(&keys, &clock)).await;
    keys.rotate().await.unwrap();
    clock.advance(DAY - SECOND);
    keys.refresh().await.unwrap();
    assert_eq!(verify(&keys, &clock, &token), Ok(()));
}

#[tokio::test]
async fn a_verifying_key_of_the_policy_verifies_and_is_published() {
    let clock = clock();
    let static_key = SigningKey::generate(Algorithm::EdDSA).unwrap();
    let before = Issuer::builder(static_key.clone()).clock(&clock).build().unwrap();
    let (old, _) = sign(&before).await;
    let policy = policy(&clock).verifying_key(static_key.verifying_key());
    let keys = open(&InMemory::default(), policy).await;
    assert_eq!(verify(&keys, &clock, &old), Ok(()));
    assert_eq!(published(&keys).len(), 2);
    assert_ne!(sign(&issuer(&keys, &clock)).await.1, kid_of(&old));
    keys.rotate().await.unwrap();
    clock.advance(HOUR);
    keys.refresh().await.unwrap();
    assert_eq!(verify(&keys, &clock, &old), Ok(()));
}

#[tokio::test]
async fn a_clock_that_is_set_back_changes_nothing() {
    let clock = clock();
    let storage = InMemory::default();
    let keys = open(&storage, policy(&clock)).await;
    let issuer = issuer(&keys, &clock);
    clock.set(NumericDate::from_secs(NOW - 3600));
    keys.refresh().await.unwrap();
    let (token, _) = sign(&issuer).await;
    assert_eq!(verify(&keys, &clock, &token), Ok(()));
    assert_eq!((published(&keys).len(), storage.writes()), (1, 1));
}

#[tokio::test]
async fn nothing_is_stored_unless_a_key_changes() {
    let clock = clock();
    let storage = InMemory::default();
    let keys = open(&storage, policy(&clock)).await;
    for _ in 0..10 {
        clock.advance(HOUR);
        keys.refresh().await.unwrap();
    }
    assert_eq!(storage.writes(), 1);
}

#[tokio::test]
async fn the_task_rotates_the_keys() {
    // With the system clock, so it takes a few seconds.
    let policy = RotationPolicy::builder(Algorithm::EdDSA)
        .rotate_every(2 * SECOND)
        .lead_time(SECOND)
        .token_lifetime(SECOND);
    let keys = open(&InMemory::default(), policy).await;
    let first = published(&keys);
    let task = keys.spawn();
    let next_signs = async {
        let issuer = Issuer::builder(&keys)
            .access_lifetime(SECOND)
            .refresh_lifetime(SECOND)
            .build()
            .unwrap();
        while first.contains(&sign(&issuer).await.1) {
            tokio::time::sleep(SECOND / 20).await;
        }
    };
    tokio::time::timeout(MINUTE, next_signs).await.expect("a rotation");
    drop(task);
}
