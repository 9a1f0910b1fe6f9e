//! What an issuer is built from, and which combinations are rejected.

use std::{num::NonZeroUsize, time::Duration};

use zeroize::Zeroizing;

use crate::{
    clock::Clock,
    error::ConfigError,
    store::{SharedStore, check_deadline},
    token::{ClaimNames, KeySet, is_id},
};

use super::{adoption::Adoption, event::Listener, name_hash::Fold};

const MAX_GRACE: Duration = Duration::from_secs(300);
const MAX_TICKET_LIFETIME: Duration = Duration::from_secs(300);
/// In bytes.
const MIN_NAME_KEY_LEN: usize = 32;

/// The settings of an issuer that is being built.
pub(super) struct Settings {
    pub(super) keys: KeySet,
    pub(super) names: ClaimNames,
    pub(super) access_lifetime: Duration,
    pub(super) refresh_lifetime: Duration,
    pub(super) session_lifetime: SessionLifetime,
    pub(super) session_limit: SessionLimit,
    pub(super) rotate: bool,
    pub(super) reuse_grace: Option<Duration>,
    pub(super) ticket_lifetime: Option<Duration>,
    pub(super) leeway: Duration,
    pub(super) clock_skew: Option<Duration>,
    pub(super) issuer: Option<Box<str>>,
    pub(super) audience: Option<Box<str>>,
    pub(super) access_auth_time: bool,
    pub(super) client_id: Option<Box<str>>,
    pub(super) max_token_len: usize,
    pub(super) store: Option<SharedStore>,
    pub(super) store_deadline: Option<Duration>,
    pub(super) clock: Clock,
    #[cfg(feature = "routes")]
    pub(super) password_amr: bool,
    pub(super) adoption: Option<Adoption>,
    pub(super) listeners: Vec<Listener>,
    pub(super) name_key: Option<(Zeroizing<Vec<u8>>, Fold)>,
}

pub(super) enum SessionLifetime {
    Default,
    Limited(Duration),
    Unlimited,
}

pub(super) enum SessionLimit {
    Default,
    Limited(NonZeroUsize),
    Unlimited,
}

impl Settings {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.check_keys()?;
        self.check_lifetimes()?;
        self.check_store()?;
        self.check_name_key()?;
        self.check_rfc9068()
    }

    fn check_keys(&self) -> Result<(), ConfigError> {
        let keys = self.keys.load();
        if keys.signing_key().is_none() {
            return Err(ConfigError::ineffective("the keys of an issuer need a signing key"));
        }
        if let Some(terms) = keys.terms() {
            let longest = self.access_lifetime.max(self.refresh_lifetime);
            if longest.saturating_add(self.leeway) > terms.token_lifetime {
                return Err(ConfigError::out_of_range(
                    "`access_lifetime` and `refresh_lifetime` with `leeway` must not exceed the \
                     token lifetime of the key rotation policy",
                ));
            }
        }
        Ok(())
    }

    fn check_lifetimes(&self) -> Result<(), ConfigError> {
        if self.access_lifetime.as_secs() == 0 || self.refresh_lifetime.as_secs() == 0 {
            return Err(ConfigError::out_of_range(
                "`access_lifetime` and `refresh_lifetime` must be at least one second",
            ));
        }
        if let SessionLifetime::Limited(lifetime) = self.session_lifetime
            && lifetime < self.refresh_lifetime
        {
            return Err(ConfigError::out_of_range(
                "`session_lifetime` must be at least `refresh_lifetime`",
            ));
        }
        if let Some(lifetime) = self.ticket_lifetime
            && (lifetime.as_secs() == 0 || lifetime > MAX_TICKET_LIFETIME)
        {
            return Err(ConfigError::out_of_range("`ticket_lifetime` must be 1 to 300 seconds"));
        }
        let Some(grace) = self.reuse_grace.filter(|grace| !grace.is_zero()) else {
            return Ok(());
        };
        if grace.as_secs() == 0 || grace > MAX_GRACE {
            return Err(ConfigError::out_of_range(
                "`reuse_grace` must be zero or 1 to 300 seconds",
            ));
        }
        if !self.rotate {
            return Err(ConfigError::ineffective(
                "`reuse_grace` requires `rotate_refresh_tokens(true)`",
            ));
        }
        Ok(())
    }

    fn check_store(&self) -> Result<(), ConfigError> {
        if let Some(deadline) = self.store_deadline {
            check_deadline(deadline)?;
        }
        if self.store.is_some() {
            return Ok(());
        }
        Err(ConfigError::ineffective(if self.rotate {
            "`rotate_refresh_tokens(true)` requires a `store`"
        } else if self.adoption.is_some() {
            "`adopt_refresh_tokens` requires a `store`"
        } else if matches!(self.session_limit, SessionLimit::Limited(_)) {
            "`sessions_per_user` requires a `store`"
        } else if self.ticket_lifetime.is_some() {
            "`ticket_lifetime` requires a `store`"
        } else if self.store_deadline.is_some() {
            "`store_deadline` requires a `store`"
        } else {
            return Ok(());
        }))
    }

    fn check_name_key(&self) -> Result<(), ConfigError> {
        if self.name_key.as_ref().is_some_and(|(key, _)| key.len() < MIN_NAME_KEY_LEN) {
            return Err(ConfigError::key("`login_name_key` must have at least 32 bytes"));
        }
        if self.name_key.is_some() && self.listeners.is_empty() {
            return Err(ConfigError::ineffective("`login_name_key` requires `on_event`"));
        }
        Ok(())
    }

    fn check_rfc9068(&self) -> Result<(), ConfigError> {
        let Some(client_id) = &self.client_id else {
            return Ok(());
        };
        if self.issuer.is_none() || self.audience.is_none() {
            return Err(ConfigError::ineffective(
                "`rfc9068_access_tokens` requires an `issuer` and an `audience`",
            ));
        }
        if !is_id(client_id) {
            return Err(ConfigError::out_of_range(
                "the client id of `rfc9068_access_tokens` must have 1 to 255 bytes and no null \
                 character",
            ));
        }
        if self.names.jti() != "jti"
            || [self.names.user_id(), self.names.token_type()].contains(&"client_id")
        {
            return Err(ConfigError::conflict(
                "RFC 9068 fixes the meaning of the claims `jti` and `client_id`; `claim_names` must \
                 not change it",
            ));
        }
        Ok(())
    }
}
