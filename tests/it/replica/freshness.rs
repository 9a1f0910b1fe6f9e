//! When a replica is fresh: heartbeats, loading and lost subscriptions.

use tokio::time::{Instant, advance, sleep};
use tower_jwt_auth::store::{
    TokenRef, TokenStore,
    replica::{Heartbeat, Notice, RevocationReplica},
};

use crate::support::feed::TestFeed;

use super::{NOW, check, fresh, millis, revoke_session, revoke_token, secs, settle};

#[tokio::test(start_paused = true)]
async fn is_fresh_when_everything_is_loaded_and_a_heartbeat_has_returned() {
    let store = TestFeed::new();
    for number in 0..10 {
        revoke_token(&store, &number.to_string()).await;
    }
    store.set_loadable(false);
    let replica = RevocationReplica::new(store.clone());
    settle().await;
    assert_eq!(store.subscriptions(), 1);
    assert_eq!(check(&replica, "10"), None, "it is still loading");
    assert_eq!(store.last_heartbeat(), None, "heartbeats begin after loading");

    store.delay_notices();
    store.set_loadable(true);
    settle().await;
    assert_eq!(replica.len(), 10);
    assert!(store.last_heartbeat().is_some());
    assert!(!replica.is_fresh(), "no heartbeat has returned");
    assert_eq!(check(&replica, "10"), None);
    assert_eq!(check(&replica, "0"), Some(true), "what is revoked stays revoked");

    store.deliver_notices();
    replica.until_fresh().await;
    for number in 0..10 {
        assert_eq!(check(&replica, &number.to_string()), Some(true));
    }
    assert_eq!(check(&replica, "10"), Some(false));
    assert_eq!(store.checks(), 0, "no token was checked by the store");
}

#[tokio::test(start_paused = true)]
async fn loses_nothing_between_subscribing_and_loading() {
    let store = TestFeed::new();
    store.set_loadable(false);
    let replica = RevocationReplica::new(store.clone());
    settle().await;
    // The pages were made earlier and do not contain this.
    revoke_token(&store, "between").await;
    store.set_loadable(true);
    replica.until_fresh().await;
    assert_eq!(check(&replica, "between"), Some(true));
}

#[tokio::test(start_paused = true)]
async fn rejects_what_others_revoked() {
    let store = TestFeed::new();
    let (here, there) = (fresh(&store).await, fresh(&store).await);
    assert_eq!(check(&there, "1"), Some(false));
    revoke_token(&here, "1").await;
    revoke_session(&here, "s-2").await;
    settle().await;
    assert_eq!(check(&there, "1"), Some(true));
    assert_eq!(check(&there, "2"), Some(true));
    assert_eq!(check(&there, "3"), Some(false));
}

#[tokio::test(start_paused = true)]
async fn stays_fresh_while_heartbeats_return() {
    let store = TestFeed::new();
    let replica = fresh(&store).await;
    for _ in 0..1_000 {
        sleep(millis(97)).await;
        assert_eq!(check(&replica, "1"), Some(false));
    }
    assert_eq!(store.subscriptions(), 1);
}

#[tokio::test(start_paused = true)]
async fn stops_deciding_when_its_knowledge_is_too_old() {
    let store = TestFeed::new();
    let replica = fresh(&store).await;
    // Just after a heartbeat.
    sleep(millis(10_001)).await;
    let heartbeat = store.last_heartbeat();
    store.delay_notices();
    advance(millis(998)).await;
    assert_eq!(store.last_heartbeat(), heartbeat, "no other heartbeat has been sent");
    assert_eq!(check(&replica, "1"), Some(false), "its knowledge is 999 milliseconds old");
    advance(millis(1)).await;
    assert_eq!(check(&replica, "1"), None, "its knowledge is a second old");
    assert!(!replica.is_fresh());

    // The age of a heartbeat counts from when it was sent.
    settle().await;
    let heartbeat = store.last_heartbeat().unwrap();
    advance(millis(600)).await;
    store.drop_notices();
    store.send(Notice::Heartbeat(heartbeat));
    store.delay_notices();
    settle().await;
    assert_eq!(check(&replica, "1"), Some(false));
    advance(millis(400)).await;
    assert_eq!(check(&replica, "1"), None);
}

