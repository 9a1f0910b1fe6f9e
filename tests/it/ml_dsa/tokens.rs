//! Tokens: issuing, verifying and the choice of the key.

use serde_json::json;
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, Issuer, KeySet, MemoryStore, SigningKey, Verifier, VerifyingKey,
    token::NoClaims, user::User,
};

use super::{ALGORITHMS, SEED, jwk, key};
use crate::support::{
    keys,
    login::{Setup, ada, part, refresh_of},
    mint::{Minter, claims, clock, encode},
};

type Outcome = Result<(), AuthErrorKind>;

fn verify(keys: impl Into<KeySet>, token: &str) -> Outcome {
    let verifier: Verifier = Verifier::builder(keys).clock(clock()).build().unwrap();
    verifier.verify(token).map(drop).map_err(|error| error.kind())
}

fn token(algorithm: Algorithm, seed: [u8; 32], header: &serde_json::Value) -> String {
    Minter::ml_dsa(algorithm, seed).mint(header.to_string(), claims(&[]))
}

/// A signature contains random numbers, so that a fault reveals less of the key.
#[tokio::test]
async fn two_signatures_of_a_message_differ() {
    for (algorithm, ..) in ALGORITHMS {
        let issuer = Issuer::builder(key(algorithm)).clock(clock()).build().unwrap();
        let user = User::new(1, NoClaims::default());
        let (one, two) = (issuer.login(&user).await.unwrap(), issuer.login(&user).await.unwrap());
        let start = |token: &str| token.rsplit('.').next().unwrap()[..32].to_owned();
        assert_ne!(start(one.access()), start(two.access()), "{algorithm}");
    }
}

#[tokio::test]
async fn an_issuer_signs_and_verifies_a_session() {
    for (algorithm, ..) in ALGORITHMS {
        let setup = Setup::new();
        let key = key(algorithm);
        let issuer = Issuer::builder(key.clone()).claims().clock(&setup.clock);
        let issuer = issuer.store(MemoryStore::new()).rotate_refresh_tokens(true);
        let issuer = issuer.issuer("https://login.example").audience("api");
        let issuer = issuer.rfc9068_access_tokens("web").build().unwrap();
        let tokens = issuer.login(&ada()).await.unwrap();
        let kid = key.kid().unwrap();
        let header = |typ| format!(r#"{{"alg":"{algorithm}","kid":"{kid}","typ":"{typ}"}}"#);
        assert_eq!(part(tokens.access(), 0), header("at+jwt"));
        assert_eq!(part(refresh_of(&tokens), 0), header("JWT"));
        assert_eq!(issuer.verify(tokens.access()).await.unwrap().user_id(), "1");
        let next = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
        assert!(issuer.verify(next.access()).await.is_ok());
        issuer.logout(refresh_of(&next)).await.unwrap();
        assert!(issuer.verify(next.access()).await.is_err());
    }
}

/// The algorithm belongs to the key.
#[test]
fn rejects_the_algorithm_of_another_key() {
    for (signer, ..) in ALGORITHMS {
        for (named, ..) in ALGORITHMS {
            let token = token(signer, SEED, &json!({ "alg": named.as_str(), "typ": "JWT" }));
            for (trusted, ..) in ALGORITHMS {
                let expected = if named != trusted {
                    Err(AuthErrorKind::UnknownKey)
                } else if signer != trusted {
                    Err(AuthErrorKind::InvalidSignature)
                } else {
                    Ok(())
                };
                let outcome = verify(key(trusted).verifying_key(), &token);
                assert_eq!(outcome, expected, "{signer} {named} {trusted}");
            }
        }
    }
}

#[test]
fn rejects_a_public_key_as_hmac_secret() {
    let trusted = key(Algorithm::MlDsa65).verifying_key();
    let public = jwk(Algorithm::MlDsa65)["pub"].as_str().unwrap().to_owned();
    let spki = super::keys::spki(Algorithm::MlDsa65);
    for secret in [public.as_bytes(), &spki, &spki[spki.len() - 1952..]] {
        let forger = Minter::new(Algorithm::HS256, secret);
        for alg in ["HS256", "ML-DSA-65"] {
            let header = json!({ "alg": alg, "kid": trusted.kid(), "typ": "JWT" }).to_string();
            assert!(verify(trusted.clone(), &forger.mint(header, claims(&[]))).is_err());
        }
    }
    for header in ["none", "None", "HashML-DSA-65", "ML-DSA-65-ES256"] {
        let header = encode(json!({ "alg": header, "typ": "JWT" }).to_string());
        let unsigned = format!("{header}.{}.", encode(claims(&[])));
        assert!(verify(trusted.clone(), &unsigned).is_err());
    }
}

#[test]
fn the_kid_selects_between_keys_of_several_types() {
    let ec = SigningKey::from_pem(Algorithm::ES256, keys::P256).unwrap();
    let ec_minter = Minter::new(Algorithm::ES256, keys::P256.as_bytes());
    let named = |key: VerifyingKey, kid: &str| key.with_kid(kid).unwrap();
    let of = |algorithm| key(algorithm).verifying_key();
    for (ec_kid, akp_kid) in [("ec", "akp"), ("same", "same")] {
        let set = KeySet::builder()
            .verifying_key(named(ec.verifying_key(), ec_kid))
            .verifying_key(named(of(Algorithm::MlDsa44), akp_kid))
            .verifying_key(named(of(Algorithm::MlDsa65), akp_kid))
            .build()
            .unwrap();
        let from_ec = |header: serde_json::Value| ec_minter.mint(header.to_string(), claims(&[]));
        assert_eq!(verify(set.clone(), &from_ec(json!({ "alg": "ES256", "kid": ec_kid }))), Ok(()));
        for algorithm in [Algorithm::MlDsa44, Algorithm::MlDsa65] {
            let alg = algorithm.as_str();
            let mint = |header| token(algorithm, SEED, &header);
            let outcome = |header| verify(set.clone(), &mint(header));
            assert_eq!(outcome(json!({ "alg": alg, "kid": akp_kid })), Ok(()));
            assert_eq!(outcome(json!({ "alg": alg })), Ok(()));
            let unknown = Err(AuthErrorKind::UnknownKey);
            assert_eq!(outcome(json!({ "alg": alg, "kid": "other" })), unknown);
            assert_eq!(outcome(json!({ "alg": "ML-DSA-87", "kid": akp_kid })), unknown);
            if ec_kid != akp_kid {
                assert_eq!(outcome(json!({ "alg": alg, "kid": ec_kid })), unknown);
            }
            // A signature of the other key under the right name.
            assert_eq!(
                verify(set.clone(), &from_ec(json!({ "alg": alg, "kid": akp_kid }))),
                Err(AuthErrorKind::InvalidSignature)
            );
            assert_eq!(
                outcome(json!({ "alg": "ES256", "kid": ec_kid })),
                Err(AuthErrorKind::InvalidSignature)
            );
        }
    }
}
