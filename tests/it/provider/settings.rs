//! Errors of configuration.

use tower_jwt_auth::{
    ConfigErrorKind, Verifier,
    provider::{auth0, cognito, entra, google, keycloak},
};

#[test]
fn a_tenant_is_named_by_its_id() {
    for id in [
        "",
        "common",
        "organizations",
        "contoso.onmicrosoft.com",
        "72f988bf86f141af91ab2d7cd011db47",
        "72f988bf-86f1-41af-91ab-2d7cd011db4g",
    ] {
        let error = entra::Tenant::new(id).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::OutOfRange, "{id}");
    }
}

#[test]
fn the_id_of_a_user_pool_begins_with_its_region() {
    for id in [
        "",
        "AbCdEfGhI",
        "_AbCdEfGhI",
        "eu-central-1_",
        "eu-central-1/_a",
        "evil.example/_a",
        "eu-central-1_a/b",
    ] {
        let error = cognito::UserPool::new(id).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::OutOfRange, "{id}");
    }
}

#[test]
fn keys_of_another_provider_are_an_error() {
    let keys = auth0::Tenant::new("shop.eu.auth0.com").keys().build().unwrap();
    let realm = keycloak::Realm::new("https://login.example/realms/shop");
    let built: Result<Verifier, _> = realm.verifier(&keys, "orders").build();
    assert_eq!(built.unwrap_err().kind(), ConfigErrorKind::Conflict);
}

#[test]
fn a_realm_without_https_is_an_error() {
    for url in ["http://login.example/realms/shop", "login.example/realms/shop", ""] {
        let error = keycloak::Realm::new(url).keys().build().unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::OutOfRange, "{url}");
    }
}

#[test]
fn verifiers_of_presets_can_be_combined() {
    let (realm, keys) = (keycloak::Realm::new("https://login.example/realms/shop"), google::keys());
    let google: Verifier = google::verifier(keys.build().unwrap(), ["client"]).build().unwrap();
    let keycloak = realm.verifier(realm.keys().build().unwrap(), "orders").build().unwrap();
    assert!(Verifier::by_issuer([google, keycloak]).is_ok());
}
