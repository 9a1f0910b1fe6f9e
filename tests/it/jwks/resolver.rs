//! Issuers that are known only at run time. The tenants' servers are local ones.

use std::{
    collections::HashMap,
    error::Error,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use futures::{FutureExt, future::join_all};
use serde_json::json;
use tokio::sync::Semaphore;
use tower_jwt_auth::{
    AuthErrorKind, ConfigErrorKind, JwtAuthLayer, ManualClock, Verifier, VerifyingKey,
    jwks::{RemoteKeys, ResolverBuilder},
    protected_resource::ProtectedResource,
};

use super::{Outcome, UNAVAILABLE, UNKNOWN_KEY, eventually, outcome, provider_with, verifier};
use crate::support::{
    foreign::{API, ForeignKey},
    mint::{NOW, clock},
    provider::{JWKS, Response},
};

type Resolved = Result<Option<Verifier>, Box<dyn Error + Send + Sync>>;

const WRONG_ISSUER: Outcome = Err(AuthErrorKind::WrongIssuer);

/// The tenants of an application, each with a static key.
#[derive(Clone, Default)]
struct Tenants {
    keys: Arc<Mutex<HashMap<String, VerifyingKey>>>,
    calls: Arc<AtomicUsize>,
}

impl Tenants {
    /// Adds a tenant and returns a valid token of it.
    fn add(&self, name: &str) -> String {
        let key = ForeignKey::generate(name);
        let public = VerifyingKey::from_jwk(&key.jwk().to_string(), None).unwrap();
        self.keys.lock().unwrap().insert(issuer(name), public);
        key.token(&issuer(name))
    }

    fn calls(&self) -> usize {
        self.calls.load(Ordering::SeqCst)
    }

    fn builder(&self, clock: &ManualClock) -> ResolverBuilder<tower_jwt_auth::token::NoClaims> {
        let (tenants, for_tokens) = (self.clone(), clock.clone());
        let resolve = move |issuer: String| {
            tenants.calls.fetch_add(1, Ordering::SeqCst);
            let key = tenants.keys.lock().unwrap().get(&issuer).cloned();
            let clock = for_tokens.clone();
            async move { Ok(key.map(|key| verifier(key, &issuer, &clock))) }
        };
        Verifier::by_resolver(allows, resolve).clock(clock)
    }
}

fn issuer(name: &str) -> String {
    format!("https://{name}.login.example")
}

fn allows(issuer: &str) -> bool {
    issuer.starts_with("https://") && issuer.ends_with(".login.example")
}

/// A token of an issuer that nobody knows.
fn stray(name: &str) -> String {
    ForeignKey::generate("stray").token(&issuer(name))
}

#[tokio::test]
async fn each_issuer_is_resolved_once() {
    let tenants = Tenants::default();
    let tokens = [tenants.add("a"), tenants.add("b")];
    let verifier = tenants.builder(&clock()).build().unwrap();
    for _ in 0..3 {
        for token in &tokens {
            assert_eq!(outcome(verifier.verify_async(token).await), Ok(()));
            assert_eq!(outcome(verifier.verify(token)), Ok(()));
        }
    }
    assert_eq!(tenants.calls(), 2);
    assert_eq!(verifier.cache_stats().hits, 12);
    // The verifier of one tenant does not accept the tokens of another.
    let forged = ForeignKey::generate("a").token(&issuer("b"));
    assert_eq!(outcome(verifier.verify_async(&forged).await), UNKNOWN_KEY);
}

#[tokio::test]
async fn an_audience_can_be_required() {
    let key = ForeignKey::generate("one");
    let public = VerifyingKey::from_jwk(&key.jwk().to_string(), None).unwrap();
    for has_audience in [false, true] {
        let (clock, public) = (clock(), public.clone());
        let for_tokens = clock.clone();
        let resolve = move |issuer: String| {
            let without_audience = Verifier::builder(public.clone()).issuer(&*issuer).build();
            let with_audience = verifier(public.clone(), &issuer, &for_tokens);
            let resolved = if has_audience { with_audience } else { without_audience.unwrap() };
            async move { Ok(Some(resolved)) }
        };
        let builder = Verifier::by_resolver(allows, resolve).clock(clock);
        let verifier: Verifier = builder.require_audience().build().unwrap();
        let rejected = verifier.verify_async(&key.token(&issuer("a"))).await.err();
        let cause = rejected.map(|error| error.source().unwrap().to_string());
        let expected = "the verifier of the resolver does not require an audience";
        assert_eq!(cause.as_deref(), (!has_audience).then_some(expected));
        let resource = ProtectedResource::builder(API).build().unwrap();
        assert!(JwtAuthLayer::new(verifier).with_protected_resource(&resource).is_ok());
    }
    let verifier = Tenants::default().builder(&clock()).build().unwrap();
    let resource = ProtectedResource::builder(API).build().unwrap();
    let layer = JwtAuthLayer::new(verifier).with_protected_resource(&resource);
    assert_eq!(layer.unwrap_err().kind(), ConfigErrorKind::Ineffective);
}

#[tokio::test]
async fn issuers_that_the_rule_refuses_are_not_resolved() {
    let tenants = Tenants::default();
    let verifier = tenants.builder(&clock()).build().unwrap();
    let key = ForeignKey::generate("one");
    let long = issuer(&"a".repeat(1024));
    for issuer in ["https://evil.example", "", "http://a.login.example", &long] {
        let token = key.token(issuer);
        let rejected = verifier.verify_async(&token).now_or_never().map(outcome);
        assert_eq!(rejected, Some(WRONG_ISSUER), "{issuer}");
    }
    let without = key.token_with("", &json!({ "iss": null }));
    assert_eq!(outcome(verifier.verify_async(&without).await), WRONG_ISSUER);
    for malformed in ["a.b.c", "a.b", ""] {
        assert!(verifier.verify_async(malformed).await.is_err());
    }
    // The header is malformed.
    let claims = crate::support::mint::encode(json!({ "iss": issuer("a") }).to_string());
    let malformed = verifier.verify_async(&format!("AAAA.{claims}.AAAA")).await;
    assert_eq!(outcome(malformed), Err(AuthErrorKind::Malformed));
    assert_eq!(tenants.calls(), 0);
}

/// An issuer can be withdrawn by the rule, although its verifier is cached.
#[tokio::test]
async fn the_rule_applies_to_known_issuers() {
    let tenants = Tenants::default();
    let token = tenants.add("a");
    let is_open = Arc::new(std::sync::atomic::AtomicBool::new(true));
    let rule = Arc::clone(&is_open);
    let (known, clock) = (tenants.clone(), clock());
    let for_resolver = clock.clone();
    let resolve = move |issuer: String| {
        let key = known.keys.lock().unwrap()[&issuer].clone();
        let resolved: Resolved = Ok(Some(verifier(key, &issuer, &clock)));
        async { resolved }
    };
    let verifier = Verifier::by_resolver(move |_| rule.load(Ordering::SeqCst), resolve)
        .clock(&for_resolver)
        .build()
        .unwrap();
    assert_eq!(outcome(verifier.verify_async(&token).await), Ok(()));
    is_open.store(false, Ordering::SeqCst);
    assert_eq!(outcome(verifier.verify_async(&token).await), WRONG_ISSUER);
}

#[tokio::test]
async fn concurrent_first_tokens_share_one_resolution_and_one_fetch() {
    let key = ForeignKey::generate("one");
    let provider = provider_with(&[key.jwk()]);
    let (calls, gate) = (Arc::new(AtomicUsize::new(0)), Arc::new(Semaphore::new(0)));
    let clock = clock();
    let for_resolver = clock.clone();
    let (counted, waiting, url) = (Arc::clone(&calls), Arc::clone(&gate), provider.url(JWKS));
    let resolve = move |issuer: String| {
        counted.fetch_add(1, Ordering::SeqCst);
        let (gate, url, clock) = (Arc::clone(&waiting), url.clone(), clock.clone());
        async move {
            let _permit = gate.acquire().await?;
            let keys = RemoteKeys::from_url(url).insecure_loopback_http().clock(&clock).build()?;
            Ok(Some(verifier(&keys, &issuer, &clock)))
        }
    };
    let resolving: Verifier =
        Verifier::by_resolver(|_| true, resolve).clock(&for_resolver).build().unwrap();
    let token = key.token(&provider.issuer());
    // The first caller gives up, and the others do not depend on it.
    let mut first = resolving.verify_async(&token).boxed();
    assert!(futures::poll!(&mut first).is_pending());
    let others = join_all((0..50).map(|_| resolving.verify_async(&token)));
    let release = async {
        drop(first);
        gate.add_permits(1);
    };
    let (outcomes, ()) = futures::join!(others, release);
    assert!(outcomes.into_iter().all(|result| outcome(result) == Ok(())));
    assert_eq!((calls.load(Ordering::SeqCst), provider.count(JWKS)), (1, 1));
    // A new key of the tenant is fetched like that of any issuer.
    let next = ForeignKey::generate("next");
    provider.publish(&[key.jwk(), next.jwk()]);
    let token = next.token(&provider.issuer());
    assert_eq!(outcome(resolving.verify_async(&token).await), Ok(()));
    // One issuer's outage does not make its tokens invalid.
    provider.respond(JWKS, Response::status(500));
    let stranger = ForeignKey::generate("stranger").token(&provider.issuer());
    assert_eq!(outcome(resolving.verify_async(&stranger).await), UNKNOWN_KEY);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn unknown_issuers_are_remembered_for_a_while() {
    let (tenants, clock) = (Tenants::default(), clock());
    let verifier = tenants.builder(&clock).build().unwrap();
    let token = stray("a");
    for _ in 0..10 {
        assert_eq!(outcome(verifier.verify_async(&token).await), WRONG_ISSUER);
    }
    assert_eq!(tenants.calls(), 1);
    clock.advance(Duration::from_secs(29));
    let token = tenants.add("a");
    assert_eq!(outcome(verifier.verify_async(&token).await), WRONG_ISSUER);
    clock.advance(Duration::from_secs(1));
    assert_eq!(outcome(verifier.verify_async(&token).await), Ok(()));
    assert_eq!(tenants.calls(), 2);
}

#[tokio::test]
async fn a_failing_resolver_is_unavailable_and_asked_again_soon() {
    let clock = clock();
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&calls);
    let for_tokens = clock.clone();
    let key = ForeignKey::generate("one");
    let public = VerifyingKey::from_jwk(&key.jwk().to_string(), None).unwrap();
    let resolve = move |issuer: String| {
        let call = counted.fetch_add(1, Ordering::SeqCst);
        let (public, clock) = (public.clone(), for_tokens.clone());
        async move {
            match call {
                0 => Err("the database is down".into()),
                1 => panic!("a defect of the application"),
                2 => std::future::pending().await,
                3 => Ok(Some(verifier(public, "https://other.example", &clock))),
                4 => Ok(Some(Verifier::builder(public).build()?)),
                _ => Ok(Some(verifier(public, &issuer, &clock))),
            }
        }
    };
    let verifier: Verifier = Verifier::by_resolver(allows, resolve)
        .timeout(Duration::from_millis(50))
        .clock(&clock)
        .build()
        .unwrap();
    let token = key.token(&issuer("a"));
    let error = verifier.verify_async(&token).await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Unavailable);
    let cause = error.source().and_then(|failed| failed.source()).map(ToString::to_string);
    assert_eq!(cause.as_deref(), Some("the database is down"));
    assert_eq!(outcome(verifier.verify_async(&token).await), UNAVAILABLE);
    assert_eq!(calls.load(Ordering::SeqCst), 1);
    for call in 2..=5 {
        clock.advance(Duration::from_secs(5));
        assert_eq!(outcome(verifier.verify_async(&token).await), UNAVAILABLE, "{call}");
        assert_eq!(calls.load(Ordering::SeqCst), call);
    }
    clock.advance(Duration::from_secs(5));
    assert_eq!(outcome(verifier.verify_async(&token).await), Ok(()));
}

