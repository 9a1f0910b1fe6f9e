//! The layer of an issuer.

use axum::{Router, body::Body, routing::get};
use http::{Request, StatusCode};
use tower_jwt_auth::{Claims, Issuer};

use crate::support::{
    flaky::StoreFailure,
    login::{MINUTE, Profile, Setup, ada, refresh_of},
    reply::send,
};

/// The status of a request with `token` to a route behind the layer of `issuer`.
async fn status(issuer: &Issuer<Profile>, token: &str) -> StatusCode {
    let app = Router::new()
        .route("/", get(async |claims: Claims<Profile>| claims.username.clone()))
        .layer(issuer.layer());
    let request = Request::get("/").header("authorization", format!("Bearer {token}"));
    send(&app, request.body(Body::empty()).unwrap()).await.status
}

#[tokio::test]
async fn the_layer_checks_tokens_with_the_verifier_and_the_store() {
    let setup = Setup::new();
    let issuer = setup.builder().store_deadline(MINUTE).build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    assert_eq!(status(&issuer, tokens.access()).await, StatusCode::OK);
    assert_eq!(status(&issuer, refresh_of(&tokens)).await, StatusCode::UNAUTHORIZED);
    setup.store.set_failure(StoreFailure::Errors);
    assert_eq!(status(&issuer, tokens.access()).await, StatusCode::SERVICE_UNAVAILABLE);
    setup.store.set_failure(StoreFailure::None);
    issuer.logout(refresh_of(&tokens)).await.unwrap();
    assert_eq!(status(&issuer, tokens.access()).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn without_a_store_the_layer_accepts_tokens_until_they_expire() {
    let setup = Setup::new();
    let issuer = setup.plain_builder().build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    assert_eq!(status(&issuer, tokens.access()).await, StatusCode::OK);
    setup.clock.advance(5 * MINUTE);
    assert_eq!(status(&issuer, tokens.access()).await, StatusCode::UNAUTHORIZED);
}
