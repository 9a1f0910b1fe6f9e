//! Many requests at once, at two machines.

use futures::future::join_all;
use tower_jwt_auth::totp::{Totp, TotpError, TotpStore};

use super::{clock, code, enable, on_all_stores, totp, user, verify};

on_all_stores! {
    one_of_many_concurrent_logins_uses_a_code
    one_of_many_concurrent_logins_uses_a_recovery_code
    different_recovery_codes_do_not_disturb_each_other
    one_of_many_concurrent_confirmations_wins
}

/// How many of 100 concurrent calls succeed, of which half are at each machine.
async fn winners(machines: &[Totp; 2], code: &str) -> usize {
    let tasks = (0..100).map(|index: usize| {
        let (machine, code) = (machines[index % 2].clone(), code.to_owned());
        tokio::spawn(async move { verify(&machine, &code).await })
    });
    join_all(tasks).await.into_iter().filter(|outcome| *outcome.as_ref().unwrap()).count()
}

async fn one_of_many_concurrent_logins_uses_a_code<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let machines = [totp(open(), &clock), totp(open(), &clock)];
    let (enrolment, _) = enable(&machines[0], &clock).await;
    for steps in [0, 1] {
        let code = code(enrolment.secret(), &clock, steps);
        assert_eq!(winners(&machines, &code).await, 1, "{steps}");
    }
}

async fn one_of_many_concurrent_logins_uses_a_recovery_code<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let machines = [totp(open(), &clock), totp(open(), &clock)];
    let (_, codes) = enable(&machines[0], &clock).await;
    for code in codes.iter().take(2) {
        assert_eq!(winners(&machines, code).await, 1);
    }
    assert_eq!(machines[0].recovery_codes_left(&user()).await.unwrap(), Some(8));
}

async fn different_recovery_codes_do_not_disturb_each_other<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let machines = [totp(open(), &clock), totp(open(), &clock)];
    let (_, codes) = enable(&machines[0], &clock).await;
    let tasks = codes.iter().enumerate().map(|(index, code)| {
        let (machine, code) = (machines[index % 2].clone(), code.to_owned());
        tokio::spawn(async move { verify(&machine, &code).await })
    });
    assert!(join_all(tasks).await.into_iter().all(Result::unwrap));
    assert_eq!(machines[0].recovery_codes_left(&user()).await.unwrap(), Some(0));
}

async fn one_of_many_concurrent_confirmations_wins<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let machines = [totp(open(), &clock), totp(open(), &clock)];
    let enrolment = machines[0].enrol(&user(), "ada").await.unwrap();
    let first = code(enrolment.secret(), &clock, 0);
    let tasks = (0..100).map(|index: usize| {
        let (machine, code) = (machines[index % 2].clone(), first.clone());
        tokio::spawn(async move { machine.confirm(&user(), &code).await })
    });
    let mut codes = Vec::new();
    for outcome in join_all(tasks).await {
        match outcome.unwrap() {
            Ok(recovery) => codes.push(recovery),
            Err(error) => assert!(matches!(error, TotpError::AlreadyEnabled), "{error}"),
        }
    }
    assert_eq!(codes.len(), 1);
    // They are those that are stored.
    assert!(verify(&machines[1], codes[0].iter().next().unwrap()).await);
    assert!(!verify(&machines[1], &first).await);
}
