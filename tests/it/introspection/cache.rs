//! How long responses are used, and how many.

use std::time::Duration;

use serde_json::json;
use tower_jwt_auth::{AuthErrorKind, NumericDate, introspection::IntrospectionErrorKind};

use super::{Server, TOKEN, active, builder, cause, outcome, strict};
use crate::support::mint::{NOW, clock};

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test]
async fn an_active_token_is_introspected_once_a_minute() {
    let (server, clock) = (Server::new(active(&json!({}))), clock());
    let introspection = strict(&server, &clock);
    for _ in 0..3 {
        assert_eq!(outcome(introspection.introspect(TOKEN).await), Ok("ada".to_owned()));
    }
    assert_eq!(server.calls(), 1);
    clock.advance(59 * SECOND);
    assert_eq!(outcome(introspection.introspect(TOKEN).await), Ok("ada".to_owned()));
    assert_eq!(server.calls(), 1);
    // It was revoked meanwhile.
    server.respond_json(json!({ "active": false }));
    clock.advance(SECOND);
    assert_eq!(outcome(introspection.introspect(TOKEN).await), Err(AuthErrorKind::Inactive));
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn a_rejected_token_is_introspected_every_five_seconds() {
    let (server, clock) = (Server::new(json!({ "active": false })), clock());
    let introspection = strict(&server, &clock);
    for response in [json!({ "active": false }), active(&json!({ "aud": "other" }))] {
        server.respond_json(response);
        let before = server.calls();
        let first = outcome(introspection.introspect(TOKEN).await);
        assert!(first.is_err());
        clock.advance(4 * SECOND);
        assert_eq!(outcome(introspection.introspect(TOKEN).await), first);
        assert_eq!(server.calls(), before + 1);
        clock.advance(SECOND);
    }
    server.respond_json(active(&json!({})));
    assert_eq!(outcome(introspection.introspect(TOKEN).await), Ok("ada".to_owned()));
}

#[tokio::test]
async fn no_token_is_accepted_after_its_exp() {
    let (server, clock) = (Server::new(active(&json!({ "exp": NOW + 10 }))), clock());
    let introspection = strict(&server, &clock);
    assert_eq!(outcome(introspection.introspect(TOKEN).await), Ok("ada".to_owned()));
    clock.advance(9 * SECOND);
    assert_eq!(outcome(introspection.introspect(TOKEN).await), Ok("ada".to_owned()));
    clock.advance(SECOND);
    assert_eq!(outcome(introspection.introspect(TOKEN).await), Err(AuthErrorKind::Expired));
    assert_eq!(server.calls(), 1);
}

#[tokio::test]
async fn the_times_are_configurable() {
    let (server, clock) = (Server::new(active(&json!({}))), clock());
    let introspection = builder(&server, &clock)
        .cache_for(Duration::ZERO)
        .cache_rejected_for(Duration::ZERO)
        .build()
        .unwrap();
    for calls in 1..=3 {
        assert!(introspection.introspect(TOKEN).await.is_ok());
        assert_eq!(server.calls(), calls);
    }
    server.respond_json(json!({ "active": false }));
    for calls in 4..=6 {
        assert!(introspection.introspect(TOKEN).await.is_err());
        assert_eq!(server.calls(), calls);
    }
}

/// Otherwise a revoked token could stay valid for a long time.
#[tokio::test]
async fn a_clock_that_is_set_back_ends_the_use_of_a_response() {
    let (server, clock) = (Server::new(active(&json!({}))), clock());
    let introspection = strict(&server, &clock);
    assert!(introspection.introspect(TOKEN).await.is_ok());
    clock.set(NumericDate::from_secs(NOW - 1));
    assert!(introspection.introspect(TOKEN).await.is_ok());
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn a_response_from_a_time_when_the_clock_was_ahead_is_not_used_later() {
    let (server, clock) = (Server::new(active(&json!({}))), clock());
    let introspection = strict(&server, &clock);
    clock.advance(3600 * SECOND);
    assert!(introspection.introspect(TOKEN).await.is_ok());
    clock.set(NumericDate::from_secs(NOW));
    server.respond(|| Err("no response".to_owned()));
    assert!(introspection.introspect(TOKEN).await.is_err());
    clock.advance(3600 * SECOND);
    assert!(introspection.introspect(TOKEN).await.is_err());
}

/// The `iat` of a cached token is in the future of a clock that was set back.
#[tokio::test]
async fn checks_are_repeated_for_cached_tokens() {
    use std::sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    };

    let (server, clock) = (Server::new(active(&json!({}))), clock());
    let permits = Arc::new(AtomicBool::new(true));
    let permitted = Arc::clone(&permits);
    let introspection =
        builder(&server, &clock).check(move |_| permitted.load(Ordering::SeqCst)).build().unwrap();
    assert!(introspection.introspect(TOKEN).await.is_ok());
    permits.store(false, Ordering::SeqCst);
    assert_eq!(outcome(introspection.introspect(TOKEN).await), Err(AuthErrorKind::CheckFailed));
    permits.store(true, Ordering::SeqCst);
    assert!(introspection.introspect(TOKEN).await.is_ok());
    assert_eq!(server.calls(), 1);
}

#[tokio::test]
async fn different_tokens_have_different_responses() {
    let (server, clock) = (Server::new(active(&json!({}))), clock());
    let introspection = strict(&server, &clock);
    assert_eq!(outcome(introspection.introspect("one").await), Ok("ada".to_owned()));
    server.respond_json(active(&json!({ "sub": "bob" })));
    assert_eq!(outcome(introspection.introspect("two").await), Ok("bob".to_owned()));
    assert_eq!(outcome(introspection.introspect("one").await), Ok("ada".to_owned()));
    assert_eq!(server.calls(), 2);
}

#[tokio::test]
async fn an_outage_is_neither_bridged_nor_remembered() {
    let (server, clock) = (Server::new(active(&json!({}))), clock());
    let introspection = strict(&server, &clock);
    assert!(introspection.introspect(TOKEN).await.is_ok());
    server.respond(|| Err("no route".to_owned()));
    // The response is still in use.
    assert!(introspection.introspect(TOKEN).await.is_ok());
    clock.advance(60 * SECOND);
    for _ in 0..2 {
        let outage = introspection.introspect(TOKEN).await;
        assert_eq!(cause(outage), IntrospectionErrorKind::Connection);
    }
    server.respond_json(active(&json!({})));
    assert!(introspection.introspect(TOKEN).await.is_ok());
    assert_eq!(server.calls(), 4);
}

/// How many of `tokens` are introspected again.
async fn forgotten(
    server: &Server,
    introspection: &super::Introspection,
    tokens: &[String],
) -> usize {
    let before = server.calls();
    for token in tokens {
        let _ = introspection.introspect(token).await;
    }
    server.calls() - before
}

#[tokio::test]
async fn the_number_of_responses_is_bounded() {
    let tokens =
        |name: &str, count| (0..count).map(|n| format!("{name}{n}")).collect::<Vec<String>>();
    let (server, clock) = (Server::new(active(&json!({}))), clock());
    let introspection = builder(&server, &clock).cache(64 * 1024).build().unwrap();
    let accepted = tokens("accepted", 1000);
    assert_eq!(forgotten(&server, &introspection, &accepted).await, 1000);
    // 64 KiB hold at most 85 entries of 768 bytes and more.
    assert!(forgotten(&server, &introspection, &accepted).await >= 900);

    server.respond_json(json!({ "active": false }));
    let rejected = tokens("rejected", 20_000);
    assert_eq!(forgotten(&server, &introspection, &rejected).await, 20_000);
    assert!(forgotten(&server, &introspection, &rejected).await >= 10_000);
}

#[tokio::test]
async fn a_flood_of_invalid_tokens_displaces_no_valid_one() {
    let (server, clock) = (Server::new(active(&json!({}))), clock());
    let introspection = builder(&server, &clock).cache(64 * 1024).build().unwrap();
    assert!(introspection.introspect(TOKEN).await.is_ok());
    server.respond_json(json!({ "active": false }));
    for number in 0..20_000 {
        assert!(introspection.introspect(&format!("invalid{number}")).await.is_err());
    }
    assert_eq!(outcome(introspection.introspect(TOKEN).await), Ok("ada".to_owned()));
}
