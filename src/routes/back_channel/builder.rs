use std::{fmt, sync::Arc, time::Duration};

use crate::{
    clock::Clock,
    error::ConfigError,
    store::{DEFAULT_DEADLINE, SharedStore, TokenStore, check_deadline},
    token::Verifier,
};

use super::{
    super::{body::BodyLimits, path::check_base},
    handler::LogoutState,
    routes::BackChannelLogoutRoutes,
};

const DEFAULT_PATH: &str = "/backchannel-logout";
const DEFAULT_REMEMBER_FOR: Duration = Duration::from_secs(24 * 60 * 60);
const MIN_REMEMBER_FOR: Duration = Duration::from_secs(60);

/// Configures [`BackChannelLogoutRoutes`].
#[must_use]
pub struct BackChannelLogoutRoutesBuilder {
    verifier: Verifier,
    store: SharedStore,
    deadline: Duration,
    path: String,
    remember_for: Duration,
    clock: Clock,
    body_limits: BodyLimits,
}

impl BackChannelLogoutRoutes {
    /// Starts a builder. `verifier` accepts the logout tokens of one issuer, or of
    /// [several](Verifier::by_issuer). Logouts are written to `store`.
    pub fn builder(verifier: Verifier, store: impl TokenStore) -> BackChannelLogoutRoutesBuilder {
        BackChannelLogoutRoutesBuilder {
            verifier,
            store: SharedStore::new(store, DEFAULT_DEADLINE),
            deadline: DEFAULT_DEADLINE,
            path: DEFAULT_PATH.to_owned(),
            remember_for: DEFAULT_REMEMBER_FOR,
            clock: Clock::system(),
            body_limits: BodyLimits::default(),
        }
    }
}

impl BackChannelLogoutRoutesBuilder {
    /// Sets the path. Default: `/backchannel-logout`.
    pub fn at(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets how long the end of a session is remembered, at least one minute. Default: one day.
    ///
    /// It must be at least as long as the access tokens of the issuer are valid. Otherwise a token
    /// is accepted again after this time. Set
    /// [`longest_lifetime`](crate::token::VerifierBuilder::longest_lifetime) of the verifier of access
    /// tokens to at most this time.
    pub fn remember_for(mut self, duration: Duration) -> Self {
        self.remember_for = duration;
        self
    }

    /// Sets the deadline of each call to the store. Default: 2 seconds.
    pub fn store_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets the clock. Default: the system clock. The verifier has a clock of its own.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Sets the time in which the whole request body must be received. Default: 10 seconds.
    ///
    /// A request with a slower body is rejected with `408`.
    pub fn body_timeout(mut self, timeout: Duration) -> Self {
        self.body_limits.timeout = timeout;
        self
    }

    /// Builds the routes.
    ///
    /// # Errors
    ///
    /// - The verifier accepts other tokens than those of the profile
    ///   [`LogoutToken`](crate::token::TokenProfile::LogoutToken).
    /// - The path is empty, does not start with a slash, or contains other characters than letters,
    ///   digits and `/-._~`.
    /// - [`remember_for`](Self::remember_for) is less than one minute.
    /// - The [store deadline](Self::store_deadline) is zero.
    /// - The [body timeout](Self::body_timeout) is zero or more than 300 seconds.
    pub fn build(self) -> Result<BackChannelLogoutRoutes, ConfigError> {
        let Self { verifier, store, deadline, path, remember_for, clock, body_limits } = self;
        if !verifier.requires_logout_tokens() {
            return Err(ConfigError::ineffective(
                "`BackChannelLogoutRoutes` require a verifier with the profile `LogoutToken`",
            ));
        }
        if path.is_empty() {
            return Err(ConfigError::out_of_range("the path of a route must not be empty"));
        }
        check_base(&path)?;
        if remember_for < MIN_REMEMBER_FOR {
            return Err(ConfigError::out_of_range("`remember_for` must be at least one minute"));
        }
        check_deadline(deadline)?;
        body_limits.check()?;
        let store = store.with_deadline(deadline);
        let state = Arc::new(LogoutState { verifier, store, remember_for, clock, body_limits });
        Ok(BackChannelLogoutRoutes { state, path })
    }
}

impl fmt::Debug for BackChannelLogoutRoutesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackChannelLogoutRoutesBuilder")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}
