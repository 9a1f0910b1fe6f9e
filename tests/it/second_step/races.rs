//! Many requests at once, each in a task of its own.

use futures::future::join_all;

use crate::support::login::Setup;

use super::{App, CODE, apps, rejected};

async fn complete_at_once(app: &App, step: &str, code: &'static str) -> Vec<(u16, String)> {
    let tasks = (0..100).map(|_| {
        let (app, step) = (app.clone(), step.to_owned());
        tokio::spawn(async move { app.outcome(&step, code).await })
    });
    join_all(tasks).await.into_iter().map(Result::unwrap).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_concurrent_codes_completes_the_login() {
    let setup = Setup::new();
    for app in apps(&setup) {
        let mut outcomes = complete_at_once(&app, &app.step().await, CODE).await;
        outcomes.retain(|outcome| *outcome != rejected("token_revoked"));
        assert_eq!(outcomes, [(200, String::new())]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_requests_share_the_five_tries() {
    let setup = Setup::new();
    for app in apps(&setup) {
        let before = app.codes.verified();
        let outcomes = complete_at_once(&app, &app.step().await, "000000").await;
        let tried = outcomes.iter().filter(|outcome| **outcome == rejected("invalid_code"));
        assert_eq!((tried.count(), app.codes.verified() - before), (5, 5));
    }
}