/// Time is paused and passes at once where everything waits.
#[tokio::test(start_paused = true)]
async fn naming_many_issuers_neither_grows_nor_evicts() {
    let (tenants, clock) = (Tenants::default(), clock());
    let working: Vec<_> = (0..4).map(|n| tenants.add(&format!("working{n}"))).collect();
    let verifier = tenants.builder(&clock).max_issuers(4).max_unconfirmed(8).build().unwrap();
    for token in &working {
        assert_eq!(outcome(verifier.verify_async(token).await), Ok(()));
    }
    assert_eq!(tenants.calls(), 4);
    // The issuers exist, and the attacker has no valid token of them.
    for n in 0..1000 {
        tenants.add(&format!("x{n}"));
        let rejected = outcome(verifier.verify_async(&stray(&format!("x{n}"))).await);
        assert_eq!(rejected, UNKNOWN_KEY, "{n}");
    }
    assert_eq!(tenants.calls(), 4 + 1000);
    // Only the last ones are kept.
    for name in ["x999", "x992", "x991"] {
        assert_eq!(outcome(verifier.verify_async(&stray(name)).await), UNKNOWN_KEY);
    }
    assert_eq!(tenants.calls(), 4 + 1000 + 1);
    for token in &working {
        assert_eq!(outcome(verifier.verify(token)), Ok(()));
    }
    // They do not lock out another tenant.
    let token = tenants.add("late");
    assert_eq!(outcome(verifier.verify_async(&token).await), Ok(()));
    assert_eq!(tenants.calls(), 4 + 1000 + 2);
    // The unconfirmed issuers are forgotten after a while.
    tokio::time::sleep(Duration::from_secs(31)).await;
    assert_eq!(outcome(verifier.verify_async(&stray("x999")).await), UNKNOWN_KEY);
    assert_eq!(tenants.calls(), 4 + 1000 + 3);
    assert_eq!(outcome(verifier.verify(&token)), Ok(()));
}

