//! A layer that accepts valid tokens while the store is unavailable, if configured so.

use std::time::Duration;

use tokio::time::Instant;
use tower_jwt_auth::{AuthErrorKind, ConfigErrorKind, MemoryStore, middleware::InvalidToken};

use crate::support::{
    app::{bearer, layer, send_once, valid_token},
    slow_store::{SlowStore, Verdict},
};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn only_an_insecure_layer_accepts_tokens_during_an_outage_of_the_store() {
    let store = SlowStore::released(Verdict::Fails("down"));
    let insecure = layer().with_insecure_fail_open_revocation_check(store.clone(), SECOND).unwrap();
    assert_eq!(send_once(&insecure, bearer(&valid_token())).await.outcome(), Ok("42"));
    assert_eq!(store.asked(), 1);

    // The setting affects one layer only, and the last setting wins.
    let secure = layer().with_revocation_check(store.clone());
    let secured = insecure.clone().with_revocation_check(store.clone());
    for layer in [secure, secured] {
        let response = send_once(&layer, bearer(&valid_token())).await;
        assert_eq!(response.outcome(), Err(AuthErrorKind::Unavailable));
    }
    let opened = layer()
        .with_revocation_check(store.clone())
        .with_insecure_fail_open_revocation_check(store, SECOND)
        .unwrap();
    assert_eq!(send_once(&opened, bearer(&valid_token())).await.outcome(), Ok("42"));
}

#[tokio::test]
async fn an_insecure_layer_rejects_revoked_tokens() {
    for (verdict, expected) in
        [(Verdict::NotRevoked, Ok("42")), (Verdict::Revoked, Err(AuthErrorKind::Revoked))]
    {
        let store = SlowStore::released(verdict);
        let layer = layer().with_insecure_fail_open_revocation_check(store, SECOND).unwrap();
        assert_eq!(send_once(&layer, bearer(&valid_token())).await.outcome(), expected);
    }
    let layer =
        layer().with_insecure_fail_open_revocation_check(MemoryStore::new(), SECOND).unwrap();
    assert_eq!(send_once(&layer, bearer(&valid_token())).await.outcome(), Ok("42"));
}

#[tokio::test]
async fn an_insecure_layer_rejects_invalid_tokens() {
    let store = SlowStore::released(Verdict::Fails("down"));
    let strict = layer().with_insecure_fail_open_revocation_check(store.clone(), SECOND).unwrap();
    for layer in [strict.clone(), strict.with_optional(InvalidToken::Reject)] {
        let mut token = valid_token();
        token.replace_range(token.len() - 4.., "AAAA");
        let response = send_once(&layer, bearer(&token)).await;
        assert_eq!(response.outcome(), Err(AuthErrorKind::InvalidSignature));
    }
    assert_eq!(store.asked(), 0);
}

/// The token is at fault, and nothing could revoke it.
#[tokio::test]
async fn an_insecure_layer_rejects_ids_that_the_store_rejects() {
    let store = SlowStore::released(Verdict::RejectsIds);
    let layer = layer().with_insecure_fail_open_revocation_check(store, SECOND).unwrap();
    let response = send_once(&layer, bearer(&valid_token())).await;
    assert_eq!(response.outcome(), Err(AuthErrorKind::InvalidClaims));
}

#[tokio::test(start_paused = true)]
async fn a_hanging_store_delays_the_response_by_its_deadline() {
    let store = SlowStore::new(Verdict::Revoked);
    let layer = layer().with_insecure_fail_open_revocation_check(store, 3 * SECOND).unwrap();
    let begun = Instant::now();
    assert_eq!(send_once(&layer, bearer(&valid_token())).await.outcome(), Ok("42"));
    let passed = begun.elapsed();
    assert!(passed >= 3 * SECOND && passed < 4 * SECOND, "{passed:?}");
}

#[test]
fn rejects_a_deadline_of_zero() {
    let strict = layer().with_revocation_check_within(MemoryStore::new(), Duration::ZERO);
    assert_eq!(strict.unwrap_err().kind(), ConfigErrorKind::OutOfRange);
    let store = MemoryStore::new();
    let open = layer().with_insecure_fail_open_revocation_check(store, Duration::ZERO);
    assert_eq!(open.unwrap_err().kind(), ConfigErrorKind::OutOfRange);
}
