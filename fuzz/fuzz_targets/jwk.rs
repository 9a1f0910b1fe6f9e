//! JSON Web Keys. A key that exists is usable, and is published without private members.

#![no_main]

use std::sync::LazyLock;

use fuzz::{has_duplicates, member, members, mutate_json, string_member};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use tower_jwt_auth::{Algorithm, SigningKey, Verifier, VerifyingKey, testing::TestToken};

static ALGORITHMS: LazyLock<Vec<Algorithm>> = LazyLock::new(|| {
    use Algorithm::{ES256, ES384, EdDSA, HS256, HS384, HS512, MlDsa44, PS256, RS256};
    vec![HS256, HS384, HS512, RS256, PS256, ES256, ES384, EdDSA, MlDsa44]
});

/// The type of the keys of an algorithm.
fn key_type(algorithm: Algorithm) -> &'static str {
    match algorithm.as_str().get(..2) {
        Some("HS") => "oct",
        Some("RS" | "PS") => "RSA",
        Some("ES") => "EC",
        Some("Ed") => "OKP",
        _ => "AKP",
    }
}

fn check_verifying(json: &str, algorithm: Algorithm, key: &VerifyingKey) {
    let read = members(json).expect("an object");
    assert!(!has_duplicates(&read));
    assert_eq!(string_member(&read, "kty").as_deref(), Some(key_type(algorithm)));
    assert!(string_member(&read, "use").is_none_or(|used| used == "sig"));
    assert_eq!(key.algorithm(), algorithm);

    let Some(published) = key.to_jwk() else {
        assert!(algorithm.is_symmetric());
        return;
    };
    let read = members(&published).expect("an object");
    let private = ["d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"];
    assert!(private.iter().all(|name| member(&read, name).is_none()), "{published}");
    let again = VerifyingKey::from_jwk(&published, algorithm).expect("the published key");
    assert_eq!(again.kid(), key.kid());
    assert_eq!(again.to_jwk().as_deref(), Some(&*published));
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_json(data, size, max_size, seed)
});

fuzz_target!(|json: &str| {
    for algorithm in ALGORITHMS.iter().copied() {
        let verifying = VerifyingKey::from_jwk(json, algorithm);
        if let Ok(key) = &verifying {
            check_verifying(json, algorithm, key);
        }
        if let Ok(key) = SigningKey::from_jwk(json, algorithm) {
            let verifier: Verifier = Verifier::builder(key.verifying_key()).build().unwrap();
            let token = TestToken::new("ada").sign(&key);
            assert!(verifier.verify(&token).is_ok());
        }
    }
});
