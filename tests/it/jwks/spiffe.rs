//! SPIFFE bundles: JWK sets whose keys for tokens have the `use` `jwt-svid`. The server is a local one
//! that publishes documents of the form of the SPIFFE standard.

use serde_json::{Value, json};
use tower_jwt_auth::jwks::{FetchErrorKind, JwkSet};

use super::{Fixture, UNKNOWN_KEY, outcome, provider_with, verifier};
use crate::support::{
    foreign::ForeignKey,
    mint::clock,
    provider::{JWKS, Response},
};

fn bundle(keys: &[Value]) -> Value {
    json!({ "keys": keys, "spiffe_sequence": 1, "spiffe_refresh_hint": 600 })
}

#[tokio::test]
async fn jwt_svid_keys_are_accepted_only_if_configured() {
    let (jwt, x509) = (ForeignKey::generate("jwt"), ForeignKey::generate("x509"));
    let keys = [
        jwt.jwk_with(&json!({ "use": "jwt-svid", "alg": null })),
        x509.jwk_with(&json!({ "use": "x509-svid" })),
    ];
    let provider = provider_with(&[]);
    provider.respond(JWKS, Response::json(&bundle(&keys)));
    let fixture = Fixture::with_provider(provider, |keys| keys.accept_jwt_svid_keys());
    fixture.keys.refresh().await.unwrap();
    assert_eq!(fixture.verify_now(&fixture.token(&jwt)), Ok(()));
    assert_eq!(fixture.verify_now(&fixture.token(&x509)), UNKNOWN_KEY);
    assert_eq!(fixture.keys.status().skipped, 1);

    let strict = provider_with(&keys);
    let strict = Fixture::with_provider(strict, |keys| keys);
    assert_eq!(strict.keys.refresh().await.unwrap_err().kind(), FetchErrorKind::NoUsableKeys);
}

#[test]
fn a_bundle_can_be_read_from_a_file() {
    let jwt = ForeignKey::generate("jwt");
    let json = bundle(&[
        jwt.jwk_with(&json!({ "use": "jwt-svid" })),
        ForeignKey::generate("x509").jwk_with(&json!({ "use": "x509-svid" })),
    ])
    .to_string();
    let set = JwkSet::from_spiffe_bundle(&json).unwrap();
    assert_eq!(set.skipped(), 1);
    let verifier = verifier(set, "a", &clock());
    assert_eq!(outcome(verifier.verify(&jwt.token("a"))), Ok(()));
    assert!(JwkSet::from_json(&json).is_err());
}
