//! The kit for tests of applications.

use std::time::Duration;

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode},
    routing::get,
};
use serde::{Deserialize, Serialize};
use tower::ServiceExt;
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, Claims, Issuer, ManualClock, NumericDate, SigningKey, Verifier,
    jwks::RemoteKeys,
    testing::{ClaimsLayer, FakeProvider, TestToken},
    token::{ClaimNames, NoClaims, TokenProfile, TokenType},
};

const API: &str = "https://api.example";

#[derive(Clone, Serialize, Deserialize)]
struct Profile {
    username: String,
}

fn ada() -> Profile {
    Profile { username: "ada".to_owned() }
}

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::ES256).unwrap()
}

fn rejection(verifier: &Verifier<Profile>, token: &str) -> AuthErrorKind {
    verifier.verify(token).unwrap_err().kind()
}

#[test]
fn test_tokens_have_the_fault_that_was_asked_for_and_no_other() {
    let key = key();
    let verifier = Issuer::builder(key.clone()).claims::<Profile>().build().unwrap().verifier();
    let token = || TestToken::new(42).with_claims(ada());

    let claims = verifier.verify(&token().sign(&key)).unwrap();
    assert_eq!((claims.user_id().as_str(), claims.username.as_str()), ("42", "ada"));
    assert_eq!(rejection(&verifier, &token().expired().sign(&key)), AuthErrorKind::Expired);
    let early = token().not_yet_valid().sign(&key);
    assert_eq!(rejection(&verifier, &early), AuthErrorKind::NotYetValid);
    let forged = token().sign_with_foreign_key(&key);
    assert_eq!(rejection(&verifier, &forged), AuthErrorKind::InvalidSignature);
    let refresh = token().with_token_type(TokenType::Refresh).sign(&key);
    assert_eq!(rejection(&verifier, &refresh), AuthErrorKind::WrongTokenType);
    assert_eq!(rejection(&verifier, &TestToken::malformed()), AuthErrorKind::Malformed);
}

#[test]
fn test_tokens_follow_a_manual_clock() {
    let (key, clock) = (key(), ManualClock::new(NumericDate::from_secs(1_000_000)));
    let issuer = Issuer::builder(key.clone()).clock(&clock).build().unwrap();
    let token = TestToken::new(42).issued_at(clock.now()).sign(&key);
    assert!(issuer.verifier().verify(&token).is_ok());
    clock.advance(Duration::from_secs(3600));
    let error = issuer.verifier().verify(&token).unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Expired);
}

#[test]
fn each_signature_has_its_own_token_id() {
    let (key, token) = (key(), TestToken::new(42));
    let verifier = Issuer::builder(key.clone()).build().unwrap().verifier();
    let jti = || verifier.verify(&token.sign(&key)).unwrap().jti().unwrap().to_owned();
    assert_ne!(jti(), jti());
}

#[test]
fn claims_of_a_test_token_have_all_its_members() {
    let claims = TestToken::new("ada")
        .with_claims(ada())
        .with_claim_names(ClaimNames::default().with_user_id("uid"))
        .with_issuer("https://login.example")
        .with_audience(API)
        .with_scope("read write")
        .with_session("s1")
        .into_claims();
    assert_eq!(claims.user_id(), "ada");
    assert_eq!(claims.username, "ada");
    assert_eq!(claims.issuer(), Some("https://login.example"));
    assert_eq!(claims.session_id(), Some("s1"));
    assert_eq!(claims.scopes().collect::<Vec<_>>(), ["read", "write"]);

    let claims = TestToken::new("ada").rfc9068("app").with_audience(API).into_claims();
    assert_eq!(claims.subject(), Some("ada"));
}

#[test]
fn claims_for_a_test_are_those_of_a_valid_access_token() {
    let claims = Claims::for_test(42, ada());
    assert_eq!(claims.user_id(), "42");
    assert_eq!(claims.username, "ada");
    assert_eq!(claims.token_type(), Some(&TokenType::Access));
    assert_eq!(claims.jti(), None);
    let issued_at = claims.issued_at().unwrap();
    assert_eq!(claims.expires_at().saturating_duration_since(issued_at), Duration::from_secs(300));
}

async fn status(layer: ClaimsLayer<Profile>) -> (StatusCode, Vec<u8>) {
    let app = Router::new()
        .route("/", get(|claims: Claims<Profile>| async move { claims.username.clone() }))
        .layer(layer);
    let response = app.oneshot(Request::get("/").body(Body::empty()).unwrap()).await.unwrap();
    let status = response.status();
    let body = axum::body::to_bytes(response.into_body(), 4096).await.unwrap();
    (status, body.to_vec())
}

#[tokio::test]
async fn a_claims_layer_replaces_authentication() {
    let layer = ClaimsLayer::new(Claims::for_test(42, ada()));
    assert_eq!(status(layer).await, (StatusCode::OK, b"ada".to_vec()));
    let (anonymous, _) = status(ClaimsLayer::anonymous()).await;
    assert_eq!(anonymous, StatusCode::UNAUTHORIZED);
}

fn verifier(provider: &FakeProvider, keys: &RemoteKeys) -> Verifier {
    Verifier::builder(keys)
        .issuer(provider.issuer())
        .audience(API)
        .profile(TokenProfile::Rfc9068)
        .build()
        .unwrap()
}

fn token() -> TestToken<NoClaims> {
    TestToken::new("ada").rfc9068("app").with_audience(API)
}

#[tokio::test]
async fn a_provider_publishes_the_keys_of_its_tokens() {
    let provider = FakeProvider::start().await.unwrap();
    let keys = RemoteKeys::from_issuer(provider.issuer()).insecure_loopback_http().build().unwrap();
    let verifier = verifier(&provider, &keys);
    let claims = verifier.verify_async(&provider.sign(token())).await.unwrap();
    assert_eq!(claims.subject(), Some("ada"));
    assert_eq!(provider.requests(), 2);
}

#[tokio::test]
async fn a_provider_rotates_its_keys() {
    let provider = FakeProvider::start().await.unwrap();
    let before = provider.sign(token());
    provider.rotate();
    let after = provider.sign(token());

    let fetched = || async {
        let keys = RemoteKeys::from_url(provider.jwks_url()).insecure_loopback_http();
        let keys = keys.build().unwrap();
        keys.refresh().await.unwrap();
        verifier(&provider, &keys)
    };
    let both = fetched().await;
    assert!(both.verify(&before).is_ok() && both.verify(&after).is_ok());

    provider.withdraw_earlier_keys();
    let current = fetched().await;
    assert_eq!(current.verify(&before).unwrap_err().kind(), AuthErrorKind::UnknownKey);
    assert!(current.verify(&after).is_ok());
}

#[tokio::test]
async fn a_provider_can_be_unavailable() {
    let provider = FakeProvider::start().await.unwrap();
    provider.set_available(false);
    let keys = RemoteKeys::from_url(provider.jwks_url()).insecure_loopback_http().build().unwrap();
    assert!(keys.refresh().await.is_err());
    provider.set_available(true);
    keys.refresh().await.unwrap();
    assert!(verifier(&provider, &keys).verify(&provider.sign(token())).is_ok());
}
