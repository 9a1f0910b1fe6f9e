//! Keys in published sets: those of this crate, and those of other issuers.

use axum::{Router, body::Body};
use base64::{Engine, prelude::BASE64_STANDARD};
use http::Request;
use serde_json::{Value, json};
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, ConfigErrorKind, KeySet, Verifier,
    jwks::{JwkSet, RemoteKeys},
    routes::WellKnownRoutes,
    token::TokenProfile,
};

use super::{
    ALGORITHMS, SEED, jwk, key,
    keys::{spki, spki_of},
};
use crate::support::{
    certificate::certificate,
    foreign::{API, ForeignKey},
    mint::{Minter, NOW, clock, encode},
    provider::{JWKS, Provider},
    reply::{Reply, send},
};

const ISSUER: &str = "https://login.example";

/// An access token of [`ISSUER`].
fn token(algorithm: Algorithm, kid: Option<&str>) -> String {
    let payload = json!({
        "iss": ISSUER, "aud": API, "sub": "ada", "client_id": "app",
        "iat": NOW, "exp": NOW + 300, "jti": "4c6a8b1f",
    });
    let mut header = json!({ "alg": algorithm.as_str(), "typ": "at+jwt" });
    if let Some(kid) = kid {
        header["kid"] = kid.into();
    }
    Minter::ml_dsa(algorithm, SEED).mint(header.to_string(), payload.to_string())
}

fn verifier(keys: impl Into<KeySet>) -> Verifier {
    let builder = Verifier::builder(keys).issuer(ISSUER).audience(API).clock(clock());
    builder.profile(TokenProfile::Rfc9068).build().unwrap()
}

fn outcome<T>(result: Result<T, tower_jwt_auth::AuthError>) -> Result<(), AuthErrorKind> {
    result.map(drop).map_err(|error| error.kind())
}

