//! JSON Web Keys of the type AKP.

use serde_json::{Map, Value, json};
use tower_jwt_auth::{Algorithm, ConfigError, ConfigErrorKind, SigningKey, VerifyingKey};

use super::{ALGORITHMS, SEED, jwk, with};
use crate::support::{keys, mint::encode};

/// A private key as JWK.
fn private(algorithm: Algorithm) -> Map<String, Value> {
    let mut members = jwk(algorithm);
    members.insert("priv".to_owned(), encode(SEED).into());
    members
}

#[track_caller]
fn assert_rejected<T: std::fmt::Debug>(what: &str, key: Result<T, ConfigError>) {
    match key {
        Ok(key) => panic!("{what}: accepted as {key:?}"),
        Err(error) => assert_eq!(error.kind(), ConfigErrorKind::Key, "{what}: {error}"),
    }
}

#[track_caller]
fn assert_both_reject(what: &str, jwk: &str, algorithm: impl Into<Option<Algorithm>>) {
    let algorithm = algorithm.into();
    assert_rejected(what, VerifyingKey::from_jwk(jwk, algorithm));
    assert_rejected(what, SigningKey::from_jwk(jwk, algorithm));
}

#[test]
fn reads_private_and_public_keys() {
    for (algorithm, ..) in ALGORITHMS {
        for configured in [None, Some(algorithm)] {
            let public = with(jwk(algorithm), json!({ "kid": "k1" }));
            let verifying = VerifyingKey::from_jwk(&public, configured).unwrap();
            assert_eq!((verifying.kid(), verifying.algorithm()), (Some("k1"), algorithm));
            assert_rejected("no private member", SigningKey::from_jwk(&public, configured));

            let private = with(private(algorithm), json!({ "kid": "k1" }));
            let signing = SigningKey::from_jwk(&private, configured).unwrap();
            assert_eq!((signing.kid(), signing.algorithm()), (Some("k1"), algorithm));
            assert_eq!(signing.verifying_key().to_jwk(), verifying.to_jwk());
        }
    }
}

/// RFC 9964, section 3: the type alone does not determine the algorithm.
#[test]
fn requires_alg() {
    for (algorithm, ..) in ALGORITHMS {
        let unnamed = with(private(algorithm), json!({ "alg": null }));
        for configured in [None, Some(algorithm), Some(Algorithm::ES256)] {
            assert_both_reject("no alg", &unnamed, configured);
        }
        for alg in
            [json!("ml-dsa-44"), json!("ML-DSA"), json!("MLDSA65"), json!(""), json!(["ML-DSA-65"])]
        {
            let what = format!("{alg}");
            assert_both_reject(&what, &with(private(algorithm), json!({ "alg": alg })), None);
        }
    }
}

#[test]
fn the_type_must_match_the_algorithm() {
    for (algorithm, ..) in ALGORITHMS {
        for kty in ["oct", "EC", "OKP", "RSA", "akp", "ML-DSA", ""] {
            let changes = json!({ "kty": kty, "k": encode(keys::SECRET), "crv": "P-256" });
            assert_both_reject(kty, &with(private(algorithm), changes), None);
        }
        for kty in [Value::Null, json!(1), json!({ "AKP": null }), json!(["AKP"])] {
            assert_both_reject("kty", &with(private(algorithm), json!({ "kty": kty })), None);
        }
        for (other, ..) in ALGORITHMS.into_iter().filter(|(other, ..)| *other != algorithm) {
            assert_both_reject("configured", &with(private(algorithm), json!({})), other);
            let named = json!({ "alg": other.as_str() });
            assert_both_reject("size of another", &with(private(algorithm), named), None);
        }
        for alg in ["HS256", "ES256", "EdDSA", "RS256"] {
            let named = with(private(algorithm), json!({ "alg": alg }));
            assert_both_reject(alg, &named, None);
            assert_both_reject(alg, &named, algorithm);
        }
        // Keys of other types with the name of this algorithm.
        for other in [keys::RFC_OCT, keys::RFC_EC, keys::RFC_OKP, keys::RFC_RSA] {
            let members: Map<String, Value> = serde_json::from_str(other).unwrap();
            let named = with(members, json!({ "alg": algorithm.as_str() }));
            assert_both_reject("another type", &named, None);
        }
    }
    // A secret of the length of a public key stays a secret.
    let oct = json!({ "kty": "oct", "k": jwk(Algorithm::MlDsa44)["pub"], "alg": "ML-DSA-44" });
    assert_both_reject("oct", &oct.to_string(), None);
}

