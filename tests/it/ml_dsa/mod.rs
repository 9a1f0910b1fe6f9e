//! Signatures of ML-DSA (RFC 9964).

mod cache;
mod dpop;
mod interop;
mod jwk;
mod jwks;
mod keys;
mod rotation;
mod sizes;
mod tokens;
mod vectors;

use serde_json::{Map, Value};
use tower_jwt_auth::{Algorithm, SigningKey};

/// The algorithms, with the lengths of their public keys and signatures in bytes.
const ALGORITHMS: [(Algorithm, usize, usize); 3] = [
    (Algorithm::MlDsa44, 1312, 2420),
    (Algorithm::MlDsa65, 1952, 3309),
    (Algorithm::MlDsa87, 2592, 4627),
];

/// The seed of most keys of these tests.
const SEED: [u8; 32] = [7; 32];

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::from_seed(algorithm, SEED).unwrap()
}

/// The public key as JWK.
fn jwk(algorithm: Algorithm) -> Map<String, Value> {
    serde_json::from_str(&key(algorithm).verifying_key().to_jwk().unwrap()).unwrap()
}

/// `jwk` with changed members. `null` removes a member.
fn with(mut jwk: Map<String, Value>, changes: Value) -> String {
    let Value::Object(changes) = changes else { panic!("changes are an object") };
    for (name, value) in changes {
        if value.is_null() {
            jwk.remove(&name);
        } else {
            jwk.insert(name, value);
        }
    }
    Value::Object(jwk).to_string()
}
