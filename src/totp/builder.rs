use std::{fmt, sync::Arc};

use zeroize::Zeroizing;

use crate::{clock::Clock, error::ConfigError};

use super::{
    sealing::SealingKeys,
    store::{DynTotpStore, TotpStore},
    totp_handle::{Inner, Totp},
};

/// The name is in the QR code twice.
const MAX_ISSUER_LEN: usize = 64;

/// Configures a [`Totp`].
#[must_use]
pub struct TotpBuilder {
    store: Arc<dyn DynTotpStore>,
    /// The current key first.
    keys: Vec<Zeroizing<Vec<u8>>>,
    issuer: Option<String>,
    acr: Option<&'static str>,
    clock: Clock,
}

impl Totp {
    /// Starts a builder. The secrets are in `store`, encrypted with `key`: 32 random bytes.
    ///
    /// Keep the key where the other secrets of the application are, not in the database. If it is
    /// lost, nobody can log in with a code.
    pub fn builder(store: impl TotpStore, key: impl AsRef<[u8]>) -> TotpBuilder {
        TotpBuilder {
            store: Arc::new(store),
            keys: vec![key.as_ref().to_vec().into()],
            issuer: None,
            acr: None,
            clock: Clock::system(),
        }
    }
}

impl TotpBuilder {
    /// Adds a key that secrets may still be encrypted with. Call it repeatedly to add several. Default:
    /// none.
    ///
    /// See [how to rotate keys](super#encryption).
    pub fn previous_key(mut self, key: impl AsRef<[u8]>) -> Self {
        self.keys.push(key.as_ref().to_vec().into());
        self
    }

    /// Sets the name of the application, which authenticator apps show beside the code. Default: none,
    /// and they show the name of the account only.
    pub fn issuer(mut self, name: impl Into<String>) -> Self {
        self.issuer = Some(name.into());
        self
    }

    /// Sets how strongly a user is authenticated who has entered a code, for the claim
    /// [`acr`](crate::Claims::acr) of the tokens, so that a route can
    /// [require](crate::token::StepUp) a code. Default: the tokens have no `acr`.
    pub const fn acr(mut self, class: &'static str) -> Self {
        self.acr = Some(class);
        self
    }

    /// Sets the clock. Default: the clock of the operating system.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Builds the second factor.
    ///
    /// # Errors
    ///
    /// - A key does not have 32 bytes, or all its bytes are equal.
    /// - Two keys are equal.
    /// - The [issuer](Self::issuer) is empty, is longer than 64 bytes, or contains a colon or a control
    ///   character.
    pub fn build(self) -> Result<Totp, ConfigError> {
        let is_name = |name: &String| {
            (1..=MAX_ISSUER_LEN).contains(&name.len())
                && !name.contains(|char: char| char == ':' || char.is_control())
        };
        if !self.issuer.as_ref().is_none_or(is_name) {
            return Err(ConfigError::out_of_range(
                "the TOTP issuer must have 1 to 64 bytes, and neither colons nor control characters",
            ));
        }
        let keys = SealingKeys::new(&self.keys)?;
        Ok(Totp::new(Inner::new(self.store, keys, self.issuer, self.acr, self.clock)))
    }
}

/// Hides the keys.
impl fmt::Debug for TotpBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TotpBuilder").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
