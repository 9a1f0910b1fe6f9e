//! The rules of OpenID Connect Back-Channel Logout 1.0 section 2.6.

use std::time::Duration;

use http::{Method, Request, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tower_jwt_auth::{AuthErrorKind, MemoryStore, Verifier, token::TokenProfile};

use super::{CLIENT, EVENT, FORM, ISSUER, Service, assert_invalid, post, post_form, public};
use crate::support::{
    foreign::{API, ForeignKey},
    mint::NOW,
    reply::send,
};

fn service() -> Service<MemoryStore> {
    Service::new(MemoryStore::new())
}

/// The token is rejected, and nothing ends.
async fn assert_rejected(token: impl FnOnce(&Service<MemoryStore>) -> String, what: &str) {
    let service = service();
    assert_invalid(&post(&service.app, &token(&service)).await, what);
    assert_eq!(service.outcome(&json!({ "sid": "s1" })).await, Ok(()), "{what}");
    assert!(service.store.is_empty(), "{what}");
}

async fn assert_accepted(token: impl FnOnce(&Service<MemoryStore>) -> String, what: &str) {
    let service = service();
    let reply = post(&service.app, &token(&service)).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (200, ""), "{what}: {reply:?}");
    let ended = service.outcome(&json!({ "sid": "s1" })).await;
    assert_eq!(ended, Err(AuthErrorKind::Revoked), "{what}");
}

#[tokio::test]
async fn accepts_the_tokens_of_providers() {
    for changes in [
        json!({}),
        json!({ "sub": null }),
        json!({ "sid": null }),
        json!({ "exp": null }),
        json!({ "aud": ["other", CLIENT] }),
        json!({ "events": { EVENT: { "ext": 1 } } }),
        json!({ "events": { EVENT: {}, "urn:example:other": {} } }),
        json!({ "events": { "a:first": [null], EVENT: {} } }),
        json!({ "typ": "Logout" }),
        json!({ "iat": NOW - 120 }),
        json!({ "iat": NOW + 60 }),
        json!({ "tenant": "t" }),
    ] {
        assert_accepted(|service| service.logout_token(&changes), &changes.to_string()).await;
    }
    for typ in [json!("logout+jwt"), json!("application/logout+jwt"), json!("JWT"), json!(null)] {
        let header = json!({ "kid": "one", "typ": typ });
        let claims = json!({
            "aud": CLIENT, "sid": "s1", "client_id": null, "events": { EVENT: {} }, "jti": "l",
        });
        assert_accepted(|service| service.key.mint(&header, ISSUER, &claims), "typ").await;
    }
}

#[tokio::test]
async fn rejects_claims_that_break_a_rule() {
    for changes in [
        json!({ "aud": "other" }),
        json!({ "aud": API }),
        json!({ "aud": null }),
        json!({ "iat": null }),
        json!({ "iat": NOW - 121 }),
        json!({ "iat": NOW + 61 }),
        json!({ "exp": NOW }),
        json!({ "exp": "never" }),
        json!({ "jti": null }),
        json!({ "sub": null, "sid": null }),
        json!({ "sub": "", "sid": null }),
        json!({ "sub": 7 }),
        json!({ "sid": 7 }),
        json!({ "nonce": "n" }),
        json!({ "nonce": "" }),
        json!({ "nonce": 7 }),
        json!({ "at_hash": "h" }),
        json!({ "typ": "ID" }),
        json!({ "typ": "Bearer" }),
        json!({ "token_use": "access" }),
        json!({ "cnf": { "jkt": "k" } }),
    ] {
        assert_rejected(|service| service.logout_token(&changes), &changes.to_string()).await;
    }
}

#[tokio::test]
async fn rejects_other_events() {
    for events in [
        Value::Null,
        json!({}),
        json!([]),
        json!([EVENT]),
        json!(EVENT),
        json!({ EVENT: null }),
        json!({ EVENT: true }),
        json!({ EVENT: [] }),
        json!({ EVENT: "{}" }),
        json!({ "https://schemas.openid.net/event/backchannel-logout": {} }),
        json!({ "urn:example:other": {} }),
        json!({ EVENT: null, "urn:example:other": {} }),
    ] {
        let changes = json!({ "events": events });
        assert_rejected(|service| service.logout_token(&changes), &changes.to_string()).await;
    }
}