/// The resolver waits until the test lets it go on.
#[tokio::test]
async fn the_number_of_resolutions_at_once_is_limited() {
    let (clock, gate) = (clock(), Arc::new(Semaphore::new(0)));
    let (for_tokens, waiting) = (clock.clone(), Arc::clone(&gate));
    let key = ForeignKey::generate("one");
    let public = VerifyingKey::from_jwk(&key.jwk().to_string(), None).unwrap();
    let resolve = move |issuer: String| {
        let (gate, public, clock) = (Arc::clone(&waiting), public.clone(), for_tokens.clone());
        async move {
            let _permit = gate.acquire().await?;
            Ok(Some(verifier(public, &issuer, &clock)))
        }
    };
    let resolving: Verifier =
        Verifier::by_resolver(allows, resolve).max_unconfirmed(2).clock(&clock).build().unwrap();
    let [a, b, c] = ["a", "b", "c"].map(|name| key.token(&issuer(name)));
    let waiting = futures::future::join(resolving.verify_async(&a), resolving.verify_async(&b));
    let mut waiting = waiting.boxed();
    assert!(futures::poll!(&mut waiting).is_pending());
    assert_eq!(outcome(resolving.verify_async(&c).await), UNAVAILABLE);
    gate.add_permits(1);
    let (first, second) = waiting.await;
    assert_eq!((outcome(first), outcome(second)), (Ok(()), Ok(())));
    assert_eq!(outcome(resolving.verify_async(&c).await), Ok(()));
}

