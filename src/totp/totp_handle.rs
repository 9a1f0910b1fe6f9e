use std::{fmt, sync::Arc};

use aws_lc_rs::rand;
use base64_simd::URL_SAFE_NO_PAD;

use crate::{
    clock::Clock,
    token::UserId,
    trace::warn,
    user::{BackendError, SecondFactor},
};

use super::{
    enrolment::Enrolment,
    error::TotpError,
    recent_steps::RecentSteps,
    recovery::{RecoveryCodes, hash_of},
    sealing::{Opened, SealingKeys},
    secret::{IMPORTED_LEN, digits, generate, step_of},
    store::{Confirmation, DynTotpStore, TotpRecord},
};

/// Longer codes are rejected before anything is done in proportion to their length. In bytes.
const MAX_CODE_LEN: usize = 64;

/// One-time codes of authenticator apps, for the logins of users who have enabled them. Cheap to clone.
/// See the [module docs](super).
#[derive(Clone)]
pub struct Totp(Arc<Inner>);

pub(super) struct Inner {
    store: Arc<dyn DynTotpStore>,
    keys: SealingKeys,
    issuer: Option<String>,
    acr: Option<&'static str>,
    clock: Clock,
    recent_steps: RecentSteps,
}

impl Inner {
    pub(super) fn new(
        store: Arc<dyn DynTotpStore>,
        keys: SealingKeys,
        issuer: Option<String>,
        acr: Option<&'static str>,
        clock: Clock,
    ) -> Self {
        Self { store, keys, issuer, acr, clock, recent_steps: RecentSteps::new() }
    }
}

impl Totp {
    pub(super) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// Begins to enable the second factor: makes a secret, which the user adds to an authenticator app.
    /// Logins do not require a code before it is [confirmed](Self::confirm).
    ///
    /// `account_name` is what the app shows, for example the e-mail address. Its first 64 characters are
    /// used. A secret that was made before and is not confirmed is replaced.
    ///
    /// # Errors
    ///
    /// - [`AlreadyEnabled`](TotpError::AlreadyEnabled) if the user has confirmed a secret.
    /// - [`Backend`](TotpError::Backend) if the store is unavailable.
    pub async fn enrol(
        &self,
        user_id: &UserId,
        account_name: &str,
    ) -> Result<Enrolment, TotpError> {
        let Inner { store, keys, issuer, .. } = &*self.0;
        let secret = generate().map_err(BackendError::unavailable)?;
        let enrolment = Enrolment::new(&secret, issuer.as_deref(), account_name)?;
        if !store.begin(user_id, &keys.seal(user_id, &secret)?).await? {
            return Err(TotpError::AlreadyEnabled);
        }
        Ok(enrolment)
    }

    /// Enables the second factor with the first code of the app, and returns the recovery codes. The
    /// code counts as used. From now on, logins require a code.
    ///
    /// # Errors
    ///
    /// - [`InvalidCode`](TotpError::InvalidCode) for a wrong code. The enrolment stays open.
    /// - [`NotEnrolled`](TotpError::NotEnrolled) without an [enrolment](Self::enrol).
    /// - [`AlreadyEnabled`](TotpError::AlreadyEnabled) if the secret was confirmed before.
    /// - [`Backend`](TotpError::Backend) if the store is unavailable.
    pub async fn confirm(&self, user_id: &UserId, code: &str) -> Result<RecoveryCodes, TotpError> {
        let Inner { store, keys, clock, recent_steps, .. } = &*self.0;
        let record = store.find(user_id).await?.ok_or(TotpError::NotEnrolled)?;
        if record.last_step.is_some() {
            return Err(TotpError::AlreadyEnabled);
        }
        let Opened { secret, .. } = keys.open(user_id, &record.secret)?;
        let step = is_short(code)
            .then(|| step_of(&secret, &digits(code)?, clock.now().as_secs(), 0))
            .flatten()
            .ok_or(TotpError::InvalidCode)?;
        let codes = self.enable(user_id, &record.secret, step).await?;
        recent_steps.accepted(&secret, step);
        Ok(codes)
    }

    /// Enables the second factor with a secret of another system, that is in the user's app already,
    /// and returns new recovery codes.
    ///
    /// The secret must be for codes of six digits, SHA-1 and 30 seconds.
    ///
    /// # Errors
    ///
    /// - [`InvalidSecret`](TotpError::InvalidSecret) if the secret has less than 16 or more than 64
    ///   bytes.
    /// - [`AlreadyEnabled`](TotpError::AlreadyEnabled) if the user has confirmed a secret.
    /// - [`Backend`](TotpError::Backend) if the store is unavailable.
    pub async fn import(
        &self,
        user_id: &UserId,
        secret: &[u8],
    ) -> Result<RecoveryCodes, TotpError> {
        if !IMPORTED_LEN.contains(&secret.len()) {
            return Err(TotpError::InvalidSecret);
        }
        let sealed = self.0.keys.seal(user_id, secret)?;
        if !self.0.store.begin(user_id, &sealed).await? {
            return Err(TotpError::AlreadyEnabled);
        }
        self.enable(user_id, &sealed, 0).await
    }

