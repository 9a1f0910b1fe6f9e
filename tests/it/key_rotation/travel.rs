//! Keys as they travel: copies that refresh when they do, and services elsewhere that keep what
//! they fetched for as long as they may.

use std::{
    collections::{HashSet, VecDeque},
    time::Duration,
};

use tower_jwt_auth::{KeySet, ManualClock, VerifyingKey, key_rotation::RotatingKeys};

use crate::support::login::{DAY, HOUR};

use super::{InMemory, clock, issuer, open, policy, sign, verify};

/// Somebody who fetches the published set and keeps it.
struct Elsewhere {
    keys: KeySet,
    fetched_at: u64,
}

impl Elsewhere {
    fn fetch(keys: &RotatingKeys, clock: &ManualClock) -> Self {
        let set: serde_json::Value = serde_json::from_str(&keys.key_set().to_jwks()).unwrap();
        let keys = set["keys"].as_array().unwrap().iter().fold(KeySet::builder(), |keys, jwk| {
            keys.verifying_key(VerifyingKey::from_jwk(&jwk.to_string(), None).unwrap())
        });
        Self { keys: keys.build().unwrap(), fetched_at: clock.now().as_secs() }
    }
}

/// Of 100 rotations, nobody notices one: not the copy that did not sign, and not those who look at
/// the published set as seldom as they may. They never look again because of an unknown key.
#[tokio::test]
async fn nobody_meets_a_key_that_is_not_known() {
    /// The longest step.
    const STEP: u64 = 512;
    const MAX_AGE: u64 = 30 * 60;
    /// A task looks at the storage four times in the lead time.
    const LOOK: u64 = 15 * 60;

    let clock = clock();
    let storage = InMemory::default();
    let policy = || policy(&clock).rotate_every(6 * HOUR);
    let copies = [open(&storage, policy()).await, open(&storage, policy()).await];
    let issuers = copies.each_ref().map(|keys| issuer(keys, &clock));
    let mut elsewhere = copies.each_ref().map(|keys| Elsewhere::fetch(keys, &clock));
    let mut looked_at = clock.now().as_secs();
    let (mut alive, mut kids) = (VecDeque::new(), HashSet::new());
    let mut random = 1_u64;
    while kids.len() <= 100 {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        clock.advance(Duration::from_secs(random >> 55));
        let now = clock.now().as_secs();
        // One copy is always up to date, the other one looks as seldom as it may.
        copies[0].refresh().await.unwrap();
        if looked_at + LOOK <= now + STEP {
            copies[1].refresh().await.unwrap();
            looked_at = now;
        }
        for (elsewhere, keys) in elsewhere.iter_mut().zip(&copies) {
            if elsewhere.fetched_at + MAX_AGE <= now + STEP {
                *elsewhere = Elsewhere::fetch(keys, &clock);
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
            verifying.chain(elsewhere.iter().map(|elsewhere| elsewhere.keys.clone())).collect();
        for (_, token) in alive.iter().rev().take(2).chain(alive.iter().step_by(100)) {
            for keys in &verifying {
                assert_eq!(verify(keys.clone(), &clock, token), Ok(()));
            }
        }
    }
}
