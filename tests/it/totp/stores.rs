//! The rules of a store, without the races that would reveal most of them.

use tower_jwt_auth::totp::TotpStore;

use super::{clock, enable, on_all_stores, totp, user};

on_all_stores! {
    a_step_is_only_raised
    a_step_is_that_of_its_secret
}

async fn a_step_is_only_raised<S: TotpStore>(open: impl Fn() -> S) {
    let (clock, store) = (clock(), open());
    assert!(!store.use_step(&user(), "secret", 1, "a").await.unwrap(), "there is no secret");
    store.begin(&user(), "secret").await.unwrap();
    assert!(!store.use_step(&user(), "secret", 1, "b").await.unwrap(), "it is not confirmed");
    drop(enable(&totp(open(), &clock), &clock).await);
    let record = store.find(&user()).await.unwrap().unwrap();
    let last = record.last_step.unwrap();
    for (step, is_raised) in [(last, false), (last + 2, true), (last + 2, false), (last + 1, false)]
    {
        let use_id = format!("{step} {is_raised}");
        let raised = store.use_step(&user(), &record.secret, step, &use_id).await.unwrap();
        assert_eq!(raised, is_raised, "{step}");
    }
    assert_eq!(store.find(&user()).await.unwrap().unwrap().last_step, Some(last + 2));
}

async fn a_step_is_that_of_its_secret<S: TotpStore>(open: impl Fn() -> S) {
    let (clock, store) = (clock(), open());
    drop(enable(&totp(open(), &clock), &clock).await);
    let record = store.find(&user()).await.unwrap().unwrap();
    let next = record.last_step.unwrap() + 1;
    // The secret was replaced after the code was compared with it.
    assert!(!store.use_step(&user(), "another secret", next, "a").await.unwrap());
    assert!(!store.replace_secret(&user(), "another secret", "a third one").await.unwrap());
    assert!(store.use_step(&user(), &record.secret, next, "b").await.unwrap());
}