    async fn enable(
        &self,
        user_id: &UserId,
        sealed: &str,
        step: u64,
    ) -> Result<RecoveryCodes, TotpError> {
        let store = &self.0.store;
        let codes = RecoveryCodes::generate().map_err(BackendError::unavailable)?;
        let recovery_codes = codes.hashes(user_id);
        let confirmation = Confirmation { secret: sealed, step, recovery_codes: &recovery_codes };
        if store.confirm(user_id, &confirmation, &use_id()?).await? {
            return Ok(codes);
        }
        // Another request has confirmed it, or has begun another enrolment.
        let record = store.find(user_id).await?;
        let is_enabled = record.is_some_and(|record| record.last_step.is_some());
        Err(if is_enabled { TotpError::AlreadyEnabled } else { TotpError::InvalidCode })
    }

    /// Disables the second factor: removes the secret and the recovery codes. Returns whether it was
    /// enabled.
    ///
    /// Call it when an account is deleted, and for users who have lost their device and their recovery
    /// codes. Somebody who can have it disabled needs no second factor: verify who asks for it.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the store is unavailable.
    pub async fn disable(&self, user_id: &UserId) -> Result<bool, BackendError> {
        self.0.store.remove(user_id).await
    }

    /// Returns how many recovery codes are left. `None` if the second factor is not enabled.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the store is unavailable.
    pub async fn recovery_codes_left(
        &self,
        user_id: &UserId,
    ) -> Result<Option<usize>, BackendError> {
        let record = self.0.store.find(user_id).await?;
        let record = record.filter(|record| record.last_step.is_some());
        Ok(record.map(|record| record.recovery_codes))
    }

    /// Encrypts the secret of a user with the current key, if it is encrypted with a
    /// [previous one](super::TotpBuilder::previous_key). Returns whether it was.
    ///
    /// # Errors
    ///
    /// [`BackendError`] if the store is unavailable, or if no key decrypts the secret.
    pub async fn reencrypt(&self, user_id: &UserId) -> Result<bool, BackendError> {
        let Some(record) = self.0.store.find(user_id).await? else { return Ok(false) };
        let opened = self.0.keys.open(user_id, &record.secret)?;
        if opened.is_current {
            return Ok(false);
        }
        self.seal_again(user_id, &record, &opened).await
    }

    async fn seal_again(
        &self,
        user_id: &UserId,
        record: &TotpRecord,
        opened: &Opened,
    ) -> Result<bool, BackendError> {
        let sealed = self.0.keys.seal(user_id, &opened.secret)?;
        self.0.store.replace_secret(user_id, &record.secret, &sealed).await
    }

    async fn use_code(&self, user_id: &UserId, digits: &str) -> Result<bool, BackendError> {
        let Inner { store, keys, clock, recent_steps, .. } = &*self.0;
        let Some(record) = store.find(user_id).await? else { return Ok(false) };
        let Some(last_step) = record.last_step else { return Ok(false) };
        let opened = keys.open(user_id, &record.secret)?;
        let last_step = last_step.max(recent_steps.last(&opened.secret));
        let step = step_of(&opened.secret, digits, clock.now().as_secs(), last_step);
        let Some(step) = step else { return Ok(false) };
        if !store.use_step(user_id, &record.secret, step, &use_id()?).await? {
            return Ok(false);
        }
        recent_steps.accepted(&opened.secret, step);
        if !opened.is_current
            && let Err(error) = self.seal_again(user_id, &record, &opened).await
        {
            warn!(error = &error as &dyn std::error::Error, "a TOTP secret keeps its old key");
        }
        Ok(true)
    }
}

/// Codes of the app, and recovery codes.
impl SecondFactor for Totp {
    async fn is_enabled(&self, user_id: &UserId) -> Result<bool, BackendError> {
        let record = self.0.store.find(user_id).await?;
        Ok(record.is_some_and(|record| record.last_step.is_some()))
    }

    async fn verify(&self, user_id: &UserId, code: &str) -> Result<bool, BackendError> {
        if !is_short(code) {
            return Ok(false);
        }
        if let Some(digits) = digits(code) {
            return self.use_code(user_id, &digits).await;
        }
        match hash_of(user_id, code) {
            Some(hash) => self.0.store.use_recovery_code(user_id, &hash, &use_id()?).await,
            None => Ok(false),
        }
    }

    fn acr(&self) -> Option<&'static str> {
        self.0.acr
    }
}

const fn is_short(code: &str) -> bool {
    code.len() <= MAX_CODE_LEN
}

fn use_id() -> Result<String, BackendError> {
    let mut bytes = [0; 16];
    rand::fill(&mut bytes).map_err(BackendError::unavailable)?;
    Ok(URL_SAFE_NO_PAD.encode_to_string(bytes))
}

/// Hides the keys.
impl fmt::Debug for Totp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Totp").field("issuer", &self.0.issuer).finish_non_exhaustive()
    }
}
