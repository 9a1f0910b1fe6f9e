//! Fresh or not: what the replica makes of its feed.

use tokio::time::{Instant, advance, sleep};
use tower_jwt_auth::store::{
    RevocationReplica, TokenRef, TokenStore,
    replica::{Beat, Notice},
};

use crate::support::feed::FedStore;

use super::{NOW, ask, fresh, millis, revoke_session, revoke_token, secs, settle};

#[tokio::test(start_paused = true)]
async fn it_answers_when_all_is_loaded_and_a_beat_has_come_back() {
    let store = FedStore::new();
    for number in 0..10 {
        revoke_token(&store, &number.to_string()).await;
    }
    store.set_loading(false);
    let replica = RevocationReplica::new(store.clone());
    settle().await;
    assert_eq!(store.subscriptions(), 1);
    assert_eq!(ask(&replica, "0"), None, "it loads");
    assert_eq!(store.last_beat(), None, "beats begin when it has loaded");

    store.hold();
    store.set_loading(true);
    settle().await;
    assert_eq!(replica.len(), 10);
    assert!(store.last_beat().is_some());
    assert!(!replica.is_fresh(), "no beat has come back");
    assert_eq!(ask(&replica, "0"), None);

    store.release();
    replica.until_fresh().await;
    for number in 0..10 {
        assert_eq!(ask(&replica, &number.to_string()), Some(true));
    }
    assert_eq!(ask(&replica, "10"), Some(false));
    assert_eq!(store.asked(), 0, "the store was asked for nothing");
}

#[tokio::test(start_paused = true)]
async fn nothing_falls_between_subscribing_and_loading() {
    let store = FedStore::new();
    store.set_loading(false);
    let replica = RevocationReplica::new(store.clone());
    settle().await;
    // The pages were made before this, and do not hold it.
    revoke_token(&store, "between").await;
    store.set_loading(true);
    replica.until_fresh().await;
    assert_eq!(ask(&replica, "between"), Some(true));
}

#[tokio::test(start_paused = true)]
async fn what_others_revoke_is_refused() {
    let store = FedStore::new();
    let (here, there) = (fresh(&store).await, fresh(&store).await);
    assert_eq!(ask(&there, "1"), Some(false));
    revoke_token(&here, "1").await;
    revoke_session(&here, "s-2").await;
    settle().await;
    assert_eq!(ask(&there, "1"), Some(true));
    assert_eq!(ask(&there, "2"), Some(true));
    assert_eq!(ask(&there, "3"), Some(false));
}

#[tokio::test(start_paused = true)]
async fn it_stays_fresh_while_beats_come_back() {
    let store = FedStore::new();
    let replica = fresh(&store).await;
    for _ in 0..1_000 {
        sleep(millis(97)).await;
        assert_eq!(ask(&replica, "1"), Some(false));
    }
    assert_eq!(store.subscriptions(), 1);
}

#[tokio::test(start_paused = true)]
async fn it_is_silent_when_its_knowledge_is_too_old() {
    let store = FedStore::new();
    let replica = fresh(&store).await;
    // Just after a beat.
    sleep(millis(10_001)).await;
    let beat = store.last_beat();
    store.hold();
    advance(millis(998)).await;
    assert_eq!(store.last_beat(), beat, "time was moved on before another beat was sent");
    assert_eq!(ask(&replica, "1"), Some(false), "its knowledge is 999 milliseconds old");
    advance(millis(1)).await;
    assert_eq!(ask(&replica, "1"), None, "its knowledge is a second old");
    assert!(!replica.is_fresh());

    // A beat counts from when it was sent.
    settle().await;
    let beat = store.last_beat().unwrap();
    advance(millis(600)).await;
    store.lose_held();
    store.say(Notice::Beat(beat));
    store.hold();
    settle().await;
    assert_eq!(ask(&replica, "1"), Some(false));
    advance(millis(400)).await;
    assert_eq!(ask(&replica, "1"), None);
}

