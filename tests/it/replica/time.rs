//! Entries expire, and clocks are set.

use tokio::time::sleep;
use tower_jwt_auth::{
    ManualClock,
    store::{Revocation, TokenStore},
    token::UserId,
};

use crate::support::feed::TestFeed;

use super::{
    KEEP_UNTIL, NOW, SWEEP, check, fresh_at, millis, revoke_session, revoke_token, secs, settle,
};

#[tokio::test(start_paused = true)]
async fn expired_entries_are_forgotten_after_a_minute() {
    let clock = ManualClock::new(NOW);
    let replica = fresh_at(&TestFeed::new(), &clock).await;
    let user_id = &UserId::from("ada");
    for number in 0..1_000 {
        let (jti, keep_until) = (&*number.to_string(), NOW.saturating_add(secs(10 + number % 2)));
        replica.revoke(&Revocation::Token { jti, user_id, keep_until }, NOW).await.unwrap();
        let (user_id, except) = (&UserId::from(number), None);
        replica.revoke(&Revocation::User { user_id, except, keep_until }, NOW).await.unwrap();
    }
    assert_eq!(replica.len(), 2_000);
    clock.advance(secs(69));
    sleep(SWEEP).await;
    assert_eq!(replica.len(), 2_000, "they are remembered to the last second");
    clock.advance(secs(1));
    sleep(SWEEP).await;
    assert_eq!(replica.len(), 1_000);
    assert_eq!(check(&replica, "1"), Some(true));
    clock.advance(secs(1));
    sleep(SWEEP).await;
    assert!(replica.is_empty());
    assert_eq!(check(&replica, "1"), Some(false));
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_jumps_ahead_and_back_loses_nothing() {
    let store = TestFeed::new();
    let clock = ManualClock::new(NOW);
    let replica = fresh_at(&store, &clock).await;
    revoke_token(&store, "1").await;
    revoke_session(&store, "s-2").await;
    settle().await;
    for round in 0..3 {
        let jti = format!("round {round}");
        clock.set(KEEP_UNTIL.saturating_add(secs(61)));
        sleep(SWEEP).await;
        assert!(replica.is_empty(), "everything expires by the clock that is ahead");
        revoke_token(&store, &jti).await;
        sleep(SWEEP).await;
        clock.set(NOW);
        for jti in ["1", "2", &jti] {
            assert_eq!(check(&replica, jti), None, "the entry may be missing");
        }
        assert!(!replica.is_fresh());
        sleep(secs(1)).await;
        replica.until_fresh().await;
        for jti in ["1", "2", &jti] {
            assert_eq!(check(&replica, jti), Some(true), "the entry was loaded again");
        }
        assert_eq!(check(&replica, "3"), Some(false));
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_set_back_by_a_minute_causes_no_loading() {
    let store = TestFeed::new();
    let clock = ManualClock::new(NOW);
    let replica = fresh_at(&store, &clock).await;
    revoke_token(&replica, "1").await;
    for _ in 0..3 {
        clock.set(KEEP_UNTIL.saturating_add(secs(59)));
        sleep(SWEEP).await;
        clock.set(KEEP_UNTIL.saturating_sub(secs(1)));
        assert_eq!(check(&replica, "1"), Some(true));
        sleep(millis(300)).await;
        assert_eq!(check(&replica, "1"), Some(true));
    }
    assert_eq!(store.subscriptions(), 1);
}