async fn get(app: &Router, path: &str) -> Reply {
    send(app, Request::get(path).body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn published_keys_have_no_private_member_and_verify_tokens() {
    let mut set = KeySet::builder();
    for (algorithm, ..) in ALGORITHMS {
        set = set.verifying_key(key(algorithm).verifying_key());
    }
    let set = set.build().unwrap();
    let app = WellKnownRoutes::builder(set).issuer(ISSUER).build().unwrap().into_router();
    let reply = get(&app, "/.well-known/jwks.json").await;
    assert_eq!(reply.json()["keys"].as_array().unwrap().len(), 3);
    for (written, (algorithm, len, _)) in
        reply.json()["keys"].as_array().unwrap().iter().zip(ALGORITHMS)
    {
        assert_eq!((&written["kty"], &written["alg"]), (&json!("AKP"), &json!(algorithm.as_str())));
        assert_eq!(written["pub"].as_str().unwrap().len(), (len * 4).div_ceil(3));
    }
    assert!(!reply.body.contains("priv") && !reply.body.contains(&encode(SEED)));

    let metadata = get(&app, "/.well-known/openid-configuration").await.json();
    assert_eq!(
        metadata["id_token_signing_alg_values_supported"],
        json!(["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"])
    );
    let verifier = verifier(JwkSet::from_json(&reply.body).unwrap());
    for (algorithm, ..) in ALGORITHMS {
        assert_eq!(outcome(verifier.verify(&token(algorithm, key(algorithm).kid()))), Ok(()));
    }
}

#[tokio::test]
async fn fetched_keys_verify_tokens() {
    for (algorithm, ..) in ALGORITHMS {
        let ec = ForeignKey::generate("ec");
        let provider = Provider::start();
        provider.publish(&[ec.jwk(), Value::Object(jwk(algorithm))]);
        for accepted in [None, Some([algorithm, Algorithm::ES256])] {
            let keys = RemoteKeys::from_url(provider.url(JWKS)).insecure_loopback_http();
            let keys =
                accepted.into_iter().fold(keys.clock(clock()), |keys, list| keys.algorithms(list));
            let keys = keys.build().unwrap();
            let verifier = verifier(&keys);
            // The first one causes the fetch.
            let ours = token(algorithm, key(algorithm).kid());
            assert_eq!(outcome(verifier.verify_async(&ours).await), Ok(()));
            assert_eq!((keys.status().keys, keys.status().skipped), (2, 0));
            assert_eq!(outcome(verifier.verify(&ec.token(ISSUER))), Ok(()));
            assert_eq!(outcome(verifier.verify(&token(algorithm, None))), Ok(()));
            let unknown = Err(AuthErrorKind::UnknownKey);
            assert_eq!(outcome(verifier.verify(&token(algorithm, Some("ec")))), unknown);
        }
        let keys = RemoteKeys::from_url(provider.url(JWKS)).insecure_loopback_http();
        let keys = keys.clock(clock()).algorithms([Algorithm::ES256]).build().unwrap();
        keys.refresh().await.unwrap();
        assert_eq!((keys.status().keys, keys.status().skipped), (1, 1), "not accepted");
    }
}

#[test]
fn an_unusable_key_is_skipped_alone() {
    let ec = ForeignKey::generate("ec");
    for (algorithm, len, _) in ALGORITHMS {
        let other = ALGORITHMS.into_iter().find(|(other, ..)| *other != algorithm).unwrap().0;
        for (what, changes) in [
            ("no alg", json!({ "alg": null })),
            ("alg of another", json!({ "alg": other.as_str() })),
            ("unknown alg", json!({ "alg": "SLH-DSA-SHA2-128s" })),
            ("a composite", json!({ "alg": "ML-DSA-44-ES256" })),
            ("for another type", json!({ "alg": "ES256" })),
            ("symmetric", json!({ "alg": "HS256" })),
            ("another type", json!({ "kty": "OKP" })),
            ("oct", json!({ "kty": "oct" })),
            ("no type", json!({ "kty": null })),
            ("no key", json!({ "pub": null })),
            ("a short key", json!({ "pub": encode(vec![7; len - 1]) })),
            ("a long key", json!({ "pub": encode(vec![7; len + 1]) })),
            ("not base64url", json!({ "pub": "+/" })),
            ("for encryption", json!({ "use": "enc" })),
            ("for signing", json!({ "key_ops": ["sign"] })),
        ] {
            let unusable: Value =
                serde_json::from_str(&super::with(jwk(algorithm), changes)).unwrap();
            for keys in [[ec.jwk(), unusable.clone()], [unusable, ec.jwk()]] {
                let set = JwkSet::from_json(&json!({ "keys": keys }).to_string());
                let set = set.unwrap_or_else(|error| panic!("{what}: {error}"));
                assert_eq!(set.skipped(), 1, "{algorithm}: {what}");
                let verifier = verifier(set);
                assert_eq!(outcome(verifier.verify(&ec.token(ISSUER))), Ok(()));
                let theirs = token(algorithm, key(algorithm).kid());
                assert_eq!(outcome(verifier.verify(&theirs)), Err(AuthErrorKind::UnknownKey));
            }
        }
    }
}

#[test]
fn only_the_public_part_of_a_private_key_is_read() {
    for (algorithm, ..) in ALGORITHMS {
        for private in [json!(encode(SEED)), json!("not even base64url"), json!(7)] {
            let leaked = super::with(jwk(algorithm), json!({ "priv": private }));
            let set = JwkSet::from_json(&format!(r#"{{"keys":[{leaked}]}}"#)).unwrap();
            let keys = KeySet::from(set);
            assert!(!keys.to_jwks().contains("priv"));
            assert_eq!(outcome(verifier(keys).verify(&token(algorithm, None))), Ok(()));
        }
    }
}

#[test]
fn a_certificate_must_have_the_key() {
    for (algorithm, ..) in ALGORITHMS {
        let x5c = |public_key: &[u8]| {
            json!([BASE64_STANDARD.encode(certificate(public_key, NOW, NOW + 40_000_000_000))])
        };
        let other = ALGORITHMS.into_iter().find(|(other, ..)| *other != algorithm).unwrap().0;
        let ec = ForeignKey::generate("ec");
        for (what, changes, is_usable) in [
            ("its key", json!({ "x5c": x5c(&spki(algorithm)) }), true),
            ("only in it", json!({ "x5c": x5c(&spki(algorithm)), "pub": null }), true),
            ("another key", json!({ "x5c": x5c(&spki_of(algorithm, &[8; 32])) }), false),
            ("another size", json!({ "x5c": x5c(&spki(other)) }), false),
            ("another size, only in it", json!({ "x5c": x5c(&spki(other)), "pub": null }), false),
            ("another type", json!({ "x5c": x5c(&ec.spki()) }), false),
            ("no alg", json!({ "x5c": x5c(&spki(algorithm)), "pub": null, "alg": null }), false),
        ] {
            let jwk = super::with(jwk(algorithm), changes);
            let set = JwkSet::from_json(&format!(r#"{{"keys":[{jwk}]}}"#));
            match set {
                Ok(set) => {
                    assert!(is_usable, "{algorithm}: {what}");
                    assert_eq!(outcome(verifier(set).verify(&token(algorithm, None))), Ok(()));
                }
                Err(error) => {
                    assert!(!is_usable, "{algorithm}: {what}: {error}");
                    assert_eq!(error.kind(), ConfigErrorKind::Key);
                }
            }
        }
    }
}
