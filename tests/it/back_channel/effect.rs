//! What a logout ends.

use std::time::Duration;

use futures::FutureExt;
use serde_json::{Value, json};
use tower_jwt_auth::{
    AuthErrorKind, JwtAuthLayer, MemoryStore, Verifier,
    routes::BackChannelLogoutRoutes,
    token::{ClaimNames, TokenProfile},
};

use super::{
    CLIENT, ISSUER, Service, access_verifier, logout_token, logout_verifier, post, public,
};
use crate::support::{
    app::{bearer, send_once},
    foreign::{API, ForeignKey},
    mint::{NOW, clock},
    slow_store::{SlowStore, Verdict},
};

const REVOKED: Result<(), AuthErrorKind> = Err(AuthErrorKind::Revoked);

/// `changes`, and the id of a token of its own.
fn with(jti: &str, mut changes: Value) -> Value {
    changes["jti"] = jti.into();
    changes
}

#[tokio::test]
async fn a_session_ends_alone() {
    for (sub, number) in [(json!("ada"), 0), (Value::Null, 1)] {
        let service = Service::new(MemoryStore::new());
        let changes = json!({ "sid": "s1", "sub": sub });
        assert_eq!(service.log_out(&changes).await.status, 200, "{number}");
        assert_eq!(service.outcome(&json!({ "sid": "s1" })).await, REVOKED);
        // Its `iat` does not matter: the session has ended.
        assert_eq!(service.outcome(&json!({ "sid": "s1", "iat": NOW + 59 })).await, REVOKED);
        assert_eq!(service.outcome(&json!({ "sid": "s2" })).await, Ok(()));
        assert_eq!(service.outcome(&json!({ "sid": "S1" })).await, Ok(()));
        assert_eq!(service.outcome(&json!({})).await, Ok(()));
        // A user with the id of a session is someone else.
        assert_eq!(service.outcome(&json!({ "sub": "s1" })).await, Ok(()));
        assert_eq!(service.outcome(&json!({ "sub": "s1", "sid": "ada" })).await, Ok(()));
    }
}

#[tokio::test]
async fn the_session_and_the_user_are_looked_up_at_the_same_time() {
    let (key, clock) = (ForeignKey::generate("one"), clock());
    let layer = |store: &SlowStore| {
        let layer = JwtAuthLayer::new(access_verifier(&key, ISSUER, &clock));
        layer.with_revocation_check(store.clone())
    };
    let token = key.token_with(ISSUER, &json!({ "sid": "s1" }));

    let store = SlowStore::new(Verdict::NotRevoked);
    let (layer_of_store, request) = (layer(&store), bearer(&token));
    let mut response = Box::pin(send_once(&layer_of_store, request));
    assert!((&mut response).now_or_never().is_none());
    assert_eq!(store.asked(), 2);
    store.release();
    assert_eq!(response.await.outcome().map(drop), Ok(()));

    // A failed lookup hides no revocation.
    let store = SlowStore::released(Verdict::RevokedInSecondLookup);
    let response = send_once(&layer(&store), bearer(&token)).await;
    assert_eq!(response.outcome().map(drop), REVOKED);
}

#[tokio::test]
async fn all_sessions_of_a_user_end() {
    let service = Service::new(MemoryStore::new());
    assert_eq!(service.log_out(&json!({ "sid": null })).await.status, 200);
    for ended in [json!({}), json!({ "sid": "s1" }), json!({ "sid": "s2" })] {
        assert_eq!(service.outcome(&ended).await, REVOKED, "{ended}");
    }
    assert_eq!(service.outcome(&json!({ "sub": "bob", "sid": "s1" })).await, Ok(()));
    // A session with the id of a user is not that user's.
    assert_eq!(service.outcome(&json!({ "sub": "bob", "sid": "ada" })).await, Ok(()));
    // A later login is not affected.
    service.clock.advance(Duration::from_secs(1));
    assert_eq!(service.outcome(&json!({ "iat": NOW + 1 })).await, Ok(()));
}

/// Tokens that the provider issued before the logout have an `iat` in the future of this machine.
#[tokio::test]
async fn the_clock_of_the_provider_decides_what_is_older() {
    let service = Service::new(MemoryStore::new());
    assert_eq!(service.log_out(&json!({ "sid": null, "iat": NOW + 30 })).await.status, 200);
    assert_eq!(service.outcome(&json!({ "iat": NOW + 30 })).await, REVOKED);
    assert_eq!(service.outcome(&json!({ "iat": NOW + 31 })).await, Ok(()));
}

