//! Rotation from one algorithm to another and back.

use std::sync::{Arc, Mutex};

use serde_json::Value;
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, Issuer, ManualClock, Verifier,
    key_rotation::{
        KeyFolder, KeyStorage, KeyStorageError, RotatingKeys, RotationPolicy, StoredKeys,
    },
    token::NoClaims,
    user::User,
};

use super::ALGORITHMS;
use crate::support::{
    folder::Folder,
    login::{DAY, HOUR, MINUTE, part},
    mint::clock,
};

/// A storage whose clones share the document.
#[derive(Clone, Default)]
struct InMemory(Arc<Mutex<Option<StoredKeys>>>);

impl KeyStorage for InMemory {
    async fn load(&self) -> Result<Option<StoredKeys>, KeyStorageError> {
        Ok(self.0.lock().unwrap().clone())
    }

    async fn replace(
        &self,
        expected: Option<&StoredKeys>,
        new: &StoredKeys,
    ) -> Result<bool, KeyStorageError> {
        let mut stored = self.0.lock().unwrap();
        let is_expected = stored.as_ref() == expected;
        if is_expected {
            *stored = Some(new.clone());
        }
        Ok(is_expected)
    }
}

async fn open(storage: impl KeyStorage, clock: &ManualClock, algorithm: Algorithm) -> RotatingKeys {
    let policy = RotationPolicy::builder(algorithm).clock(clock).rotate_every(None);
    let policy = policy.lead_time(HOUR).token_lifetime(DAY).build().unwrap();
    RotatingKeys::open(storage, policy).await.unwrap()
}

/// A refresh token, which lives for a day, with the algorithm in its header.
async fn sign(keys: &RotatingKeys, clock: &ManualClock) -> (String, String) {
    let issuer = Issuer::builder(keys).clock(clock).build().unwrap();
    let tokens = issuer.login(&User::new(1, NoClaims::default())).await.unwrap();
    let token = tokens.refresh().unwrap().to_owned();
    let header: Value = serde_json::from_str(&part(&token, 0)).unwrap();
    (token, header["alg"].as_str().unwrap().to_owned())
}

fn verify(keys: &RotatingKeys, clock: &ManualClock, token: &str) -> Result<(), AuthErrorKind> {
    let verifier: Verifier = Verifier::builder(keys).clock(clock).any_token_type().build().unwrap();
    verifier.verify(token).map(drop).map_err(|error| error.kind())
}

fn published(keys: &RotatingKeys) -> Vec<String> {
    let set: Value = serde_json::from_str(&keys.key_set().to_jwks()).unwrap();
    let name = |key: &Value| key["alg"].as_str().unwrap().to_owned();
    set["keys"].as_array().unwrap().iter().map(name).collect()
}

#[tokio::test]
async fn rotates_from_es256_to_ml_dsa_and_back() {
    for (algorithm, ..) in ALGORITHMS {
        let (storage, clock) = (InMemory::default(), clock());
        let keys = open(storage.clone(), &clock, Algorithm::ES256).await;
        let (mut last, _) = sign(&keys, &clock).await;
        drop(keys);
        for (from, to) in [(Algorithm::ES256, algorithm), (algorithm, Algorithm::ES256)] {
            // The service starts again with the other algorithm.
            let keys = open(storage.clone(), &clock, to).await;
            assert_eq!(published(&keys), [from.as_str(), to.as_str()], "published in advance");
            assert_eq!(sign(&keys, &clock).await.1, from.as_str());
            clock.advance(HOUR);
            keys.refresh().await.unwrap();
            let (new, by) = sign(&keys, &clock).await;
            assert_eq!(by, to.as_str());
            for token in [&last, &new] {
                assert_eq!(verify(&keys, &clock, token), Ok(()), "{from} to {to}");
            }
            clock.advance(DAY + MINUTE);
            keys.refresh().await.unwrap();
            assert_eq!(published(&keys), [to.as_str()]);
            last = sign(&keys, &clock).await.0;
            assert_eq!(verify(&keys, &clock, &last), Ok(()));
        }
    }
}

/// The stored form is PKCS#8 with the seed.
#[tokio::test]
async fn stored_keys_sign_after_a_restart() {
    for (algorithm, ..) in ALGORITHMS {
        let (folder, clock) = (Folder::new(), clock());
        let storage = || KeyFolder::new(folder.path().join("keys"));
        let keys = open(storage(), &clock, algorithm).await;
        let set = keys.key_set().to_jwks();
        let (token, _) = sign(&keys, &clock).await;
        drop(keys);
        let keys = open(storage(), &clock, algorithm).await;
        assert_eq!(keys.key_set().to_jwks(), set);
        assert_eq!(verify(&keys, &clock, &token), Ok(()));
        assert_eq!(sign(&keys, &clock).await.1, algorithm.as_str());
        let document = std::fs::read_to_string(folder.path().join("keys/keys.json")).unwrap();
        let document: Value = serde_json::from_str(&document).unwrap();
        let private = document["keys"][0]["private_key"].as_str().unwrap();
        // 54 bytes: 22 around the seed of 32.
        assert_eq!(private.len(), 72, "only the seed is stored");
    }
}