#[tokio::test(start_paused = true)]
async fn no_decision_is_older_than_max_age() {
    for max_age in [100, 250, 1_000, 5_000] {
        let store = TestFeed::new();
        let replica =
            RevocationReplica::builder(store.clone()).max_age(millis(max_age)).build().unwrap();
        replica.until_fresh().await;
        for offset in [0, 3, max_age / 7, max_age / 4, max_age / 3] {
            sleep(millis(10 * max_age + offset)).await;
            assert_eq!(check(&replica, "1"), Some(false));
            store.delay_notices();
            let revoked = Instant::now();
            let jti = format!("{max_age}-{offset}");
            revoke_token(&store, &jti).await;
            while let Some(is_revoked) = check(&replica, &jti) {
                assert!(!is_revoked, "the notice is delayed");
                assert!(revoked.elapsed() < millis(max_age), "the decision is too old");
                sleep(millis(1)).await;
            }
            assert!(revoked.elapsed() > millis(max_age / 2), "one lost heartbeat does no harm");
            store.deliver_notices();
            replica.until_fresh().await;
            assert_eq!(check(&replica, &jti), Some(true));
        }
        assert_eq!(store.subscriptions(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn heartbeats_of_others_and_from_the_future_prove_nothing() {
    let store = TestFeed::new();
    let replica = fresh(&store).await;
    let own = store.last_heartbeat().unwrap();
    store.delay_notices();
    sleep(millis(1_001)).await;
    store.drop_notices();
    let other = Heartbeat { subscriber: own.subscriber ^ 1, number: u64::MAX };
    store.send(Notice::Heartbeat(other));
    settle().await;
    assert_eq!(check(&replica, "1"), None);

    store.send(Notice::Heartbeat(Heartbeat { number: u64::MAX, ..own }));
    settle().await;
    assert_eq!(check(&replica, "1"), Some(false));
    store.delay_notices();
    sleep(secs(1)).await;
    assert_eq!(check(&replica, "1"), None, "it counts for as long as any other");
}

#[tokio::test(start_paused = true)]
async fn stops_deciding_at_once_when_the_subscription_ends() {
    let store = TestFeed::new();
    let replica = fresh(&store).await;
    for (round, lose) in [TestFeed::disconnect, TestFeed::send_error].iter().enumerate() {
        lose(&store);
        let jti = round.to_string();
        // There is no subscription to receive this.
        revoke_token(&store, &jti).await;
        settle().await;
        assert_eq!(check(&replica, &jti), None);
        replica.until_fresh().await;
        assert_eq!(check(&replica, &jti), Some(true), "everything was loaded again");
        assert_eq!(store.subscriptions(), round + 2);
    }
}

#[tokio::test(start_paused = true)]
async fn abandons_a_silent_subscription() {
    let store = TestFeed::new();
    let replica = fresh(&store).await;
    store.delay_notices();
    revoke_token(&store, "1").await;
    sleep(secs(5)).await;
    store.drop_notices();
    assert_eq!(check(&replica, "1"), None);
    assert_eq!(store.subscriptions(), 1, "the feed may just be slow");
    store.delay_notices();
    sleep(secs(3)).await;
    store.drop_notices();
    replica.until_fresh().await;
    assert_eq!(store.subscriptions(), 2);
    assert_eq!(check(&replica, "1"), Some(true));
}

#[tokio::test(start_paused = true)]
async fn recovers_when_the_store_was_down() {
    let store = TestFeed::new();
    store.set_down(true);
    let replica = RevocationReplica::new(store.clone());
    sleep(secs(60)).await;
    assert_eq!(check(&replica, "1"), None);
    let token = TokenRef::new("ada", NOW).with_jti(Some("1"));
    assert!(replica.is_revoked(&token).await.is_err(), "the store checks the token and is down");
    store.set_down(false);
    let back = Instant::now();
    replica.until_fresh().await;
    assert!(back.elapsed() < secs(6), "fresh after {:?}", back.elapsed());

    for round in 0..5 {
        store.set_down(true);
        settle().await;
        assert_eq!(check(&replica, "1"), None);
        sleep(millis(300)).await;
        store.set_down(false);
        let jti = format!("meanwhile-{round}");
        revoke_token(&store, &jti).await;
        let back = Instant::now();
        replica.until_fresh().await;
        assert_eq!(check(&replica, &jti), Some(true));
        assert!(back.elapsed() < secs(1), "fresh after {:?}", back.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn the_task_ends_with_the_last_handle() {
    let store = TestFeed::new();
    let replica = fresh(&store).await;
    let clone = replica.clone();
    drop(replica);
    sleep(secs(10)).await;
    assert_eq!(check(&clone, "1"), Some(false));
    drop(clone);
    settle().await;
    assert_eq!(store.handles(), 1);
}