#[test]
fn public_keys_have_their_exact_length() {
    for (algorithm, len, _) in ALGORITHMS {
        for other in [0, 1, 32, len - 1, len + 1, 2 * len, 1312, 1952, 2592] {
            if other != len {
                let changes = json!({ "pub": encode(vec![7; other]) });
                let what = format!("{algorithm} with {other} bytes");
                assert_both_reject(&what, &with(private(algorithm), changes), None);
            }
        }
        let spki = json!({ "pub": encode(super::keys::spki(algorithm)) });
        assert_both_reject("in DER", &with(private(algorithm), spki), None);
        let padded = format!("{}=", jwk(algorithm)["pub"].as_str().unwrap());
        for value in [json!(padded), json!("not base64!"), json!(7), json!([]), Value::Null] {
            assert_both_reject("pub", &with(private(algorithm), json!({ "pub": value })), None);
        }
    }
}

/// RFC 9964, sections 4 and 7.4.
#[test]
fn the_private_member_is_the_seed_of_the_public_key() {
    for (algorithm, ..) in ALGORITHMS {
        let expanded = super::keys::expanded(algorithm);
        for (what, value) in [
            ("another seed", json!(encode([8; 32]))),
            ("31 bytes", json!(encode([7; 31]))),
            ("33 bytes", json!(encode([7; 33]))),
            ("empty", json!("")),
            ("expanded", json!(encode(expanded))),
            ("padded", json!(format!("{}=", encode(SEED)))),
            ("a number", json!(7)),
            ("null", Value::Null),
        ] {
            let changed = with(private(algorithm), json!({ "priv": value }));
            assert_rejected(what, SigningKey::from_jwk(&changed, None));
            assert!(VerifyingKey::from_jwk(&changed, None).is_ok(), "{what}: only pub is read");
        }
        // Drafts of the RFC had other names.
        for name in ["d", "seed", "k"] {
            let renamed = with(private(algorithm), json!({ "priv": null, name: encode(SEED) }));
            assert_rejected(name, SigningKey::from_jwk(&renamed, None));
        }
        let other_public = json!({ "pub": encode(vec![9; ALGORITHMS[0].1]) });
        let mismatched = with(private(Algorithm::MlDsa44), other_public);
        assert_rejected("another public key", SigningKey::from_jwk(&mismatched, None));
    }
}

#[test]
fn checks_the_declared_use() {
    for (algorithm, ..) in ALGORITHMS {
        for purpose in [json!("enc"), json!("SIG"), json!("jwt-svid"), json!(1)] {
            let changed = with(private(algorithm), json!({ "use": purpose }));
            assert_both_reject("use", &changed, None);
        }
        assert!(
            VerifyingKey::from_jwk(&with(jwk(algorithm), json!({ "use": null })), None).is_ok()
        );
        let sign = with(private(algorithm), json!({ "key_ops": ["sign"] }));
        let verify = with(private(algorithm), json!({ "key_ops": ["verify"] }));
        assert_rejected("only for signing", VerifyingKey::from_jwk(&sign, None));
        assert_rejected("only for verifying", SigningKey::from_jwk(&verify, None));
        assert!(SigningKey::from_jwk(&sign, None).is_ok());
        assert!(VerifyingKey::from_jwk(&verify, None).is_ok());
    }
}

#[test]
fn rejects_duplicate_members() {
    let inner = with(private(Algorithm::MlDsa44), json!({}));
    let inner = inner.strip_prefix('{').unwrap();
    for twice in [r#""kty":"AKP""#, r#""p\u0075b":"AA""#, r#""priv":"AA""#, r#""alg":"ML-DSA-44""#]
    {
        assert_both_reject(twice, &format!("{{{twice},{inner}"), None);
    }
}

#[test]
fn the_published_form_has_no_private_member() {
    for (algorithm, ..) in ALGORITHMS {
        let private = with(private(algorithm), json!({ "kid": "k" }));
        let public = SigningKey::from_jwk(&private, None).unwrap().verifying_key();
        for key in [public, VerifyingKey::from_jwk(&private, None).unwrap()] {
            let written: Map<String, Value> = serde_json::from_str(&key.to_jwk().unwrap()).unwrap();
            let names: Vec<_> = written.keys().map(String::as_str).collect();
            assert_eq!(names, ["alg", "kid", "kty", "pub", "use"]);
        }
    }
}

#[test]
fn debug_shows_no_key_material() {
    for (algorithm, ..) in ALGORITHMS {
        let json = with(private(algorithm), json!({ "kid": "k" }));
        let key = SigningKey::from_jwk(&json, None).unwrap();
        let shown =
            format!("{key:?}{:?}{:?}", key.verifying_key(), key.verifying_key().to_jwk().map(drop));
        assert!(shown.contains("[redacted]"));
        let members = private(algorithm);
        for name in ["pub", "priv"] {
            assert!(!shown.contains(&members[name].as_str().unwrap()[..10]), "{name}: {shown}");
        }
        assert!(!shown.contains("7, 7"), "{shown}");
        let wrong = with(private(algorithm), json!({ "priv": encode([8; 32]) }));
        let error = SigningKey::from_jwk(&wrong, None).unwrap_err();
        assert!(!format!("{error}{error:?}").contains(&encode([8; 32])[..10]));
    }
}
