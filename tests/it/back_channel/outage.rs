//! A store or keys that are unavailable.

use serde_json::json;
use tower_jwt_auth::{
    AuthErrorKind, MemoryStore, Verifier, jwks::RemoteKeys, routes::BackChannelLogoutRoutes,
    token::TokenProfile,
};

use super::{CLIENT, Service, logout_token, post};
use crate::support::{
    flaky::{FlakyStore, StoreFailure},
    foreign::ForeignKey,
    mint::clock,
    provider::{JWKS, Provider, Response},
};

#[tokio::test]
async fn the_provider_can_repeat_a_logout_after_an_outage_of_the_store() {
    let service = Service::new(FlakyStore::default());
    for failure in [StoreFailure::Errors, StoreFailure::Errors] {
        service.store.set_failure(failure);
        let reply = service.log_out(&json!({})).await;
        assert_eq!(reply.status, 503, "{reply:?}");
        assert_eq!(reply.json()["error"], "temporarily_unavailable");
        assert_eq!(reply.header("retry-after"), ["1"]);
    }
    service.store.set_failure(StoreFailure::None);
    assert_eq!(service.outcome(&json!({ "sid": "s1" })).await, Ok(()));
    assert_eq!(service.log_out(&json!({})).await.status, 200);
    let ended = service.outcome(&json!({ "sid": "s1" })).await;
    assert_eq!(ended, Err(AuthErrorKind::Revoked));
}

#[tokio::test(start_paused = true)]
async fn a_store_that_hangs_is_an_outage() {
    let service = Service::new(FlakyStore::default());
    service.store.set_failure(StoreFailure::Hangs);
    assert_eq!(service.log_out(&json!({})).await.status, 503);
}

/// A full store rejects the logout instead of forgetting it.
#[tokio::test]
async fn a_full_store_is_an_outage() {
    let service = Service::new(MemoryStore::with_capacity(0));
    assert_eq!(service.log_out(&json!({})).await.status, 503);
}

#[tokio::test]
async fn keys_that_cannot_be_fetched_are_an_outage() {
    let (provider, key, clock) = (Provider::start(), ForeignKey::generate("one"), clock());
    provider.respond(JWKS, Response::status(500));
    let keys = RemoteKeys::from_url(provider.url(JWKS)).insecure_loopback_http().clock(&clock);
    let keys = keys.build().unwrap();
    let verifier = Verifier::builder(&keys)
        .issuer(provider.issuer())
        .audience(CLIENT)
        .profile(TokenProfile::LogoutToken)
        .clock(&clock)
        .build()
        .unwrap();
    let routes = BackChannelLogoutRoutes::builder(verifier, MemoryStore::new()).clock(&clock);
    let app = routes.build().unwrap().into_router();
    let token = logout_token(&key, &provider.issuer(), &json!({}));
    assert_eq!(post(&app, &token).await.status, 503);
    provider.publish(&[key.jwk()]);
    keys.refresh().await.unwrap();
    assert_eq!(post(&app, &token).await.status, 200);
}
