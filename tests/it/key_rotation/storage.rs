//! Storages that fail, and copies of a service that share one.

use std::error::Error;

use futures::future::join_all;
use tower_jwt_auth::{
    AuthErrorKind, ConfigError, KeySet,
    key_rotation::{KeyRotationErrorKind, RotatingKeys, StoredKeys},
};

use crate::support::{
    log::Log,
    login::{DAY, HOUR, MINUTE},
};

use super::{Fault, InMemory, MONTH, clock, issuer, open, policy, published, sign, verify};

#[tokio::test(start_paused = true)]
async fn current_keys_stay_in_use_while_the_storage_is_unavailable() {
    for fault in [Fault::Fails, Fault::Hangs] {
        let clock = clock();
        let storage = InMemory::default();
        let keys = open(&storage, policy(&clock)).await;
        let issuer = issuer(&keys, &clock);
        let (_, first) = sign(&issuer).await;
        keys.rotate().await.unwrap();
        let before = published(&keys);

        storage.set_fault(fault);
        let error = keys.refresh().await.unwrap_err();
        assert_eq!(error.kind(), KeyRotationErrorKind::Storage);
        assert!(error.source().is_some());
        assert_eq!(published(&keys), before);
        assert_eq!(sign(&issuer).await.1, first);
        // The next key signs from its time, even without the storage.
        clock.advance(HOUR);
        keys.refresh().await.unwrap_err();
        let (token, second) = sign(&issuer).await;
        assert_eq!(second, before[1]);
        // A key that was not stored is not used.
        clock.advance(MONTH);
        keys.refresh().await.unwrap_err();
        keys.rotate().await.unwrap_err();
        keys.discard(&second).await.unwrap_err();
        assert_eq!(published(&keys), before);
        assert!(verify(&keys, &clock, &token).is_err(), "expired");

        storage.set_fault(Fault::None);
        keys.refresh().await.unwrap();
        assert_eq!(sign(&issuer).await.1, second);
        assert_eq!(published(&keys).len(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn open_fails_while_the_storage_is_unavailable() {
    for (fault, expected) in [
        (Fault::Fails, KeyRotationErrorKind::Storage),
        (Fault::WritesFail, KeyRotationErrorKind::Storage),
        (Fault::Hangs, KeyRotationErrorKind::Storage),
        (Fault::Contended, KeyRotationErrorKind::Contended),
    ] {
        let storage = InMemory::default();
        storage.set_fault(fault);
        let opened = RotatingKeys::open(storage, policy(&clock()).build().unwrap()).await;
        assert_eq!(opened.unwrap_err().kind(), expected);
    }
}

/// A full disk must not keep a service from starting.
#[tokio::test]
async fn open_uses_the_stored_keys_if_a_rotation_cannot_be_stored() {
    for fault in [Fault::WritesFail, Fault::Contended] {
        let clock = clock();
        let storage = InMemory::default();
        let first = published(&open(&storage, policy(&clock)).await);
        clock.advance(MONTH);
        storage.set_fault(fault);
        let (log, guard) = Log::collect();
        let keys = open(&storage, policy(&clock)).await;
        let warnings = log.take().into_iter().filter(|line| line.contains("not stored"));
        assert_eq!(warnings.count(), 1);
        drop(guard);
        assert_eq!(published(&keys), first, "a key that was not stored is in use");
        let (token, kid) = sign(&issuer(&keys, &clock)).await;
        assert_eq!(kid, first[0]);
        assert_eq!(verify(&keys, &clock, &token), Ok(()));

        storage.set_fault(Fault::None);
        keys.refresh().await.unwrap();
        assert_eq!(published(&keys).len(), 2);
        clock.advance(HOUR);
        keys.refresh().await.unwrap();
        assert_ne!(sign(&issuer(&keys, &clock)).await.1, first[0]);
    }
}

/// Otherwise a copy on a full disk would never learn of a discarded key.
#[tokio::test]
async fn a_refresh_that_cannot_store_applies_the_changes_of_other_copies() {
    let clock = clock();
    let storage = InMemory::default();
    let [one, other] = [open(&storage, policy(&clock)).await, open(&storage, policy(&clock)).await];
    let (token, leaked) = sign(&issuer(&one, &clock)).await;
    other.discard(&leaked).await.unwrap();
    clock.advance(MONTH);
    storage.set_fault(Fault::WritesFail);
    let error = one.refresh().await.unwrap_err();
    assert_eq!(error.kind(), KeyRotationErrorKind::Storage);
    assert_eq!(published(&one), published(&other));
    assert_eq!(verify(&one, &clock, &token), Err(AuthErrorKind::UnknownKey));
    let kept = published(&one)[0].clone();
    one.discard(&kept).await.unwrap_err();
    assert_eq!(published(&one), [kept], "reported as failed, but discarded");
}

#[tokio::test]
async fn a_malformed_document_is_never_overwritten() {
    let clock = clock();
    let storage = InMemory::default();
    let keys = open(&storage, policy(&clock)).await;
    keys.rotate().await.unwrap();
    let valid = storage.document();
    let before = published(&keys);
    let first = valid.find(r#"{"kid""#).unwrap();
    let second = valid[first + 1..].find(r#"{"kid""#).unwrap() + first + 1;
    let reversed = format!(
        r#"{{"keys":[{},{}]}}"#,
        &valid[second..valid.len() - 2],
        &valid[first..second - 1]
    );
    let duplicate = format!(r#"{{"keys":[{0},{0}]}}"#, &valid[first..second - 1]);
    let half = &valid[..valid.len() / 2];
    for json in [
        "",
        "{}",
        "[]",
        r#"{"keys":[]}"#,
        half,
        &reversed,
        &duplicate,
        &valid.replacen("ES256", "EdDSA", 1),
        &valid.replacen("ES256", "none", 1),
        &valid.replacen("private_key\":\"", "private_key\":\"A", 1),
        &valid.replacen("\"kid\":\"", "\"kid\":\"\",\"old\":\"", 1),
    ] {
        storage.set_document(Some(json));
        let opened = RotatingKeys::open(storage.clone(), policy(&clock).build().unwrap()).await;
        let error = opened.expect_err(json);
        assert_eq!(error.kind(), KeyRotationErrorKind::Malformed, "{json}");
        // No error quotes the document.
        let mut shown = format!("{error} {error:?}");
        let mut source = error.source();
        while let Some(cause) = source {
            shown += &format!(" {cause} {cause:?}");
            source = cause.source();
        }
        assert!(!shown.contains(&valid[first + 20..first + 40]), "{shown}");
        assert!(
            error
                .source()
                .is_none_or(|cause| cause.is::<ConfigError>() || !shown.contains("keys\""))
        );

        assert_eq!(keys.refresh().await.unwrap_err().kind(), KeyRotationErrorKind::Malformed);
        assert_eq!(published(&keys), before);
        assert_eq!(storage.document(), json);
    }
    storage.set_document(Some(&valid));
    keys.refresh().await.unwrap();
}

#[tokio::test]
async fn current_keys_survive_the_loss_of_the_document() {
    let clock = clock();
    let storage = InMemory::default();
    let keys = open(&storage, policy(&clock)).await;
    let other = open(&storage, policy(&clock)).await;
    let (token, first) = sign(&issuer(&keys, &clock)).await;
    storage.set_document(None);
    keys.refresh().await.unwrap();
    other.refresh().await.unwrap();
    let reopened = open(&storage, policy(&clock)).await;
    for keys in [keys, other, reopened] {
        assert_eq!(published(&keys), [&*first]);
        assert_eq!(verify(&keys, &clock, &token), Ok(()));
    }
}

#[tokio::test]
async fn copies_of_a_service_agree_on_every_key() {
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
async fn a_refresh_applies_the_changes_of_other_copies() {
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
    let document = storage.document();
    let at = document.find("private_key\":\"").unwrap() + 14;
    let private = &document[at..at + 40];
    let stored = StoredKeys::new(document.clone().into());
    let shown =
        format!("{keys:?} {keys:#?} {stored:?} {:?} {:?}", policy(&clock), KeySet::from(&keys));
    assert!(!shown.contains(private) && !shown.contains(&format!("{:?}", &stored.as_bytes()[..8])));
}