#[tokio::test(start_paused = true)]
async fn no_answer_is_older_than_the_bound() {
    for bound in [100, 250, 1_000, 5_000] {
        let store = FedStore::new();
        let replica =
            RevocationReplica::builder(store.clone()).max_age(millis(bound)).build().unwrap();
        replica.until_fresh().await;
        for offset in [0, 3, bound / 7, bound / 4, bound / 3] {
            sleep(millis(10 * bound + offset)).await;
            assert_eq!(ask(&replica, "1"), Some(false));
            store.hold();
            let revoked = Instant::now();
            let jti = format!("{bound}-{offset}");
            revoke_token(&store, &jti).await;
            while let Some(answer) = ask(&replica, &jti) {
                assert!(!answer, "the notice is held back");
                assert!(revoked.elapsed() < millis(bound), "the answer is too old");
                sleep(millis(1)).await;
            }
            assert!(revoked.elapsed() > millis(bound / 2), "one lost beat does no harm");
            store.release();
            replica.until_fresh().await;
            assert_eq!(ask(&replica, &jti), Some(true));
        }
        assert_eq!(store.subscriptions(), 1);
    }
}

#[tokio::test(start_paused = true)]
async fn beats_of_others_and_from_the_future_say_nothing() {
    let store = FedStore::new();
    let replica = fresh(&store).await;
    let own = store.last_beat().unwrap();
    store.hold();
    sleep(millis(1_001)).await;
    store.lose_held();
    let other = Beat { subscriber: own.subscriber ^ 1, number: u64::MAX };
    store.say(Notice::Beat(other));
    settle().await;
    assert_eq!(ask(&replica, "1"), None);

    store.say(Notice::Beat(Beat { number: u64::MAX, ..own }));
    settle().await;
    assert_eq!(ask(&replica, "1"), Some(false));
    store.hold();
    sleep(secs(1)).await;
    assert_eq!(ask(&replica, "1"), None, "it is good for as long as any other");
}

#[tokio::test(start_paused = true)]
async fn a_lost_subscription_silences_it_at_once() {
    let store = FedStore::new();
    let replica = fresh(&store).await;
    for (round, lose) in [FedStore::disconnect, FedStore::garble].iter().enumerate() {
        lose(&store);
        let jti = round.to_string();
        // No subscription hears of this.
        revoke_token(&store, &jti).await;
        settle().await;
        assert_eq!(ask(&replica, &jti), None);
        replica.until_fresh().await;
        assert_eq!(ask(&replica, &jti), Some(true), "everything was loaded again");
        assert_eq!(store.subscriptions(), round + 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_silent_subscription_is_given_up() {
    let store = FedStore::new();
    let replica = fresh(&store).await;
    store.hold();
    revoke_token(&store, "1").await;
    sleep(secs(5)).await;
    store.lose_held();
    assert_eq!(ask(&replica, "1"), None);
    assert_eq!(store.subscriptions(), 1, "it may only be slow");
    store.hold();
    sleep(secs(3)).await;
    store.lose_held();
    replica.until_fresh().await;
    assert_eq!(store.subscriptions(), 2);
    assert_eq!(ask(&replica, "1"), Some(true));
}

#[tokio::test(start_paused = true)]
async fn it_bears_that_the_store_is_away() {
    let store = FedStore::new();
    store.set_away(true);
    let replica = RevocationReplica::new(store.clone());
    sleep(secs(60)).await;
    assert_eq!(ask(&replica, "1"), None);
    let token = TokenRef::new("ada", NOW).with_jti(Some("1"));
    assert!(replica.is_revoked(&token).await.is_err(), "the store was asked, and is away");
    store.set_away(false);
    let back = Instant::now();
    replica.until_fresh().await;
    assert!(back.elapsed() < secs(6), "fresh after {:?}", back.elapsed());

    for round in 0..5 {
        store.set_away(true);
        settle().await;
        assert_eq!(ask(&replica, "1"), None);
        sleep(millis(300)).await;
        store.set_away(false);
        let jti = format!("meanwhile-{round}");
        revoke_token(&store, &jti).await;
        let back = Instant::now();
        replica.until_fresh().await;
        assert_eq!(ask(&replica, &jti), Some(true));
        assert!(back.elapsed() < secs(1), "fresh after {:?}", back.elapsed());
    }
}

#[tokio::test(start_paused = true)]
async fn its_task_ends_with_the_last_handle() {
    let store = FedStore::new();
    let replica = fresh(&store).await;
    let clone = replica.clone();
    drop(replica);
    sleep(secs(10)).await;
    assert_eq!(ask(&clone, "1"), Some(false));
    drop(clone);
    settle().await;
    assert_eq!(store.handles(), 1);
}
