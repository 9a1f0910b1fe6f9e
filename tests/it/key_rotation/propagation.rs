//! How rotations reach the other copies of a service, and other services that cache the published
//! keys.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use tower_jwt_auth::{KeySet, ManualClock, VerifyingKey, key_rotation::RotatingKeys};

use crate::support::login::{DAY, HOUR};

use super::{InMemory, clock, issuer, open, policy, sign, verify};

/// Another service, which caches the published keys.
struct OtherService {
    keys: KeySet,
    fetched_at: u64,
}

impl OtherService {
    fn fetch(keys: &RotatingKeys, clock: &ManualClock) -> Self {
        let set: serde_json::Value = serde_json::from_str(&keys.key_set().to_jwks()).unwrap();
        let keys = set["keys"].as_array().unwrap().iter().fold(KeySet::builder(), |keys, jwk| {
            keys.verifying_key(VerifyingKey::from_jwk(&jwk.to_string(), None).unwrap())
        });
        Self { keys: keys.build().unwrap(), fetched_at: clock.now().as_secs() }
    }
}

/// During 100 rotations, tokens are verified by a copy that refreshes as rarely as the task does,
/// and by services that fetch the published keys only when their cache expires. An unknown key never
/// causes a fetch here.
#[tokio::test]
async fn every_token_is_signed_with_a_key_that_all_services_know() {
    /// The longest step of the clock, in seconds.
    const STEP: u64 = 512;
    const MAX_AGE: u64 = 30 * 60;
    /// The task refreshes four times in the lead time.
    const REFRESH_INTERVAL: u64 = 15 * 60;

    let clock = clock();
    let storage = InMemory::default();
    let policy = || policy(&clock).rotate_every(2 * HOUR);
    let copies = [open(&storage, policy()).await, open(&storage, policy()).await];
    let issuers = copies.each_ref().map(|keys| issuer(keys, &clock));
    let mut services = copies.each_ref().map(|keys| OtherService::fetch(keys, &clock));
    let mut refreshed_at = clock.now().as_secs();
    let (mut alive, mut kids) = (VecDeque::new(), HashSet::new());
    let mut random = 1_u64;
    while kids.len() <= 100 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        clock.advance(Duration::from_secs(random >> 55));
        let now = clock.now().as_secs();
        // One copy is always up to date. The other one refreshes as rarely as the task does.
        copies[0].refresh().await.unwrap();
        if refreshed_at + REFRESH_INTERVAL <= now + STEP {
            copies[1].refresh().await.unwrap();
            refreshed_at = now;
        }
        for (service, keys) in services.iter_mut().zip(&copies) {
            if service.fetched_at + MAX_AGE <= now + STEP {
                *service = OtherService::fetch(keys, &clock);
            }
        }
        for issuer in &issuers {
            let (token, kid) = sign(issuer).await;
            alive.push_back((now + DAY.as_secs(), token));
            kids.insert(kid);
        }
        while alive.front().is_some_and(|(expiry, _)| *expiry <= now) {
            alive.pop_front();
        }
        let verifying = copies.iter().map(RotatingKeys::key_set);
        let verifying: Vec<_> =
            verifying.chain(services.iter().map(|service| service.keys.clone())).collect();
        for (_, token) in alive.iter().rev().take(2).chain(alive.iter().step_by(100)) {
            for keys in &verifying {
                assert_eq!(verify(keys.clone(), &clock, token), Ok(()));
            }
        }
    }
}