/// The provider sends a logout again if the first response was `503`.
#[tokio::test]
async fn a_late_logout_does_not_affect_the_next_login() {
    let service = Service::new(MemoryStore::new());
    assert_eq!(service.log_out(&json!({ "sid": null, "iat": NOW - 100 })).await.status, 200);
    assert_eq!(service.outcome(&json!({ "iat": NOW - 100 })).await, REVOKED);
    assert_eq!(service.outcome(&json!({ "iat": NOW - 99 })).await, Ok(()));
    // A logout that is delivered late does not undo a newer one.
    let newer = with("l2", json!({ "sid": null, "iat": NOW - 10 }));
    assert_eq!(service.log_out(&newer).await.status, 200);
    let older = with("l3", json!({ "sid": null, "iat": NOW - 50 }));
    assert_eq!(service.log_out(&older).await.status, 200);
    assert_eq!(service.outcome(&json!({ "iat": NOW - 10 })).await, REVOKED);
    assert_eq!(service.outcome(&json!({ "iat": NOW - 9 })).await, Ok(()));
}

/// The end of a session is final, whenever the provider reports it.
#[tokio::test]
async fn a_late_logout_of_a_session_ends_all_its_tokens() {
    let service = Service::new(MemoryStore::new());
    assert_eq!(service.log_out(&json!({ "iat": NOW - 100 })).await.status, 200);
    assert_eq!(service.outcome(&json!({ "sid": "s1", "iat": NOW - 50 })).await, REVOKED);
}

#[tokio::test]
async fn a_logout_counts_under_all_names_of_the_issuer() {
    const NAMES: [&str; 2] = ["https://accounts.example", "accounts.example"];
    let (key, clock) = (ForeignKey::generate("one"), clock());
    let verifier = |audience: &str, profile| -> Verifier {
        let verifier = Verifier::builder(public(&key)).issuers(NAMES).audience(audience);
        verifier.profile(profile).clock(&clock).build().unwrap()
    };
    for (reported, other) in [(NAMES[0], NAMES[1]), (NAMES[1], NAMES[0])] {
        let store = MemoryStore::new();
        let layer: JwtAuthLayer = JwtAuthLayer::new(verifier(API, TokenProfile::Plain));
        let layer = layer.with_revocation_check(store.clone());
        let logout = verifier(CLIENT, TokenProfile::LogoutToken);
        let routes = BackChannelLogoutRoutes::builder(logout, store).clock(&clock);
        let app = routes.build().unwrap().into_router();
        let outcome = async |issuer: &str, changes: &Value| {
            let response = send_once(&layer, bearer(&key.token_with(issuer, changes))).await;
            response.outcome().map(drop)
        };
        let session = logout_token(&key, reported, &json!({ "sub": null }));
        assert_eq!(post(&app, &session).await.status, 200);
        let user = logout_token(&key, reported, &with("l2", json!({ "sid": null, "sub": "bob" })));
        assert_eq!(post(&app, &user).await.status, 200);
        for name in [reported, other] {
            assert_eq!(outcome(name, &json!({ "sid": "s1" })).await, REVOKED, "{name}");
            assert_eq!(
                outcome(name, &json!({ "sub": "bob", "sid": "s2" })).await,
                REVOKED,
                "{name}"
            );
            assert_eq!(outcome(name, &json!({ "sid": "s2" })).await, Ok(()), "{name}");
            // A user with the id of the session is someone else.
            assert_eq!(outcome(name, &json!({ "sub": "s1" })).await, Ok(()), "{name}");
        }
    }
}

/// A logout token names users by `sub`.
#[tokio::test]
async fn a_logout_of_a_user_counts_if_the_user_id_is_another_claim() {
    const NAMES: [&str; 2] = [ISSUER, "login.example"];
    let (key, clock, store) = (ForeignKey::generate("one"), clock(), MemoryStore::new());
    let access: Verifier = Verifier::builder(public(&key))
        .issuers(NAMES)
        .audience(API)
        .profile(TokenProfile::Plain)
        .claim_names(ClaimNames::default().with_user_id("oid"))
        .clock(&clock)
        .build()
        .unwrap();
    let layer: JwtAuthLayer = JwtAuthLayer::new(access).with_revocation_check(store.clone());
    let logout = logout_verifier(&key, ISSUER, &clock);
    let routes = BackChannelLogoutRoutes::builder(logout, store).clock(&clock);
    let app = routes.build().unwrap().into_router();
    let outcome = async |issuer: &str, changes: &Value| {
        let response = send_once(&layer, bearer(&key.token_with(issuer, changes))).await;
        response.outcome().map(drop)
    };
    let ada = json!({ "sub": "ada", "oid": "1" });
    assert_eq!(outcome(ISSUER, &ada).await, Ok(()));
    let token = logout_token(&key, ISSUER, &json!({ "sid": null, "sub": "ada" }));
    assert_eq!(post(&app, &token).await.status, 200);
    for name in NAMES {
        assert_eq!(outcome(name, &ada).await, REVOKED, "{name}");
        assert_eq!(outcome(name, &json!({ "sub": "bob", "oid": "2" })).await, Ok(()), "{name}");
        let again = json!({ "sub": "ada", "oid": "1", "iat": NOW + 1 });
        assert_eq!(outcome(name, &again).await, Ok(()), "{name}");
    }
}