#[tokio::test]
async fn rejects_other_kinds_of_tokens() {
    for typ in ["at+jwt", "JOSE", "dpop+jwt", "secevent+jwt", ""] {
        let header = json!({ "kid": "one", "typ": typ });
        let claims = json!({ "aud": CLIENT, "sid": "s1", "events": { EVENT: {} } });
        assert_rejected(|service| service.key.mint(&header, ISSUER, &claims), typ).await;
    }
    let id_token = json!({ "aud": CLIENT, "sid": "s1" });
    let header = json!({ "kid": "one", "typ": "JWT" });
    assert_rejected(|service| service.key.mint(&header, ISSUER, &id_token), "ID token").await;
}

#[tokio::test]
async fn rejects_forged_tokens() {
    let other = ForeignKey::generate("one");
    assert_rejected(|_| super::logout_token(&other, ISSUER, &json!({})), "key").await;
    let foreign = |service: &Service<_>| {
        super::logout_token(&service.key, "https://other.example", &json!({}))
    };
    assert_rejected(foreign, "issuer").await;
    assert_rejected(|_| "garbage".to_owned(), "garbage").await;
    let unsigned = |service: &Service<_>| {
        let token = service.logout_token(&json!({}));
        token[..token.rfind('.').unwrap() + 1].to_owned()
    };
    assert_rejected(unsigned, "no signature").await;
}

/// The profile of access tokens and that of ID tokens reject logout tokens, and the other way round.
#[test]
fn no_profile_accepts_the_tokens_of_another() {
    let service = service();
    let token = service.logout_token(&json!({}));
    for profile in [TokenProfile::Plain, TokenProfile::IdToken, TokenProfile::Rfc9068] {
        let verifier: Verifier = Verifier::builder(public(&service.key))
            .issuer(ISSUER)
            .audience(CLIENT)
            .profile(profile)
            .clock(&service.clock)
            .build()
            .unwrap();
        assert!(verifier.verify(&token).is_err(), "{profile:?}");
    }
}

#[tokio::test]
async fn a_token_is_used_once() {
    let service = service();
    let changes = json!({ "sid": null });
    assert_eq!(service.log_out(&changes).await.status, 200);
    service.clock.advance(Duration::from_secs(1));
    // The user has logged in again.
    let again = json!({ "iat": NOW + 1, "jti": "after" });
    assert_eq!(service.outcome(&again).await, Ok(()));
    assert_invalid(&service.log_out(&changes).await, "replay");
    // Nothing has changed.
    assert_eq!(service.outcome(&again).await, Ok(()));
    // Another issuer may use the same id, and so may another token.
    assert_eq!(service.log_out(&json!({ "jti": "logout-2" })).await.status, 200);
    service.clock.advance(Duration::from_secs(130));
    assert_invalid(&service.log_out(&json!({})).await, "replay after it has expired");
}

#[tokio::test]
async fn one_of_many_concurrent_uses_wins() {
    let service = service();
    let token = service.logout_token(&json!({}));
    let posts = futures::future::join_all((0..20).map(|_| post(&service.app, &token)));
    let accepted = posts.await.iter().filter(|reply| reply.status == 200).count();
    assert_eq!(accepted, 1);
}

#[tokio::test]
async fn the_form_has_one_logout_token() {
    let service = service();
    let token = service.logout_token(&json!({}));
    for form in [
        String::new(),
        "logout_token=".to_owned(),
        format!("token={token}"),
        format!("logout_token={token}&logout_token={token}"),
    ] {
        assert_invalid(&post_form(&service.app, form.clone()).await, &form);
    }
    let json = Request::post("/backchannel-logout").header(CONTENT_TYPE, "application/json");
    let json = json.body(json!({ "logout_token": token }).to_string().into()).unwrap();
    assert_eq!(send(&service.app, json).await.status, 415);
    let get = Request::builder().method(Method::GET).uri("/backchannel-logout");
    let reply = send(&service.app, get.body(String::new().into()).unwrap()).await;
    assert_eq!(reply.status, 405);
    let long = Request::post("/backchannel-logout").header(CONTENT_TYPE, FORM);
    let long = long.body(format!("logout_token={}", "x".repeat(17_000)).into()).unwrap();
    assert_eq!(send(&service.app, long).await.status, 413);
    assert_eq!(post_form(&service.app, format!("a=b&logout_token={token}")).await.status, 200);
}
