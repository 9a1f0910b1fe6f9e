//! What the store is for: logouts that the issuers report, and proofs that were used.

use std::time::Duration;

use axum::Router;
use tower_jwt_auth::{
    JwtAuthLayer, Verifier,
    possession::{Dpop, DpopBuilder},
    routes::BackChannelLogoutRoutes,
    store::{Purger, TokenStore},
};

use crate::store::{UseStore, with_store};

/// The longest lifetime of a token. A session that has ended is remembered until all its tokens have
/// expired.
pub(crate) const LONGEST_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// By how much the clock of an issuer may be ahead, which is the default of verifiers.
const CLOCK_SKEW: Duration = Duration::from_secs(60);

/// What needs the store, which is opened once.
pub(crate) struct Stateful {
    pub(crate) auth: JwtAuthLayer,
    /// Accepts the logout tokens of the issuers. Has `auth` reject the tokens of sessions that have
    /// ended.
    pub(crate) logout: Option<Verifier>,
    /// How `auth` accepts bound tokens.
    pub(crate) dpop: Option<DpopBuilder>,
}

pub(crate) struct Opened {
    pub(crate) auth: JwtAuthLayer,
    /// The route for the issuers.
    pub(crate) back_channel: Router,
    pub(crate) dpop: Option<Dpop>,
    /// Forgets old logouts and proofs.
    pub(crate) _purger: Option<Purger>,
}

impl Stateful {
    pub(crate) fn open(self) -> Result<Opened, String> {
        if self.logout.is_none() && self.dpop.is_none() {
            let back_channel = Router::new();
            return Ok(Opened { auth: self.auth, back_channel, dpop: None, _purger: None });
        }
        with_store(self)?
    }
}

impl UseStore for Stateful {
    type Output = Result<Opened, String>;

    fn use_store(self, store: impl TokenStore + Clone) -> Self::Output {
        let (mut auth, mut back_channel) = (self.auth, Router::new());
        if let Some(logout) = self.logout {
            auth = auth.with_revocation_check(store.clone());
            let routes = BackChannelLogoutRoutes::builder(logout, store.clone())
                .remember_for(LONGEST_LIFETIME + CLOCK_SKEW)
                .build();
            back_channel = routes.map_err(|error| format!("BACKCHANNEL: {error}"))?.into_router();
        }
        let dpop = self.dpop.map(|dpop| dpop.store(store.clone()).build()).transpose();
        let dpop = dpop.map_err(|error| format!("PUBLIC_URL: {error}"))?;
        if let Some(dpop) = &dpop {
            auth = auth.with_dpop(dpop.clone());
        }
        let _purger = Some(Purger::spawn(store, Duration::from_secs(60)));
        Ok(Opened { auth, back_channel, dpop, _purger })
    }
}
