//! While the users or the store are unavailable, no token is issued or lost, and nothing is reported
//! as done.

use std::{
    error::Error,
    time::{Duration, Instant},
};

use tower_jwt_auth::{AuthErrorKind, Issuer, token::UserId};

use crate::support::{
    flaky::StoreFailure,
    login::{Outage, Profile, Setup, ada, error_kind, refresh_of},
};

const FAILURES: [StoreFailure; 2] = [StoreFailure::Errors, StoreFailure::Hangs];

fn issuer(setup: &Setup) -> Issuer<Profile> {
    setup.builder().store_deadline(Duration::from_millis(20)).build().unwrap()
}

#[tokio::test]
async fn a_refresh_token_survives_an_outage_of_the_users() {
    let setup = Setup::new();
    for issuer in [setup.issuer(), setup.plain_builder().build().unwrap()] {
        let tokens = issuer.login(&ada()).await.unwrap();
        setup.events.take();
        for (outage, kind) in [
            (Outage::Unavailable, AuthErrorKind::Unavailable),
            (Outage::Overloaded, AuthErrorKind::Overloaded),
        ] {
            setup.users.set(outage);
            let error = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap_err();
            assert_eq!(error.kind(), kind);
            assert!(error.source().is_some());
        }
        assert!(setup.events.take().is_empty());
        setup.users.set(Outage::None);
        assert!(issuer.refresh(refresh_of(&tokens), &setup.users).await.is_ok());
    }
}

#[tokio::test]
async fn login_fails_if_the_session_cannot_be_stored() {
    let setup = Setup::new();
    let issuer = issuer(&setup);
    for failure in FAILURES {
        setup.store.set_failure(failure);
        assert_eq!(error_kind(issuer.login(&ada()).await), AuthErrorKind::Unavailable);
        assert!(setup.store.inner.is_empty());
        assert!(setup.events.take().is_empty());
    }
    setup.store.set_failure(StoreFailure::None);
    assert!(issuer.login(&ada()).await.is_ok());
}

#[tokio::test]
async fn a_refresh_token_survives_an_outage_of_the_store() {
    let setup = Setup::new();
    let plain = setup.plain_builder().store(setup.store.clone());
    let plain = plain.store_deadline(Duration::from_millis(20)).build().unwrap();
    for issuer in [issuer(&setup), plain] {
        setup.store.set_failure(StoreFailure::None);
        let tokens = issuer.login(&ada()).await.unwrap();
        setup.events.take();
        for failure in FAILURES {
            setup.store.set_failure(failure);
            let rejected = issuer.refresh(refresh_of(&tokens), &setup.users).await;
            assert_eq!(error_kind(rejected), AuthErrorKind::Unavailable);
        }
        assert!(setup.events.take().is_empty());
        setup.store.set_failure(StoreFailure::None);
        assert!(issuer.refresh(refresh_of(&tokens), &setup.users).await.is_ok());
    }
}

#[tokio::test]
async fn a_revocation_that_was_not_stored_fails() {
    let setup = Setup::new();
    let issuer = issuer(&setup);
    let tokens = issuer.login(&ada()).await.unwrap();
    let claims = issuer.verify(tokens.access()).await.unwrap();
    setup.events.take();
    let user = UserId::from(1);
    let unavailable = AuthErrorKind::Unavailable;
    for failure in FAILURES {
        setup.store.set_failure(failure);
        assert_eq!(error_kind(issuer.logout(refresh_of(&tokens)).await), unavailable);
        assert_eq!(error_kind(issuer.revoke_token(&claims).await), unavailable);
        assert_eq!(
            error_kind(issuer.revoke_session(&user, tokens.session_id()).await),
            unavailable
        );
        assert_eq!(error_kind(issuer.revoke_user(&user).await), unavailable);
        assert_eq!(error_kind(issuer.sessions(&user).await), unavailable);
        assert_eq!(error_kind(issuer.verify(tokens.access()).await), unavailable);
        assert_eq!(error_kind(issuer.verify(refresh_of(&tokens)).await), unavailable);
        // Verification without the store still works.
        assert!(issuer.verifier().verify(tokens.access()).is_ok());
    }
    assert!(setup.events.take().is_empty());
    setup.store.set_failure(StoreFailure::None);
    assert!(issuer.verify(tokens.access()).await.is_ok());
    assert!(issuer.refresh(refresh_of(&tokens), &setup.users).await.is_ok());
}

#[tokio::test]
async fn the_default_deadline_of_a_store_is_two_seconds() {
    let setup = Setup::new();
    setup.store.set_failure(StoreFailure::Hangs);
    for (builder, deadline) in
        [(setup.builder(), 2000), (setup.builder().store_deadline(Duration::from_millis(20)), 20)]
    {
        let issuer = builder.build().unwrap();
        let begun = Instant::now();
        assert_eq!(error_kind(issuer.login(&ada()).await), AuthErrorKind::Unavailable);
        let waited = begun.elapsed().as_millis();
        assert!((deadline..deadline + 1500).contains(&waited), "{waited} ms");
    }
}

#[tokio::test]
async fn rejects_malformed_tokens_without_calling_the_store() {
    let setup = Setup::new();
    let issuer = issuer(&setup);
    setup.store.set_failure(StoreFailure::Hangs);
    setup.users.set(Outage::Unavailable);
    assert_eq!(error_kind(issuer.refresh("x", &setup.users).await), AuthErrorKind::Malformed);
    assert_eq!(error_kind(issuer.logout("x").await), AuthErrorKind::Malformed);
    assert_eq!(error_kind(issuer.verify("x").await), AuthErrorKind::Malformed);
}