/// The verifier of an issuer is not dropped while it fetches the keys for a token.
#[tokio::test]
async fn issuers_that_fetch_keys_are_not_displaced() {
    let key = ForeignKey::generate("one");
    let provider = provider_with(&[key.jwk()]);
    let clock = clock();
    let (for_tokens, url) = (clock.clone(), provider.url(JWKS));
    let resolve = move |issuer: String| {
        let (url, clock) = (url.clone(), for_tokens.clone());
        async move {
            let keys = RemoteKeys::from_url(url).insecure_loopback_http().clock(&clock).build()?;
            Ok(Some(verifier(&keys, &issuer, &clock)))
        }
    };
    let resolving: Verifier =
        Verifier::by_resolver(allows, resolve).max_unconfirmed(1).clock(&clock).build().unwrap();
    provider.hold();
    let [a, b] = ["a", "b"].map(|name| key.token(&issuer(name)));
    let mut first = resolving.verify_async(&a).boxed();
    eventually(1, async || {
        assert!(futures::poll!(&mut first).is_pending());
        provider.count(JWKS)
    })
    .await;
    assert_eq!(outcome(resolving.verify_async(&b).await), UNAVAILABLE);
    provider.release();
    assert_eq!(outcome(first.await), Ok(()));
    assert_eq!(outcome(resolving.verify_async(&b).await), Ok(()));
}

