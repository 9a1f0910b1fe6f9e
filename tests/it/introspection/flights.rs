//! Requests with the same token at the same time.

use futures::{FutureExt, future::join_all};
use serde_json::json;
use tower_jwt_auth::{AuthErrorKind, introspection::IntrospectionErrorKind};

use super::{Server, TOKEN, active, builder, cause, outcome, strict};
use crate::support::mint::clock;

#[tokio::test]
async fn a_hundred_requests_with_one_token_share_one_introspection() {
    let server = Server::holding(active(&json!({})));
    let introspection = strict(&server, &clock());
    let waits: Vec<_> = (0..100).map(|_| introspection.introspect(TOKEN)).collect();
    let all = join_all(waits);
    let release = async {
        tokio::task::yield_now().await;
        server.release(100);
    };
    let (outcomes, ()) = futures::join!(all, release);
    assert_eq!(outcomes.len(), 100);
    for result in outcomes {
        assert_eq!(outcome(result), Ok("ada".to_owned()));
    }
    assert_eq!(server.calls(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn threads_share_one_introspection() {
    for _ in 0..50 {
        let server = Server::new(active(&json!({})));
        let introspection = strict(&server, &clock());
        let tasks = (0..100).map(|_| {
            let introspection = introspection.clone();
            tokio::spawn(async move { outcome(introspection.introspect(TOKEN).await) })
        });
        for result in join_all(tasks.collect::<Vec<_>>()).await {
            assert_eq!(result.unwrap(), Ok("ada".to_owned()));
        }
        assert_eq!(server.calls(), 1);
    }
}

#[tokio::test]
async fn different_tokens_do_not_wait_for_each_other() {
    let server = Server::holding(active(&json!({})));
    let introspection = strict(&server, &clock());
    let mut one = Box::pin(introspection.introspect("one"));
    let mut two = Box::pin(introspection.introspect("two"));
    assert!((&mut one).now_or_never().is_none() && (&mut two).now_or_never().is_none());
    assert_eq!(server.calls(), 2);
    server.release(1);
    assert!(one.await.is_ok());
    assert!((&mut two).now_or_never().is_none());
    server.release(1);
    assert!(two.await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn the_number_of_requests_under_way_is_bounded() {
    let server = Server::holding(active(&json!({})));
    let introspection = builder(&server, &clock()).max_concurrent(2).build().unwrap();
    let mut first = Box::pin(introspection.introspect("one"));
    let mut second = Box::pin(introspection.introspect("two"));
    assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
    let rejected = introspection.introspect("three").await;
    assert_eq!(cause(rejected), IntrospectionErrorKind::Overloaded);
    assert_eq!(server.calls(), 2);

    let mut third = Box::pin(introspection.introspect("three"));
    assert!((&mut third).now_or_never().is_none());
    server.release(3);
    assert!(first.await.is_ok());
    assert!(third.await.is_ok());
    // Tokens in the cache need no request.
    assert!((&mut second).await.is_ok());
    assert!(introspection.introspect("one").now_or_never().unwrap().is_ok());
    assert_eq!(server.calls(), 3);
}

#[tokio::test]
async fn a_client_that_disconnects_does_not_end_the_introspection_of_others() {
    let server = Server::holding(active(&json!({})));
    let introspection = strict(&server, &clock());
    let mut first = Box::pin(introspection.introspect(TOKEN));
    let mut second = Box::pin(introspection.introspect(TOKEN));
    assert!((&mut first).now_or_never().is_none() && (&mut second).now_or_never().is_none());
    drop(first);
    server.release(1);
    assert_eq!(outcome(second.await), Ok("ada".to_owned()));
    assert_eq!(server.calls(), 1);
}

#[tokio::test]
async fn an_introspection_that_nobody_waits_for_can_begin_again() {
    let server = Server::holding(active(&json!({})));
    let introspection = strict(&server, &clock());
    let mut dropped = Box::pin(introspection.introspect(TOKEN));
    assert!((&mut dropped).now_or_never().is_none());
    drop(dropped);
    server.release(2);
    assert_eq!(outcome(introspection.introspect(TOKEN).await), Ok("ada".to_owned()));
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn all_learn_of_an_outage_and_the_next_request_tries_again() {
    let server = Server::holding(active(&json!({})));
    server.respond(|| Err("no route".to_owned()));
    let introspection = strict(&server, &clock());
    let waits = join_all((0..10).map(|_| introspection.introspect(TOKEN)));
    let release = async {
        tokio::task::yield_now().await;
        server.release(1);
    };
    let (outcomes, ()) = futures::join!(waits, release);
    for result in outcomes {
        assert_eq!(cause(result), IntrospectionErrorKind::Connection);
    }
    assert_eq!(server.calls(), 1);
    server.respond_json(json!({ "active": false }));
    server.release(1);
    assert_eq!(outcome(introspection.introspect(TOKEN).await), Err(AuthErrorKind::Inactive));
}
