//! Keys that follow each other while serving.

mod folder;
mod life;
mod settings;
mod storage;
mod travel;

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::Value;
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, Issuer, KeySet, ManualClock, NumericDate, Verifier,
    key_rotation::{
        KeyStorage, KeyStorageError, RotatingKeys, RotationPolicy, RotationPolicyBuilder,
        StoredKeys,
    },
    token::NoClaims,
    user::User,
};

use crate::support::login::{DAY, HOUR, MINUTE, NOW, part};

const MONTH: Duration = Duration::from_secs(30 * 24 * 60 * 60);

fn clock() -> ManualClock {
    ManualClock::new(NumericDate::from_secs(NOW))
}

/// A rotation a month, published an hour before, for tokens of a day.
fn policy(clock: &ManualClock) -> RotationPolicyBuilder {
    let policy = RotationPolicy::builder(Algorithm::ES256).clock(clock);
    policy.rotate_every(MONTH).lead_time(HOUR).token_lifetime(DAY)
}

async fn open(storage: &InMemory, policy: RotationPolicyBuilder) -> RotatingKeys {
    RotatingKeys::open(storage.clone(), policy.build().unwrap()).await.unwrap()
}

fn issuer(keys: &RotatingKeys, clock: &ManualClock) -> Issuer<NoClaims> {
    Issuer::builder(keys).clock(clock).build().unwrap()
}

/// A refresh token, which lives for a day, and the id of the key that signed it.
async fn sign(issuer: &Issuer<NoClaims>) -> (String, String) {
    let tokens = issuer.login(&User::new(1, NoClaims::default())).await.unwrap();
    let token = tokens.refresh().unwrap().to_owned();
    let kid = kid_of(&token);
    (token, kid)
}

fn kid_of(token: &str) -> String {
    let header: Value = serde_json::from_str(&part(token, 0)).unwrap();
    header["kid"].as_str().unwrap().to_owned()
}

fn verify(keys: impl Into<KeySet>, clock: &ManualClock, token: &str) -> Result<(), AuthErrorKind> {
    let verifier = Verifier::builder(keys).clock(clock).any_token_type();
    verifier.build().unwrap().verify(token).map(drop).map_err(|error| error.kind())
}

/// The ids of what is published.
fn published(keys: &RotatingKeys) -> Vec<String> {
    let set: Value = serde_json::from_str(&keys.key_set().to_jwks()).unwrap();
    let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
    set["keys"].as_array().unwrap().iter().map(kid).collect()
}

/// What a [`InMemory`] does with every call.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Fault {
    None,
    Refuses,
    Hangs,
    /// Somebody else is always faster.
    Contended,
}

/// A storage behind a switch. Clones share both.
#[derive(Clone, Default)]
struct InMemory {
    stored: Arc<Mutex<Option<StoredKeys>>>,
    fault: Arc<AtomicU8>,
    writes: Arc<AtomicUsize>,
}

impl InMemory {
    fn set(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }

    fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    fn text(&self) -> String {
        let stored = self.stored.lock().unwrap().clone().unwrap();
        String::from_utf8(stored.as_bytes().to_vec()).unwrap()
    }

    fn put(&self, text: Option<&str>) {
        *self.stored.lock().unwrap() = text.map(|text| StoredKeys::new(text.into()));
    }

    async fn pass(&self) -> Result<(), KeyStorageError> {
        const REFUSES: u8 = Fault::Refuses as u8;
        const HANGS: u8 = Fault::Hangs as u8;
        match self.fault.load(Ordering::SeqCst) {
            REFUSES => Err(KeyStorageError::unavailable("out of order")),
            HANGS => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

impl KeyStorage for InMemory {
    async fn load(&self) -> Result<Option<StoredKeys>, KeyStorageError> {
        self.pass().await?;
        // Others get their turn between reading and writing.
        tokio::task::yield_now().await;
        Ok(self.stored.lock().unwrap().clone())
    }

    async fn replace(
        &self,
        expected: Option<&StoredKeys>,
        new: &StoredKeys,
    ) -> Result<bool, KeyStorageError> {
        self.pass().await?;
        let mut stored = self.stored.lock().unwrap();
        let contended = self.fault.load(Ordering::SeqCst) == Fault::Contended as u8;
        if contended || stored.as_ref() != expected {
            return Ok(false);
        }
        *stored = Some(new.clone());
        self.writes.fetch_add(1, Ordering::SeqCst);
        Ok(true)
    }
}

/// A minute past the moment at which a key that ceased to sign at `end` is forgotten.
const KEPT: Duration = DAY.saturating_add(MINUTE);
