//! The keys of secrets, and what is shown of them.

use std::error::Error;

use tower_jwt_auth::{
    AuthError, AuthErrorKind,
    totp::{MemoryTotpStore, Totp, TotpStore},
    user::{BackendError, SecondFactor},
};

use super::{STEP, clock, code, enable, key, on_all_stores, totp, user, verify};

pub(super) fn assert_is_undecryptable(error: &BackendError) {
    let source = Error::source(error).unwrap().to_string();
    assert_eq!(source, "no key of TOTP secrets decrypts the secret of a user");
}

on_all_stores! {
    keys_are_rotated
    secrets_are_encrypted_again_on_request
    without_its_key_a_secret_permits_no_login
}

fn with_keys(store: impl TotpStore, clock: &tower_jwt_auth::ManualClock, keys: &[u8]) -> Totp {
    let mut builder = Totp::builder(store, key(keys[0])).clock(clock);
    for old in &keys[1..] {
        builder = builder.previous_key(key(*old));
    }
    builder.build().unwrap()
}

async fn keys_are_rotated<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let old = with_keys(open(), &clock, &[1]);
    let (enrolment, _) = enable(&old, &clock).await;
    // All machines know the new key before one encrypts with it.
    let between = with_keys(open(), &clock, &[1, 2]);
    assert!(verify(&between, &code(enrolment.secret(), &clock, 0)).await);
    clock.advance(STEP);
    let rotated = with_keys(open(), &clock, &[2, 1]);
    assert!(verify(&rotated, &code(enrolment.secret(), &clock, 0)).await);
    clock.advance(STEP);
    // The login has encrypted it again.
    let new = with_keys(open(), &clock, &[2]);
    assert!(verify(&new, &code(enrolment.secret(), &clock, 0)).await);
    // The same code is used for all of them.
    for totp in [&between, &rotated, &new] {
        assert!(!verify(totp, &code(enrolment.secret(), &clock, 0)).await);
    }
}

async fn secrets_are_encrypted_again_on_request<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let (enrolment, codes) = enable(&with_keys(open(), &clock, &[1]), &clock).await;
    let rotated = with_keys(open(), &clock, &[3, 2, 1]);
    assert!(rotated.reencrypt(&user()).await.unwrap());
    assert!(!rotated.reencrypt(&user()).await.unwrap());
    assert!(!rotated.reencrypt(&"2".into()).await.unwrap());
    let new = with_keys(open(), &clock, &[3]);
    assert!(verify(&new, &code(enrolment.secret(), &clock, 0)).await);
    assert!(verify(&new, codes.iter().next().unwrap()).await);
}

async fn without_its_key_a_secret_permits_no_login<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let (enrolment, _) = enable(&with_keys(open(), &clock, &[1]), &clock).await;
    let other = with_keys(open(), &clock, &[2]);
    assert!(other.is_enabled(&user()).await.unwrap(), "a code is required");
    let code = code(enrolment.secret(), &clock, 0);
    let error = other.verify(&user(), &code).await.unwrap_err();
    assert_is_undecryptable(&error);
    assert_eq!(AuthError::from(error).kind(), AuthErrorKind::Unavailable);
    assert_is_undecryptable(&other.reencrypt(&user()).await.unwrap_err());
}

#[tokio::test]
async fn each_encryption_has_its_own_nonce() {
    let (clock, store) = (clock(), MemoryTotpStore::new());
    let totp = totp(store.clone(), &clock);
    let mut sealed = std::collections::HashSet::new();
    for number in 0..50 {
        drop(totp.import(&number.into(), &[7; 20]).await.unwrap());
        let record = store.find(&number.into()).await.unwrap().unwrap();
        assert!(record.secret.is_ascii() && record.secret.len() <= 255);
        sealed.insert(record.secret[..18].to_owned());
    }
    assert_eq!(sealed.len(), 50);
}

#[tokio::test]
async fn debug_output_shows_no_secrets() {
    let (clock, store) = (clock(), MemoryTotpStore::new());
    let totp = totp(store.clone(), &clock);
    let (enrolment, codes) = enable(&totp, &clock).await;
    let record = store.find(&user()).await.unwrap().unwrap();
    let builder = Totp::builder(store.clone(), key(1));
    let shown = format!("{totp:?} {store:?} {enrolment:?} {codes:?} {record:?} {builder:?}");
    let key = key(1);
    let numbers = format!("{:?}", &key[..4]);
    let numbers = numbers.trim_matches(['[', ']']);
    for secret in [enrolment.secret(), &record.secret, numbers, codes.iter().next().unwrap()] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
