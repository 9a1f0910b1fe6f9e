use std::{error::Error, fmt, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};

use crate::token::{IssuerTemplate, KeySet, KeySource, Keys};

use super::{
    error::{FetchError, FetchErrorKind},
    location::Location,
    refresher::{Refresher, Trigger},
};

/// The keys of another issuer, fetched over HTTP. See the [module docs](super).
///
/// A cheap handle: its clones, and the verifiers built with it, share the keys and the fetches.
#[derive(Clone)]
pub struct RemoteKeys(Arc<RemoteSource>);

/// Shared by all handles. The background tasks hold the [`Refresher`] only, so that they end when
/// the last handle is dropped.
struct RemoteSource(Arc<Refresher>);

impl RemoteKeys {
    pub(super) fn new(refresher: Refresher) -> Self {
        let refresher = Arc::new(refresher);
        refresher.start();
        Self(Arc::new(RemoteSource(refresher)))
    }

    /// Fetches the keys now, or waits for the fetch that is in progress.
    ///
    /// Await it before serving to have keys for the first request, or call it from a webhook that
    /// announces a key change. It ignores the [cooldown](super::RemoteKeysBuilder::cooldown): do not
    /// let clients trigger it.
    ///
    /// # Errors
    ///
    /// When the keys could not be fetched. The current keys stay in use.
    pub async fn refresh(&self) -> Result<(), FetchError> {
        match self.0.0.begin(Trigger::Application) {
            Some(fetch) => fetch.await,
            None => Err(FetchErrorKind::Abandoned.into()),
        }
    }

    /// Returns the state of the keys, for health routes.
    #[must_use]
    pub fn status(&self) -> RemoteKeysStatus {
        let last = self.0.0.last_fetch();
        let (keys, skipped) = last.as_ref().map_or((0, 0), |(last, _)| (last.keys, last.skipped));
        RemoteKeysStatus {
            is_usable: self.0.is_usable(),
            keys,
            skipped,
            age: last.map(|(_, age)| age),
            refresh_in: self.0.0.due_in(),
            last_error: self.0.0.last_error().map(|error| error.kind()),
        }
    }
}

/// The state of [`RemoteKeys`] at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteKeysStatus {
    /// Whether the keys are used: a fetch has succeeded, and the last successful fetch is not older
    /// than [`max_stale`](super::RemoteKeysBuilder::max_stale).
    pub is_usable: bool,
    /// The number of keys.
    pub keys: usize,
    /// The number of keys in the last document that cannot be used. The log lists the reasons.
    pub skipped: usize,
    /// The time since the last successful fetch, in whole seconds; `None` before the first one.
    pub age: Option<Duration>,
    /// The time until the next fetch in the background, in whole seconds.
    pub refresh_in: Duration,
    /// Why the last fetch failed; `None` if it succeeded. The keys may be usable nonetheless.
    pub last_error: Option<FetchErrorKind>,
}

impl From<RemoteKeys> for KeySet {
    fn from(keys: RemoteKeys) -> Self {
        Self::fetched(Arc::clone(&keys.0.0.keys), keys.0)
    }
}

impl From<&RemoteKeys> for KeySet {
    fn from(keys: &RemoteKeys) -> Self {
        keys.clone().into()
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeys")
            .field("server", &self.0.0.fetcher.location.authority())
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl KeySource for RemoteSource {
    fn issuer(&self) -> Option<&str> {
        match &self.0.fetcher.location {
            Location::Issuer { issuer, .. } => Some(issuer),
            Location::JwkSet(_) | Location::Certificates(_) | Location::Tenants { .. } => None,
        }
    }

    fn issuer_template(&self) -> Option<&IssuerTemplate> {
        match &self.0.fetcher.location {
            Location::Tenants { template, .. } => Some(template),
            Location::JwkSet(_) | Location::Certificates(_) | Location::Issuer { .. } => None,
        }
    }

    fn accepts(&self, algorithm: &str) -> bool {
        let accepted = &self.0.fetcher.rules.algorithms;
        algorithm.parse().is_ok_and(|algorithm| accepted.contains(algorithm))
    }

    fn is_usable(&self) -> bool {
        self.0.is_usable()
    }

    fn last_error(&self) -> Option<Arc<dyn Error + Send + Sync>> {
        self.0.last_error().map(|error| Arc::new(error) as _)
    }

    fn fetch(&self, seen: &Arc<Keys>) -> Option<BoxFuture<'static, ()>> {
        self.0.begin(Trigger::Token { seen }).map(|fetch| fetch.map(drop).boxed())
    }
}

impl Drop for RemoteSource {
    fn drop(&mut self) {
        self.0.stop();
    }
}
