//! PostgreSQL servers that are down, hang or crash.

use std::time::{Duration, Instant};

use futures::future::join_all;
use tokio::time::{sleep, timeout};
use tower_jwt_auth::store::{PostgresStore, Spent};

use crate::support::{
    postgres::Server,
    session::{begin, end, is_spent, new_id, spend},
};

/// The deadline that layers have for their store.
const DEADLINE: Duration = Duration::from_secs(2);

/// All calls fail within the deadline.
async fn assert_is_down(store: &PostgresStore) {
    let calls: Vec<_> = (0..30)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let began = Instant::now();
                let id = format!("down {number}");
                let failed = match number % 3 {
                    0 => timeout(DEADLINE, begin(&store, &id, "first")).await.map(|it| it.is_err()),
                    1 => timeout(DEADLINE, is_spent(&store, "ada", "first"))
                        .await
                        .map(|it| it.is_err()),
                    _ => timeout(DEADLINE, end(&store, "ada")).await.map(|it| it.is_err()),
                };
                assert!(failed.unwrap_or(true), "no server could respond");
                began.elapsed()
            })
        })
        .collect();
    for call in calls {
        let took = call.await.unwrap();
        assert!(took < DEADLINE + Duration::from_millis(300), "{took:?}");
    }
}

/// The first call succeeds, within the deadline.
async fn assert_is_up(store: &PostgresStore, newest: &mut String) {
    let began = Instant::now();
    let successor = new_id();
    let spent = timeout(DEADLINE, spend(store, "ada", newest, &successor)).await;
    assert_eq!(spent.expect("a response in time").unwrap(), Spent::First);
    assert!(is_spent(store, "ada", newest).await.unwrap(), "nothing was lost");
    *newest = successor;
    assert!(is_spent(store, "bob", "first").await.unwrap(), "nothing was lost");
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
}

/// Makes several connections that are idle afterwards.
async fn warm_up(store: &PostgresStore) {
    for outcome in join_all((0..40).map(|_| is_spent(store, "ada", "first"))).await {
        outcome.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn recovers_as_soon_as_the_server_is_up() {
    let Some(server) = Server::start() else { return };
    server.kill();
    let store = PostgresStore::connect_lazy(&server.url()).unwrap();
    assert_is_down(&store).await;
    server.run();
    begin(&store, "ada", "first").await.unwrap();
    begin(&store, "bob", "first").await.unwrap();
    end(&store, "bob").await.unwrap();
    let mut newest = String::from("first");
    assert_is_up(&store, &mut newest).await;

    // All idle connections are dead.
    for _ in 0..3 {
        warm_up(&store).await;
        server.kill();
        server.run();
        assert_is_up(&store, &mut newest).await;
    }

    warm_up(&store).await;
    server.signal("-STOP");
    assert_is_down(&store).await;
    assert_is_down(&store).await;
    server.signal("-CONT");
    // Some of the calls that failed may have been carried out now. This is another session.
    begin(&store, "eve", "first").await.unwrap();
    assert!(!is_spent(&store, "eve", "first").await.unwrap());
    assert!(is_spent(&store, "bob", "first").await.unwrap(), "nothing was lost");

    warm_up(&store).await;
    server.signal("-STOP");
    assert_is_down(&store).await;
    server.kill();
    assert_is_down(&store).await;
    server.run();
    let began = Instant::now();
    assert_eq!(spend(&store, "eve", "first", "second").await.unwrap(), Spent::First);
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    assert_eq!(spend(&store, "bob", "first", "second").await.unwrap(), Spent::Revoked);
}

/// Spends a token. A call that failed is repeated: it may have been carried out or not.
async fn spend_reliably(store: &PostgresStore, id: &str, newest: &str, successor: &str) {
    loop {
        match timeout(DEADLINE, spend(store, id, newest, successor)).await {
            Ok(Ok(Spent::First)) => return,
            Ok(Ok(other)) => panic!("{other:?}"),
            Ok(Err(_)) | Err(_) => {}
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_loses_nothing_that_was_confirmed() {
    let Some(server) = Server::start() else { return };
    let store = PostgresStore::connect_lazy(&server.url()).unwrap();
    store.migrate().await.unwrap();
    let clients: Vec<_> = (0..8)
        .map(|number| {
            let store = store.clone();
            tokio::spawn(async move {
                let id = format!("client {number}");
                begin(&store, &id, "first").await.unwrap();
                let mut newest = String::from("first");
                let mut count = 0;
                let began = Instant::now();
                while began.elapsed() < Duration::from_secs(8) {
                    let successor = new_id();
                    spend_reliably(&store, &id, &newest, &successor).await;
                    newest = successor;
                    count += 1;
                }
                assert!(!is_spent(&store, &id, &newest).await.unwrap());
                count
            })
        })
        .collect();
    for _ in 0..10 {
        sleep(Duration::from_millis(500)).await;
        server.kill();
        server.run();
    }
    let mut total = 0;
    for client in clients {
        total += client.await.unwrap();
    }
    assert!(total > 100, "{total}");
}
