//! Settings, memory, and what is printed.

use tokio::time::sleep;
use tower_jwt_auth::{
    ConfigErrorKind, ManualClock,
    store::{
        Revocation, RevocationReplica, TokenRef, TokenStore,
        replica::{Notice, Revoked},
    },
    token::UserId,
};

use crate::support::feed::FedStore;

use super::{KEEP_UNTIL, NOW, ask, fresh, millis, revoke_token, secs};

#[tokio::test]
async fn settings_out_of_range_are_refused() {
    let builder = || RevocationReplica::builder(FedStore::new());
    for max_age in [millis(0), millis(99), millis(60_001)] {
        let error = builder().max_age(max_age).build().unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::OutOfRange);
    }
    for max_age in [millis(100), secs(60)] {
        builder().max_age(max_age).build().unwrap();
    }
    let error = builder().capacity(0).build().unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Ineffective);
}

#[tokio::test(start_paused = true)]
async fn what_is_over_is_forgotten() {
    let store = FedStore::new();
    let hands = ManualClock::new(NOW);
    let replica = RevocationReplica::builder(store.clone()).clock(&hands).build().unwrap();
    replica.until_fresh().await;
    let user_id = &UserId::from("ada");
    for number in 0..1_000 {
        let (jti, keep_until) = (&*number.to_string(), NOW.saturating_add(secs(10 + number % 2)));
        replica.revoke(&Revocation::Token { jti, user_id, keep_until }, NOW).await.unwrap();
        let (user_id, except) = (&UserId::from(number), None);
        replica.revoke(&Revocation::User { user_id, except, keep_until }, NOW).await.unwrap();
    }
    assert_eq!(replica.len(), 2_000);
    hands.advance(secs(9));
    sleep(secs(130)).await;
    assert_eq!(replica.len(), 2_000, "they are remembered to the last second");
    hands.advance(secs(1));
    sleep(secs(130)).await;
    assert_eq!(replica.len(), 1_000);
    assert_eq!(ask(&replica, "1"), Some(true));
    hands.advance(secs(1));
    sleep(secs(130)).await;
    assert!(replica.is_empty());
    assert_eq!(ask(&replica, "1"), Some(false));
}

/// While the tables grow and shrink, of users with few revocations and of one with many.
#[tokio::test(start_paused = true)]
async fn none_of_many_is_overlooked() {
    let hands = ManualClock::new(NOW);
    let builder = RevocationReplica::builder(FedStore::new());
    let replica = builder.clock(&hands).build().unwrap();
    replica.until_fresh().await;
    let owner = |number: u64| match number % 10 {
        0 => UserId::from("ada"),
        _ => UserId::from(format!("user {}", number / 20)),
    };
    let is_listed = |number: u64, id: &str| {
        let user = owner(number);
        let token = TokenRef::new(user.as_str(), NOW);
        replica.is_revoked_now(&match number % 2 {
            0 => token.with_jti(Some(id)),
            _ => token.with_session(Some(id)).with_jti(Some("another")),
        })
    };
    for number in 0..30_000 {
        let (id, user_id) = (&*number.to_string(), &owner(number));
        let keep_until = NOW.saturating_add(secs(if number % 3 == 0 { 100 } else { 10 }));
        let revocation = match number % 2 {
            0 => Revocation::Token { jti: id, user_id, keep_until },
            _ => Revocation::Session { session_id: id, user_id, keep_until },
        };
        replica.revoke(&revocation, NOW).await.unwrap();
        assert_eq!(is_listed(number, id), Some(true));
        assert_eq!(is_listed(number, "unknown"), Some(false));
    }
    for number in 0..30_000 {
        assert_eq!(is_listed(number, &number.to_string()), Some(true), "{number}");
    }
    hands.advance(secs(10));
    sleep(secs(130)).await;
    assert_eq!(replica.len(), 10_000);
    for number in 0..30_000 {
        let is_kept = number % 3 == 0;
        assert_eq!(is_listed(number, &number.to_string()), Some(is_kept), "{number}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_full_replica_leaves_all_to_the_store() {
    let store = FedStore::new();
    let hands = ManualClock::new(NOW);
    let replica =
        RevocationReplica::builder(store.clone()).capacity(3).clock(&hands).build().unwrap();
    replica.until_fresh().await;
    for jti in ["1", "2", "3", "3"] {
        revoke_token(&replica, jti).await;
    }
    assert_eq!(ask(&replica, "3"), Some(true));
    revoke_token(&replica, "4").await;
    for jti in ["1", "4", "5"] {
        assert_eq!(ask(&replica, jti), None);
    }
    for _ in 0..100 {
        sleep(secs(1)).await;
        assert_eq!(ask(&replica, "4"), None);
    }
    assert_eq!(replica.len(), 3, "memory is bounded");
    assert!(store.subscriptions() < 40, "it tries again, but not all the time");

    hands.set(KEEP_UNTIL);
    store.forget();
    replica.until_fresh().await;
    assert_eq!(ask(&replica, "5"), Some(false));
}

#[tokio::test(start_paused = true)]
async fn debug_output_holds_no_ids() {
    let store = FedStore::new();
    let replica = fresh(&store).await;
    revoke_token(&replica, "secret").await;
    assert_eq!(format!("{replica:?}").split_once(", is_fresh").unwrap().1, ": true, len: 1, .. }");
    let (user_id, keep_until) = ("secret", KEEP_UNTIL);
    let session_id = "secret".into();
    for revoked in [
        Revoked::Token { user_id: user_id.into(), jti: "secret".into(), keep_until },
        Revoked::Session { user_id: user_id.into(), session_id, keep_until },
        Revoked::User { user_id: user_id.into(), at: NOW, keep_until },
    ] {
        let text = format!("{:?}", Notice::Revoked(revoked));
        assert!(text.starts_with("Revoked(") && !text.contains("secret"), "{text}");
    }
    let builder = RevocationReplica::builder(store);
    assert!(format!("{builder:?}").starts_with("RevocationReplicaBuilder"));
}
