//! Providers that are unreachable.

use std::{
    fmt::Debug,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{health, me, provider, publish, start, token};
use crate::support::{
    foreign::ForeignKey,
    provider::{JWKS, OPENID, Provider, Response},
};

/// How long a busy machine may take for any step.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(super) fn eventually<T: Copy + PartialEq + Debug>(expected: T, state: impl Fn() -> T) {
    let start = Instant::now();
    loop {
        let now = state();
        if now == expected {
            return;
        }
        assert!(start.elapsed() < TIMEOUT, "still {now:?} instead of {expected:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn starts_without_its_provider_and_recovers() {
    let key = ForeignKey::generate("one");
    let unreachable = Provider::start();
    let port = unreachable.port();
    let token = token(&key, &unreachable, json!({}));
    let server = start(&[&unreachable], &[]);
    drop(unreachable);
    let start = Instant::now();
    let reply = me(&server, &token);
    assert!(start.elapsed() < Duration::from_secs(15));
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, vec!["1"]));
    let reply = health(&server);
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, vec!["1"]));

    let restarted = Provider::start_on(port);
    publish(&restarted, &[&key]);
    restarted.publish_metadata();
    eventually(200, || health(&server).status.as_u16());
    assert_eq!(me(&server, &token).status, 200);
}

#[test]
fn a_stalling_provider_affects_only_its_own_tokens() {
    let key = ForeignKey::generate("one");
    let stalling = Provider::start();
    stalling.respond(OPENID, Response::Stall);
    let healthy = provider(&[&key]);
    let server = start(&[&stalling, &healthy], &[]);
    let stalled = token(&key, &stalling, json!({}));
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| assert_eq!(me(&server, &stalled).status, 503));
        }
        // Tokens of the other provider are not affected.
        for _ in 0..20 {
            let sent = Instant::now();
            assert_eq!(me(&server, &token(&key, &healthy, json!({}))).status, 200);
            assert!(sent.elapsed() < Duration::from_secs(4));
        }
    });
    assert!(start.elapsed() < Duration::from_secs(15));
    assert_eq!(health(&server).status, 200);
}

#[test]
fn stale_keys_work_up_to_their_limit() {
    let key = ForeignKey::generate("one");
    let provider = provider(&[&key]);
    let server = start(&[&provider], &[("JWKS_REFRESH", "1"), ("JWKS_MAX_STALE", "8")]);
    let status = || me(&server, &token(&key, &provider, json!({}))).status.as_u16();
    assert_eq!(status(), 200);
    let fetches = provider.count(JWKS);
    eventually(true, || provider.count(JWKS) > fetches);
    // The keys are used although the server has none for a moment.
    provider.publish(&[]);
    eventually(true, || health(&server).json()["issuers"][0]["error"].is_string());
    assert_eq!((status(), health(&server).status.as_u16()), (200, 200));
    provider.respond(JWKS, Response::status(500));
    eventually(503, status);
    assert_eq!(health(&server).status, 503);
    publish(&provider, &[&key]);
    eventually(200, status);
    assert_eq!(health(&server).status, 200);
}

#[test]
fn a_withdrawn_key_stops_working_at_the_next_refresh() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let provider = provider(&[&one, &two]);
    let server = start(&[&provider], &[("JWKS_REFRESH", "1")]);
    let status = |key| me(&server, &token(key, &provider, json!({}))).status.as_u16();
    assert_eq!((status(&one), status(&two)), (200, 200));
    publish(&provider, &[&two]);
    eventually(401, || status(&one));
    assert_eq!(status(&two), 200);
}
