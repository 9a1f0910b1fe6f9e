//! Settings and `Debug`.

use tokio::time::sleep;
use tower_jwt_auth::{
    ConfigErrorKind, ManualClock,
    store::replica::{Notice, RevocationReplica, Revoked},
};

use crate::support::feed::TestFeed;

use super::{KEEP_UNTIL, NOW, check, fresh, millis, revoke_token, secs};

#[tokio::test]
async fn settings_out_of_range_are_rejected() {
    let builder = || RevocationReplica::builder(TestFeed::new());
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
async fn a_full_replica_leaves_every_token_to_the_store() {
    let store = TestFeed::new();
    let clock = ManualClock::new(NOW);
    let builder = RevocationReplica::builder(store.clone()).capacity(3).clock(&clock);
    let replica = builder.build().unwrap();
    replica.until_fresh().await;
    for jti in ["1", "2", "3", "3"] {
        revoke_token(&replica, jti).await;
    }
    assert_eq!(check(&replica, "3"), Some(true));
    revoke_token(&replica, "4").await;
    for jti in ["4", "5"] {
        assert_eq!(check(&replica, jti), None);
    }
    assert_eq!(check(&replica, "1"), Some(true), "what is revoked stays revoked");
    for _ in 0..100 {
        sleep(secs(1)).await;
        assert_eq!(check(&replica, "4"), None);
    }
    assert_eq!(replica.len(), 3, "memory is bounded");
    assert!(store.subscriptions() < 40, "it waits before it loads again");

    clock.set(KEEP_UNTIL.saturating_add(secs(60)));
    store.forget();
    replica.until_fresh().await;
    assert_eq!(check(&replica, "5"), Some(false));
}

#[tokio::test(start_paused = true)]
async fn debug_output_contains_no_ids() {
    let store = TestFeed::new();
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
        let debug = format!("{:?}", Notice::Revoked(revoked));
        assert!(debug.starts_with("Revoked(") && !debug.contains("secret"), "{debug}");
    }
    let builder = RevocationReplica::builder(store);
    assert!(format!("{builder:?}").starts_with("RevocationReplicaBuilder"));
}
