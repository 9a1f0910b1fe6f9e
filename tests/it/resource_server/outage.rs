//! Providers that are away.

use std::{
    fmt::Debug,
    thread,
    time::{Duration, Instant},
};

use serde_json::json;

use super::{health, me, provider, publish, start, token};
use crate::support::{
    foreign::ForeignKey,
    provider::{Answer, JWKS, OPENID, Provider},
};

/// How long a busy machine may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);

pub(super) fn eventually<T: Copy + PartialEq + Debug>(expected: T, state: impl Fn() -> T) {
    let start = Instant::now();
    loop {
        let now = state();
        if now == expected {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "still {now:?} instead of {expected:?}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn it_starts_without_its_provider_and_recovers() {
    let key = ForeignKey::generate("one");
    let away = Provider::start();
    let port = away.port();
    let token = token(&key, &away, json!({}));
    let server = start(&[&away], &[]);
    drop(away);
    let start = Instant::now();
    let reply = me(&server, &token);
    assert!(start.elapsed() < Duration::from_secs(15));
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, vec!["1"]));
    let reply = health(&server);
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (503, vec!["1"]));

    let back = Provider::start_on(port);
    publish(&back, &[&key]);
    back.describe();
    eventually(200, || health(&server).status.as_u16());
    assert_eq!(me(&server, &token).status, 200);
}

#[test]
fn a_provider_that_stalls_is_answered_for_in_time() {
    let key = ForeignKey::generate("one");
    let stalling = Provider::start();
    stalling.answer(OPENID, Answer::Stall);
    let well = provider(&[&key]);
    let server = start(&[&stalling, &well], &[]);
    let dead = token(&key, &stalling, json!({}));
    let start = Instant::now();
    thread::scope(|scope| {
        for _ in 0..20 {
            scope.spawn(|| assert_eq!(me(&server, &dead).status, 503));
        }
        // The other one is not taken along.
        for _ in 0..20 {
            let asked = Instant::now();
            assert_eq!(me(&server, &token(&key, &well, json!({}))).status, 200);
            assert!(asked.elapsed() < Duration::from_secs(4));
        }
    });
    assert!(start.elapsed() < Duration::from_secs(15));
    assert_eq!(health(&server).status, 200);
}

#[test]
fn stale_keys_serve_up_to_their_limit() {
    let key = ForeignKey::generate("one");
    let provider = provider(&[&key]);
    let server = start(&[&provider], &[("JWKS_REFRESH", "1"), ("JWKS_MAX_STALE", "4")]);
    let ask = || me(&server, &token(&key, &provider, json!({}))).status.as_u16();
    assert_eq!(ask(), 200);
    let fetches = provider.count(JWKS);
    eventually(true, || provider.count(JWKS) > fetches);
    provider.answer(JWKS, Answer::status(500));
    eventually(503, ask);
    assert_eq!(health(&server).status, 503);
    publish(&provider, &[&key]);
    eventually(200, ask);
    assert_eq!(health(&server).status, 200);
}

#[test]
fn a_withdrawn_key_ends_with_the_next_refresh() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let provider = provider(&[&one, &two]);
    let server = start(&[&provider], &[("JWKS_REFRESH", "1")]);
    let ask = |key| me(&server, &token(key, &provider, json!({}))).status.as_u16();
    assert_eq!((ask(&one), ask(&two)), (200, 200));
    publish(&provider, &[&two]);
    eventually(401, || ask(&one));
    assert_eq!(ask(&two), 200);
}