#[tokio::test]
async fn tokens_that_no_verifier_accepts_cause_no_resolution() {
    let (tenants, clock) = (Tenants::default(), clock());
    let valid = tenants.add("a");
    let verifier = tenants.builder(&clock).build().unwrap();
    let key = ForeignKey::generate("a");
    let expired = |ago| json!({ "exp": NOW - ago });
    let unsigned = |alg| key.mint(&json!({ "alg": alg }), &issuer("a"), &json!({}));
    for (token, kind) in [
        (key.token_with(&issuer("a"), &expired(300)), AuthErrorKind::Expired),
        (key.token_with(&issuer("a"), &json!({ "exp": 0.5 })), AuthErrorKind::Expired),
        (unsigned("none"), AuthErrorKind::UnknownKey),
        (unsigned("ES999"), AuthErrorKind::UnknownKey),
        (format!("{valid}.AAAA"), AuthErrorKind::Malformed),
        (format!("{valid}="), AuthErrorKind::Malformed),
    ] {
        let rejected = verifier.verify_async(&token).now_or_never().map(outcome);
        assert_eq!(rejected, Some(Err(kind)), "{token}");
    }
    assert_eq!(tenants.calls(), 0);
    // A verifier may accept it with a leeway.
    let late = key.token_with(&issuer("a"), &expired(299));
    assert!(verifier.verify_async(&late).await.is_err());
    assert_eq!(tenants.calls(), 1);
    assert_eq!(outcome(verifier.verify_async(&valid).await), Ok(()));
}

#[tokio::test]
async fn at_most_the_configured_number_of_issuers_is_kept() {
    let (tenants, clock) = (Tenants::default(), clock());
    let tokens: Vec<_> = (0..20).map(|n| tenants.add(&format!("t{n}"))).collect();
    let verifier = tenants.builder(&clock).max_issuers(5).build().unwrap();
    for token in &tokens {
        assert_eq!(outcome(verifier.verify_async(token).await), Ok(()));
    }
    let kept = tokens.iter().filter(|token| verifier.verify(token).is_ok()).count();
    assert!((1..=5).contains(&kept), "{kept}");
    // The others are resolved again.
    for token in &tokens {
        assert_eq!(outcome(verifier.verify_async(token).await), Ok(()));
    }
}

#[tokio::test]
async fn known_and_resolved_issuers_can_be_combined() {
    let (tenants, clock) = (Tenants::default(), clock());
    let token = tenants.add("a");
    let key = ForeignKey::generate("fixed");
    let fixed = VerifyingKey::from_jwk(&key.jwk().to_string(), None).unwrap();
    let fixed = verifier(fixed, "https://fixed.example", &clock);
    let resolving = tenants.builder(&clock).build().unwrap();
    let both = Verifier::by_issuer([fixed.clone(), resolving.clone()]).unwrap();
    assert_eq!(outcome(both.verify_async(&key.token("https://fixed.example")).await), Ok(()));
    assert_eq!(outcome(both.verify_async(&token).await), Ok(()));
    assert_eq!(outcome(both.verify_async(&key.token("https://c.example")).await), WRONG_ISSUER);
    // An issuer that the rule allows would never reach the verifier after it.
    let key = VerifyingKey::from_jwk(&key.jwk().to_string(), None).unwrap();
    let hidden = verifier(key, &issuer("b"), &clock);
    let error = Verifier::by_issuer([resolving, hidden]).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Conflict);
}

#[test]
fn rejects_limits_out_of_range() {
    let builder = || Tenants::default().builder(&clock());
    for builder in [
        builder().max_issuers(0),
        builder().max_unconfirmed(0),
        builder().timeout(Duration::ZERO),
        builder().timeout(Duration::from_secs(31)),
        builder().max_token_len(63),
        builder().max_token_len(1024 * 1024 + 1),
    ] {
        assert_eq!(builder.build().unwrap_err().kind(), ConfigErrorKind::OutOfRange);
    }
    // Outside of a runtime, issuers cannot be resolved.
    let verifier = builder().build().unwrap();
    assert_eq!(outcome(verifier.verify(&stray("a"))), UNAVAILABLE);
    let waited = verifier.verify_async(&stray("a")).now_or_never().unwrap();
    assert_eq!(outcome(waited), UNAVAILABLE);
}
