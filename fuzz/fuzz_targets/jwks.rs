//! JWK sets and SPIFFE bundles.

#![no_main]

use fuzz::{has_duplicates, member, members, mutate_json};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::value::RawValue;
use tower_jwt_auth::{ConfigError, KeySet, Verifier, jwks::JwkSet};

/// The number of keys in a set.
fn count(json: &str) -> usize {
    let read = members(json).expect("an object");
    assert!(!has_duplicates(&read));
    let keys = member(&read, "keys").expect("the keys");
    serde_json::from_str::<Vec<Box<RawValue>>>(keys).expect("a list").len()
}

fn check(json: &str, set: Result<JwkSet, ConfigError>) {
    let Ok(set) = set else { return };
    let (all, skipped) = (count(json), set.skipped());
    assert!(all <= 100 && skipped < all);
    let keys = KeySet::from(set.clone());
    let published = keys.to_jwks();
    let again = JwkSet::from_json(&published).expect("the published set");
    assert_eq!((count(&published), again.skipped()), (all - skipped, 0), "{published}");
    assert_eq!(KeySet::from(again).to_jwks(), published);
    for key in members(&published).iter().flatten() {
        assert!(!key.1.get().contains(r#""d":"#) && !key.1.get().contains(r#""k":"#));
    }
    let verifier: Verifier = Verifier::builder(set).build().expect("usable keys");
    assert!(verifier.verify(fuzz::valid_token()).is_err());
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_json(data, size, max_size, seed)
});

fuzz_target!(|json: &str| {
    check(json, JwkSet::from_json(json));
    check(json, JwkSet::from_spiffe_bundle(json));
});
