//! Storages that fail, and copies of a service that share one.

use std::error::Error;

use futures::future::join_all;
use tower_jwt_auth::{
    ConfigError, KeySet,
    key_rotation::{KeyRotationErrorKind, RotatingKeys, StoredKeys},
};

use crate::support::login::{DAY, HOUR, MINUTE};

use super::{Fault, InMemory, MONTH, clock, issuer, open, policy, published, sign, verify};

#[tokio::test(start_paused = true)]
async fn while_the_storage_is_away_the_keys_at_hand_go_on() {
    for fault in [Fault::Refuses, Fault::Hangs] {
        let clock = clock();
        let storage = InMemory::default();
        let keys = open(&storage, policy(&clock)).await;
        let issuer = issuer(&keys, &clock);
        let (_, first) = sign(&issuer).await;
        keys.rotate().await.unwrap();
        let before = published(&keys);

        storage.set(fault);
        let error = keys.refresh().await.unwrap_err();
        assert_eq!(error.kind(), KeyRotationErrorKind::Storage);
        assert!(error.source().is_some());
        assert_eq!(published(&keys), before);
        assert_eq!(sign(&issuer).await.1, first);
        // The next key's time comes whether or not the storage is there.
        clock.advance(HOUR);
        keys.refresh().await.unwrap_err();
        let (token, second) = sign(&issuer).await;
        assert_eq!(second, before[1]);
        // What was never stored is never used.
        clock.advance(MONTH);
        keys.refresh().await.unwrap_err();
        keys.rotate().await.unwrap_err();
        keys.discard(&second).await.unwrap_err();
        assert_eq!(published(&keys), before);
        assert!(verify(&keys, &clock, &token).is_err(), "expired");

        storage.set(Fault::None);
        keys.refresh().await.unwrap();
        assert_eq!(sign(&issuer).await.1, second);
        assert_eq!(published(&keys).len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_storage_nothing_is_opened() {
    for (fault, expected) in [
        (Fault::Refuses, KeyRotationErrorKind::Storage),
        (Fault::Hangs, KeyRotationErrorKind::Storage),
        (Fault::Contended, KeyRotationErrorKind::Contended),
    ] {
        let storage = InMemory::default();
        storage.set(fault);
        let opened = RotatingKeys::open(storage, policy(&clock()).build().unwrap()).await;
        assert_eq!(opened.unwrap_err().kind(), expected);
    }
}

#[tokio::test]
async fn what_is_not_understood_is_left_as_it_is() {
    let clock = clock();
    let storage = InMemory::default();
    let keys = open(&storage, policy(&clock)).await;
    keys.rotate().await.unwrap();
    let good = storage.text();
    let before = published(&keys);
    let first = good.find(r#"{"kid""#).unwrap();
    let second = good[first + 1..].find(r#"{"kid""#).unwrap() + first + 1;
    let turned =
        format!(r#"{{"keys":[{},{}]}}"#, &good[second..good.len() - 2], &good[first..second - 1]);
    let twice = format!(r#"{{"keys":[{0},{0}]}}"#, &good[first..second - 1]);
    let half = &good[..good.len() / 2];
    for text in [
        "",
        "{}",
        "[]",
        r#"{"keys":[]}"#,
        half,
        &turned,
        &twice,
        &good.replacen("ES256", "EdDSA", 1),
        &good.replacen("ES256", "none", 1),
        &good.replacen("private_key\":\"", "private_key\":\"A", 1),
        &good.replacen("\"kid\":\"", "\"kid\":\"\",\"old\":\"", 1),
    ] {
        storage.put(Some(text));
        let opened = RotatingKeys::open(storage.clone(), policy(&clock).build().unwrap()).await;
        let error = opened.expect_err(text);
        assert_eq!(error.kind(), KeyRotationErrorKind::Malformed, "{text}");
        // Nothing that was read is told.
        let mut told = format!("{error} {error:?}");
        let mut source = error.source();
        while let Some(cause) = source {
            told += &format!(" {cause} {cause:?}");
            source = cause.source();
        }
        assert!(!told.contains(&good[first + 20..first + 40]), "{told}");
        assert!(
            error
                .source()
                .is_none_or(|cause| cause.is::<ConfigError>() || !told.contains("keys\""))
        );

        assert_eq!(keys.refresh().await.unwrap_err().kind(), KeyRotationErrorKind::Malformed);
        assert_eq!(published(&keys), before);
        assert_eq!(storage.text(), text);
    }
    storage.put(Some(&good));
    keys.refresh().await.unwrap();
}

#[tokio::test]
async fn keys_at_hand_survive_the_loss_of_the_document() {
    let clock = clock();
    let storage = InMemory::default();
    let keys = open(&storage, policy(&clock)).await;
    let other = open(&storage, policy(&clock)).await;
    let (token, first) = sign(&issuer(&keys, &clock)).await;
    storage.put(None);
    keys.refresh().await.unwrap();
    other.refresh().await.unwrap();
    let reopened = open(&storage, policy(&clock)).await;
    for keys in [keys, other, reopened] {
        assert_eq!(published(&keys), [&*first]);
        assert_eq!(verify(&keys, &clock, &token), Ok(()));
    }
}

#[tokio::test]
async fn copies_agree_on_every_key() {
    let clock = clock();
    let storage = InMemory::default();
    let copies = join_all((0..8).map(|_| open(&storage, policy(&clock)))).await;
    for _ in 1..5 {
        let moments = join_all(copies.iter().map(RotatingKeys::rotate)).await;
        let moments: Vec<_> = moments.into_iter().map(Result::unwrap).collect();
        assert!(moments.iter().all(|moment| *moment == moments[0]), "{moments:?}");
        for copy in &copies {
            copy.refresh().await.unwrap();
            assert_eq!(published(copy), published(&copies[0]));
        }
        assert_eq!(published(&copies[0]).len(), 2);
        clock.advance(HOUR + DAY + 2 * MINUTE);
        for copy in &copies {
            copy.refresh().await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_copy_learns_of_what_another_has_done() {
    let clock = clock();
    let storage = InMemory::default();
    let [one, other] = [open(&storage, policy(&clock)).await, open(&storage, policy(&clock)).await];
    let (_, leaked) = sign(&issuer(&one, &clock)).await;
    one.discard(&leaked).await.unwrap();
    assert_eq!(published(&other), [&*leaked]);
    other.refresh().await.unwrap();
    assert_eq!(published(&other), published(&one));
    assert!(!published(&other).contains(&leaked));
}

#[tokio::test]
async fn debug_shows_no_key() {
    let clock = clock();
    let storage = InMemory::default();
    let keys = open(&storage, policy(&clock)).await;
    let text = storage.text();
    let at = text.find("private_key\":\"").unwrap() + 14;
    let private = &text[at..at + 40];
    let state = StoredKeys::new(text.clone().into());
    let shown =
        format!("{keys:?} {keys:#?} {state:?} {:?} {:?}", policy(&clock), KeySet::from(&keys));
    assert!(!shown.contains(private) && !shown.contains(&format!("{:?}", &state.as_bytes()[..8])));
}