#[tokio::test]
async fn cached_tokens_are_rejected_at_once() {
    let service = Service::new(MemoryStore::new());
    let token = service.key.token_with(ISSUER, &json!({ "sid": "s1" }));
    for _ in 0..2 {
        assert_eq!(service.outcome_of(&token).await, Ok(()));
    }
    assert_eq!(service.log_out(&json!({})).await.status, 200);
    assert_eq!(service.outcome_of(&token).await, REVOKED);
}

#[tokio::test]
async fn users_and_sessions_of_other_issuers_are_others() {
    const OTHER: &str = "https://other.example";
    let (clock, store) = (clock(), MemoryStore::new());
    let keys = [ISSUER, OTHER].map(|issuer| (ForeignKey::generate("one"), issuer));
    let of_each = |verifier: fn(&ForeignKey, &str, &tower_jwt_auth::ManualClock) -> Verifier| {
        Verifier::by_issuer(keys.iter().map(|(key, issuer)| verifier(key, issuer, &clock))).unwrap()
    };
    let routes = BackChannelLogoutRoutes::builder(of_each(logout_verifier), store.clone());
    let app = routes.clock(&clock).build().unwrap().into_router();
    let layer = JwtAuthLayer::new(of_each(access_verifier)).with_revocation_check(store);
    let outcome = async |number: usize, changes: &Value| {
        let (key, issuer) = &keys[number];
        let response = send_once(&layer, bearer(&key.token_with(issuer, changes))).await;
        response.outcome().map(drop)
    };
    let in_session = json!({ "sid": "s1" });
    let token = logout_token(&keys[0].0, ISSUER, &json!({}));
    assert_eq!(post(&app, &token).await.status, 200);
    assert_eq!(outcome(0, &in_session).await, REVOKED);
    assert_eq!(outcome(1, &in_session).await, Ok(()));
    let token = logout_token(&keys[1].0, OTHER, &json!({ "sid": null }));
    assert_eq!(post(&app, &token).await.status, 200, "its jti is that of another issuer");
    assert_eq!(outcome(0, &json!({})).await, Ok(()));
    assert_eq!(outcome(1, &json!({})).await, REVOKED);
}

/// The ids of stores have at most 255 bytes.
#[tokio::test]
async fn long_ids_are_told_apart() {
    let service = Service::new(MemoryStore::new());
    let long = |end: &str| format!("{}{end}", "x".repeat(250));
    let (one, two) = (long("one"), long("two"));
    assert_eq!(service.log_out(&with("l1", json!({ "sid": one }))).await.status, 200);
    assert_eq!(service.outcome(&json!({ "sid": one })).await, REVOKED);
    assert_eq!(service.outcome(&json!({ "sid": two })).await, Ok(()));
    let (one, two) = (long(&one), long(&two));
    let changes = with("l2", json!({ "sub": one, "sid": null }));
    assert_eq!(service.log_out(&changes).await.status, 200);
    assert_eq!(service.outcome(&json!({ "sub": one })).await, REVOKED);
    assert_eq!(service.outcome(&json!({ "sub": two })).await, Ok(()));
    assert_eq!(service.log_out(&with(&"j".repeat(255), json!({}))).await.status, 200);
    assert_eq!(service.log_out(&with(&"j".repeat(255), json!({}))).await.status, 400);
}

#[tokio::test]
async fn a_logout_is_remembered_for_the_configured_time() {
    use tower_jwt_auth::store::TokenStore;

    let hour = Duration::from_secs(3600);
    let service = Service::with(MemoryStore::new(), |routes| routes.remember_for(hour));
    assert_eq!(service.log_out(&json!({})).await.status, 200);
    service.clock.advance(hour - Duration::from_secs(1));
    service.store.purge(service.clock.now(), 100).await.unwrap();
    assert_eq!(service.outcome(&json!({ "sid": "s1" })).await, REVOKED);
}
