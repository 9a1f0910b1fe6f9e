//! The examples of RFC 9964, appendix A.1.

use serde_json::{Value, json};
use tower_jwt_auth::{Algorithm, AuthErrorKind, SigningKey, VerifyingKey, token::Jws};

use super::{ALGORITHMS, with};
use crate::support::mint::{Minter, encode};

const EXAMPLES: [(Algorithm, &str); 3] = [
    (Algorithm::MlDsa44, include_str!("../../fixtures/rfc/rfc9964-a1-ml-dsa-44.json")),
    (Algorithm::MlDsa65, include_str!("../../fixtures/rfc/rfc9964-a1-ml-dsa-65.json")),
    (Algorithm::MlDsa87, include_str!("../../fixtures/rfc/rfc9964-a1-ml-dsa-87.json")),
];

const PAYLOAD: &str = "It’s a dangerous business, Frodo, going out your door.";

struct Example {
    algorithm: Algorithm,
    jwk: Value,
    jws: String,
}

fn examples() -> [Example; 3] {
    EXAMPLES.map(|(algorithm, json)| {
        let json: Value = serde_json::from_str(json).unwrap();
        let jws = json["jws"].as_str().unwrap().to_owned();
        Example { algorithm, jwk: json["jwk"].clone(), jws }
    })
}

fn kind(message: &str, key: &VerifyingKey) -> Option<AuthErrorKind> {
    Jws::verify(message, key, 16_384).err().map(|error| error.kind())
}

#[test]
fn verifies_the_examples() {
    for Example { algorithm, jwk, jws } in examples() {
        let kid = jwk["kid"].as_str();
        let json = jwk.to_string();
        let keys = [
            VerifyingKey::from_jwk(&json, None).unwrap(),
            VerifyingKey::from_jwk(&json, algorithm).unwrap(),
            SigningKey::from_jwk(&json, None).unwrap().verifying_key(),
        ];
        for key in keys {
            assert_eq!((key.algorithm(), key.kid()), (algorithm, kid));
            let verified = Jws::verify(&jws, &key, jws.len()).unwrap();
            let header = json!({ "alg": algorithm.as_str(), "kid": kid });
            assert_eq!(serde_json::from_slice::<Value>(verified.header()).unwrap(), header);
            assert_eq!(verified.payload(), PAYLOAD.as_bytes());
        }
    }
}

/// The ids of the examples are their thumbprints (section 6).
#[test]
fn computes_the_thumbprints_of_the_examples() {
    for Example { algorithm, jwk, .. } in examples() {
        let kid = jwk["kid"].as_str();
        let unnamed = with(jwk.as_object().unwrap().clone(), json!({ "kid": null }));
        assert_eq!(VerifyingKey::from_jwk(&unnamed, None).unwrap().kid(), kid);
        assert_eq!(SigningKey::from_jwk(&unnamed, None).unwrap().kid(), kid);
        assert_eq!(SigningKey::from_seed(algorithm, [0; 32]).unwrap().kid(), kid);
    }
}

#[test]
fn expands_the_seeds_of_the_examples() {
    for Example { algorithm, jwk, .. } in examples() {
        let key = SigningKey::from_seed(algorithm, [0; 32]).unwrap().verifying_key();
        let written: Value = serde_json::from_str(&key.to_jwk().unwrap()).unwrap();
        let expected = json!({
            "alg": algorithm.as_str(), "kid": jwk["kid"], "kty": "AKP", "pub": jwk["pub"],
            "use": "sig",
        });
        assert_eq!(written, expected, "there is no private member");
    }
}

#[test]
fn a_key_verifies_only_signatures_of_its_own() {
    for Example { algorithm: signer, jwk, jws } in examples() {
        let header = jws.split('.').next().unwrap();
        for (verifier, ..) in ALGORITHMS.into_iter().filter(|(other, ..)| *other != signer) {
            let key = SigningKey::from_seed(verifier, [0; 32]).unwrap().verifying_key();
            assert_eq!(kind(&jws, &key), Some(AuthErrorKind::UnknownKey));
            // With the `alg` of the verifying key.
            let renamed = json!({ "alg": verifier.as_str(), "kid": jwk["kid"] }).to_string();
            let renamed = jws.replacen(header, &encode(renamed), 1);
            assert_eq!(kind(&renamed, &key), Some(AuthErrorKind::InvalidSignature));
        }
        let other = SigningKey::from_seed(signer, [1; 32]).unwrap().verifying_key();
        assert_eq!(kind(&jws, &other), Some(AuthErrorKind::InvalidSignature));
    }
}

#[test]
fn rejects_signatures_of_another_length_or_content() {
    for (algorithm, _, len) in ALGORITHMS {
        let minter = Minter::ml_dsa(algorithm, [0; 32]);
        let key = SigningKey::from_seed(algorithm, [0; 32]).unwrap().verifying_key();
        let input =
            format!("{}.{}", encode(json!({ "alg": algorithm.as_str() }).to_string()), "e30");
        let valid = minter.sign(input.as_bytes());
        assert_eq!(valid.len(), len);
        let with = |signature: &[u8]| format!("{input}.{}", encode(signature));
        assert_eq!(kind(&with(&valid), &key), None);

        let invalid = Some(AuthErrorKind::InvalidSignature);
        for cut in [0, 1, 32, 64, len / 2, len - 100, len - 1] {
            assert_eq!(kind(&with(&valid[..cut]), &key), invalid, "{algorithm}: {cut} bytes");
        }
        assert_eq!(kind(&with(&vec![0; len]), &key), invalid);
        for at in (0..len).step_by(61).chain(len - 4..len) {
            let mut changed = valid.clone();
            changed[at] ^= 1;
            assert_eq!(kind(&with(&changed), &key), invalid, "{algorithm}: byte {at}");
        }
        // Longer than every signature is malformed.
        let longest = ALGORITHMS[2].2;
        for more in [1, 2, 3, 100, 10_000] {
            let extended = with(&[&valid[..], &vec![0; more]].concat());
            let expected = if len + more <= longest {
                AuthErrorKind::InvalidSignature
            } else {
                AuthErrorKind::Malformed
            };
            let verified = Jws::verify(&extended, &key, 100_000);
            assert_eq!(verified.unwrap_err().kind(), expected, "{algorithm}: {more} more");
        }
    }
}
