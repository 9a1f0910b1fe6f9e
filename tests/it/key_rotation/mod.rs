//! Signing keys that rotate while serving.

mod folder;
mod lifecycle;
mod propagation;
mod settings;
mod storage;

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

/// Rotates monthly, with a lead time of one hour, for tokens that live for one day.
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

/// The ids of the published keys.
fn published(keys: &RotatingKeys) -> Vec<String> {
    let set: Value = serde_json::from_str(&keys.key_set().to_jwks()).unwrap();
    let kid = |key: &Value| key["kid"].as_str().unwrap().to_owned();
    set["keys"].as_array().unwrap().iter().map(kid).collect()
}

/// How an [`InMemory`] fails.
#[derive(Clone, Copy)]
#[repr(u8)]
enum Fault {
    None,
    Fails,
    /// Only reading works, as on a full disk.
    WritesFail,
    Hangs,
    /// Another copy has always changed the document.
    Contended,
}

/// A storage that fails on demand. Clones share the document and the fault.
#[derive(Clone, Default)]
struct InMemory {
    stored: Arc<Mutex<Option<StoredKeys>>>,
    fault: Arc<AtomicU8>,
    writes: Arc<AtomicUsize>,
}

impl InMemory {
    fn set_fault(&self, fault: Fault) {
        self.fault.store(fault as u8, Ordering::SeqCst);
    }

    fn writes(&self) -> usize {
        self.writes.load(Ordering::SeqCst)
    }

    fn document(&self) -> String {
        let stored = self.stored.lock().unwrap().clone().unwrap();
        String::from_utf8(stored.as_bytes().to_vec()).unwrap()
    }

    fn set_document(&self, json: Option<&str>) {
        *self.stored.lock().unwrap() = json.map(|json| StoredKeys::new(json.into()));
    }

    async fn check(&self, is_write: bool) -> Result<(), KeyStorageError> {
        const FAILS: u8 = Fault::Fails as u8;
        const WRITES_FAIL: u8 = Fault::WritesFail as u8;
        const HANGS: u8 = Fault::Hangs as u8;
        match self.fault.load(Ordering::SeqCst) {
            WRITES_FAIL if is_write => Err(KeyStorageError::unavailable("no space left")),
            FAILS => Err(KeyStorageError::unavailable("out of order")),
            HANGS => std::future::pending().await,
            _ => Ok(()),
        }
    }
}

impl KeyStorage for InMemory {
    async fn load(&self) -> Result<Option<StoredKeys>, KeyStorageError> {
        self.check(false).await?;
        // Other copies can write between the read and the write.
        tokio::task::yield_now().await;
        Ok(self.stored.lock().unwrap().clone())
    }

    async fn replace(
        &self,
        expected: Option<&StoredKeys>,
        new: &StoredKeys,
    ) -> Result<bool, KeyStorageError> {
        self.check(true).await?;
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

/// How long a key is kept after it has stopped signing: the token lifetime and one minute.
const KEPT: Duration = DAY.saturating_add(MINUTE);
