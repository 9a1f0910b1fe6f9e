//! Logouts that the issuers report.

use std::time::Duration;

use axum::Router;
use tower_jwt_auth::{
    JwtAuthLayer, Verifier,
    routes::BackChannelLogoutRoutes,
    store::{Purger, TokenStore},
};

use crate::store::{UseStore, with_store};

/// The longest lifetime of a token. A session that has ended is remembered until all its tokens have
/// expired.
pub(crate) const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// By how much the clock of an issuer may be ahead, which is the default of verifiers.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// Has `auth` reject the tokens of sessions that have ended.
pub(crate) struct BackChannel {
    pub(crate) auth: JwtAuthLayer,
    /// Accepts the logout tokens of the issuers.
    pub(crate) logout: Verifier,
}

impl BackChannel {
    /// Returns the layer, the route for the issuers, and the task that forgets old logouts.
    pub(crate) fn open(self) -> Result<(JwtAuthLayer, Router, Purger), String> {
        with_store(self)?
    }
}

impl UseStore for BackChannel {
    type Output = Result<(JwtAuthLayer, Router, Purger), String>;

    fn use_store(self, store: impl TokenStore + Clone) -> Self::Output {
        let auth = self.auth.with_revocation_check(store.clone());
        let routes = BackChannelLogoutRoutes::builder(self.logout, store.clone())
            .remember_for(LONGEST_LIFETIME + CLOCK_SKEW)
            .build();
        let routes = routes.map_err(|error| format!("BACKCHANNEL: {error}"))?;
        let purger = Purger::spawn(store, Duration::from_secs(60));
        Ok((auth, routes.into_router(), purger))
    }
}
