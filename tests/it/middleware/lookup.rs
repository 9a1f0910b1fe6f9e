//! Revocation checks with a store that is slow, fails or hangs.

use std::{error::Error, sync::Arc, time::Duration};

use futures::{FutureExt, poll};
use http::header::RETRY_AFTER;
use serde_json::Value;
use tokio::time::Instant;
use tower::{Layer, Service};
use tower_jwt_auth::{
    AuthError, AuthErrorKind, JwtAuthLayer, MemoryStore, NumericDate, Verifier,
    jwks::RemoteKeys,
    store::{NewSession, Revocation, TokenStore, scoped_user_id},
    token::{NoClaims, TokenProfile, UserId},
};

use crate::support::{
    app::{
        Calls, InnerService, bearer, layer, send, send_once, token, valid_token, verifier_builder,
    },
    foreign::{API, ForeignKey},
    mint::{NOW, clock},
    provider::{JWKS, Provider},
    slow_store::{SlowStore, Verdict},
};

const KEEP: NumericDate = NumericDate::from_secs(NOW + 600);

#[tokio::test]
async fn rejects_revoked_tokens_sessions_and_users() {
    let user_id = &UserId::from(42);
    let now = NumericDate::from_secs(NOW);
    let revocations = [
        Revocation::Token { jti: "9f1c", user_id, keep_until: KEEP },
        Revocation::Session { session_id: "s1", user_id, keep_until: KEEP },
        Revocation::User { user_id, except: None, keep_until: KEEP },
    ];
    let of_session = token(&[("sid", r#""s1""#)]);
    let of_another_user = token(&[("sid", r#""s2""#), ("user_id", r#""7""#), ("jti", r#""x""#)]);
    for revocation in revocations {
        let store = MemoryStore::new();
        let session = NewSession::new("s1", user_id, "first", now).with_expiry(KEEP, KEEP);
        store.begin(&session).await.unwrap();
        let layer = layer().with_revocation_check(store.clone());
        assert_eq!(send(&layer, bearer(&of_session)).await.outcome(), Ok("42"));
        store.revoke(&revocation, now).await.unwrap();
        let response = send(&layer, bearer(&of_session)).await;
        assert_eq!(response.outcome(), Err(AuthErrorKind::Revoked));
        assert_eq!(send(&layer, bearer(&of_another_user)).await.outcome(), Ok("7"));
    }
}

/// A store knows a user of an issuer with `iss` by an id of limited length.
#[tokio::test]
async fn looks_up_users_with_long_ids() {
    let issuer = "https://ci.example";
    let user_id = "u".repeat(351);
    let changes = [("user_id", &*format!("{user_id:?}")), ("iss", &*format!("{issuer:?}"))];
    let token = token(&changes);
    let of_issuer = || verifier_builder::<NoClaims>().issuer(issuer).build().unwrap();
    let of_any = || verifier_builder::<NoClaims>().build().unwrap();
    let both = Verifier::any_of([of_issuer(), of_any()]).unwrap();
    for verifier in [of_issuer(), of_any(), both] {
        let store = MemoryStore::new();
        let layer = JwtAuthLayer::new(verifier).with_revocation_check(store.clone());
        assert_eq!(send(&layer, bearer(&token)).await.outcome(), Ok(&*user_id));

        let user_id = &scoped_user_id(issuer, &UserId::from(&*user_id));
        let revocation = Revocation::User { user_id, except: None, keep_until: KEEP };
        store.revoke(&revocation, NumericDate::from_secs(NOW)).await.unwrap();
        assert_eq!(send(&layer, bearer(&token)).await.outcome(), Err(AuthErrorKind::Revoked));
    }
}

/// The path of a token whose keys have to be fetched first.
#[tokio::test]
async fn asks_the_store_about_tokens_whose_keys_were_fetched() {
    for (verdict, expected) in
        [(Verdict::NotRevoked, Ok("")), (Verdict::Revoked, Err(AuthErrorKind::Revoked))]
    {
        let (key, provider) = (ForeignKey::generate("first"), Provider::start());
        provider.publish(&[key.jwk()]);
        let keys = RemoteKeys::from_url(provider.url(JWKS)).insecure_loopback_http();
        let verifier: Verifier<Value> = Verifier::builder(keys.clock(clock()).build().unwrap())
            .claims()
            .issuer(provider.issuer())
            .audience(API)
            .profile(TokenProfile::Rfc9068)
            .clock(clock())
            .build()
            .unwrap();
        let store = SlowStore::released(verdict);
        let layer = JwtAuthLayer::new(verifier).with_revocation_check(store.clone());
        let request = bearer(&key.token(&provider.issuer()));
        assert_eq!(send_once(&layer, request).await.outcome(), expected);
        assert_eq!((provider.count(JWKS), store.asked()), (1, 1));
    }
}

#[tokio::test]
async fn calls_the_inner_service_after_the_store_has_responded() {
    for (verdict, expected) in [
        (Verdict::NotRevoked, None),
        (Verdict::Revoked, Some(AuthErrorKind::Revoked)),
        (Verdict::Fails("down"), Some(AuthErrorKind::Unavailable)),
    ] {
        let (calls, store): (Arc<Calls>, _) = (Arc::default(), SlowStore::new(verdict));
        let layer = layer().with_revocation_check(store.clone());
        let mut service = layer.layer(InnerService::new(&calls));
        let _ = futures::future::poll_fn(|cx| {
            Service::<http::Request<String>>::poll_ready(&mut service, cx)
        })
        .await;
        let mut response = service.call(bearer(&valid_token())).boxed();
        // The store is called once, when the future is first polled.
        assert_eq!(store.asked(), 0);
        assert!(poll!(&mut response).is_pending() && poll!(&mut response).is_pending());
        assert_eq!((store.asked(), calls.users().len()), (1, 0));
        store.release();
        let response = response.await.unwrap();
        let kind = response.extensions().get().map(AuthError::kind);
        assert_eq!(kind, expected);
        assert_eq!(calls.users().len(), usize::from(expected.is_none()));
    }
}

#[tokio::test]
async fn the_response_does_not_contain_the_cause_of_a_failure() {
    const REASON: &str = "postgres://user:hunter2@db is gone";
    let store = SlowStore::released(Verdict::Fails(REASON));
    let response = send(&layer().with_revocation_check(store), bearer(&valid_token())).await;
    assert_eq!(response.outcome(), Err(AuthErrorKind::Unavailable));
    assert_eq!(response.headers[RETRY_AFTER], "1");
    let output = format!("{:?} {}", response.headers, response.body);
    assert!(!output.contains("hunter2"), "{output}");

    // The cause is in the extensions.
    let error = response.extensions.get::<AuthError>().unwrap();
    let mut source: Option<&dyn Error> = error.source();
    while let Some(next) = source.and_then(Error::source) {
        source = Some(next);
    }
    assert_eq!(source.unwrap().to_string(), REASON);
}

#[tokio::test(start_paused = true)]
async fn a_hanging_store_has_a_deadline() {
    let seconds = Duration::from_secs;
    let hanging = || SlowStore::new(Verdict::NotRevoked);
    let cases = [
        (layer().with_revocation_check(hanging()), seconds(2)),
        (layer().with_revocation_check_within(hanging(), seconds(5)).unwrap(), seconds(5)),
    ];
    for (layer, deadline) in cases {
        let begun = Instant::now();
        let response = send_once(&layer, bearer(&valid_token())).await;
        assert_eq!(response.outcome(), Err(AuthErrorKind::Unavailable));
        assert_eq!(response.status.as_u16(), 503);
        assert!(response.headers.contains_key(RETRY_AFTER));
        let passed = begun.elapsed();
        assert!(passed >= deadline && passed < deadline + seconds(1), "{passed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn waits_for_a_slow_store_until_the_deadline() {
    let store = SlowStore::new(Verdict::NotRevoked);
    let layer = layer().with_revocation_check(store.clone());
    let release = async {
        tokio::time::advance(Duration::from_millis(1_900)).await;
        store.release();
    };
    let (response, ()) = tokio::join!(send(&layer, bearer(&valid_token())), release);
    assert_eq!(response.outcome(), Ok("42"));
}

#[test]
fn a_store_that_responds_immediately_needs_no_runtime() {
    let store = SlowStore::released(Verdict::NotRevoked);
    let layer = layer().with_revocation_check(store);
    let response = send(&layer, bearer(&valid_token())).now_or_never().unwrap();
    assert_eq!(response.outcome(), Ok("42"));
}

#[tokio::test]
#[should_panic(expected = "polled after completion")]
async fn polling_a_finished_future_panics() {
    let store = SlowStore::released(Verdict::Revoked);
    let mut service =
        layer().with_revocation_check(store).layer(InnerService::new(&Arc::<Calls>::default()));
    let mut response = service.call(bearer(&valid_token())).boxed();
    assert!(poll!(&mut response).is_ready());
    let _ = poll!(&mut response);
}
