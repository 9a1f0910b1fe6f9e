use std::{fmt, sync::Arc, time::Duration};

use crate::{clock::Clock, error::ConfigError, token::Algorithm};

use super::{
    client::TlsClient,
    core::Core,
    document::Accepted,
    fetch::Origin,
    http::{Fetcher, HttpClient},
    location::{Location, Safety},
    policy::Policy,
    remote::RemoteKeys,
};

/// Requests wait for as long, so it has a limit.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(30);

/// Sets up [`RemoteKeys`].
#[must_use]
pub struct RemoteKeysBuilder {
    from: From,
    safety: Safety,
    client: Option<Arc<dyn Fetcher>>,
    accepted: Accepted,
    policy: Policy,
    clock: Clock,
}

#[derive(Debug)]
enum From {
    Url(Box<str>),
    Issuer(Box<str>),
}

impl RemoteKeysBuilder {
    pub(super) fn from_url(url: Box<str>) -> Self {
        Self::new(From::Url(url))
    }

    pub(super) fn from_issuer(issuer: Box<str>) -> Self {
        Self::new(From::Issuer(issuer))
    }

    fn new(from: From) -> Self {
        Self {
            from,
            safety: Safety::Https,
            client: None,
            accepted: Accepted(None),
            policy: Policy::default(),
            clock: Clock::system(),
        }
    }

    /// Takes keys of these algorithms only. Default: all that take no shared secret.
    ///
    /// A key without `alg` is for the usual one of its type, if that is among them, else for the
    /// only one of its type.
    pub fn algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.accepted = Accepted(Some(algorithms.into_iter().collect()));
        self
    }

    /// Sets after how long, at the latest, keys are fetched again in the background, in whole
    /// seconds. Default: when they expire by the server's `Cache-Control`, but no sooner than after
    /// five minutes and no later than after a day; hourly where it says nothing.
    ///
    /// The moment is drawn from the last tenth of that time, so that copies of a service that were
    /// started together do not ask together. It comes sooner where keys would be
    /// [too old](Self::max_stale) before.
    pub fn refresh_every(mut self, interval: Duration) -> Self {
        self.policy.refresh_every = Some(interval);
        self
    }

    /// Sets for how long after a fetch that a token caused no other token causes one, in whole
    /// seconds. Default: 30 seconds.
    ///
    /// A key that the issuer begins to sign with right after such a fetch is unknown for as long.
    /// With zero, whoever sends tokens can have keys fetched without pause, though never twice at
    /// once.
    pub fn cooldown(mut self, cooldown: Duration) -> Self {
        self.policy.cooldown = cooldown;
        self
    }

    /// Sets for how long after the last good fetch keys are used, in whole seconds. Default: a day.
    ///
    /// The shorter, the sooner an outage of the key server becomes one of this service; the
    /// longer, the longer a key that was withdrawn during an outage is good.
    pub fn max_stale(mut self, limit: Duration) -> Self {
        self.policy.max_stale = limit;
        self
    }

    /// Sets how long a fetch may take in all, discovery included; at most 30 seconds.
    /// Default: 5 seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.policy.timeout = timeout;
        self
    }

    /// Sets the HTTP client. Default: one with rustls that trusts the certificate authorities of
    /// the machine, or Mozilla's where it has none, and uses no proxy.
    pub fn client(mut self, client: impl HttpClient) -> Self {
        self.client = Some(Arc::new(client));
        self
    }

    /// Lets keys come over plain HTTP from this machine. Default: `https` only.
    ///
    /// <div class="warning">
    ///
    /// Whoever can listen on the port first can sign tokens of the issuer. For tests.
    ///
    /// </div>
    pub fn insecure_loopback_http(mut self) -> Self {
        self.safety = Safety::HttpsOrLoopback;
        self
    }

    /// Sets the clock for cooldown, staleness and refreshes. Default: the system's.
    ///
    /// Deadlines are not taken from it, and the background task looks at it each second.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Builds the handle; within a Tokio runtime it begins to fetch, else with the first token.
    ///
    /// # Errors
    ///
    /// When the URL or issuer is malformed or not `https`, the list of algorithms is empty or has
    /// one that takes a shared secret, or a time is out of range.
    pub fn build(self) -> Result<RemoteKeys, ConfigError> {
        let Self { from, safety, client, accepted, policy, clock } = self;
        let location = match from {
            From::Url(url) => Location::url(&url, safety)?,
            From::Issuer(issuer) => Location::issuer(issuer, safety)?,
        };
        let algorithms = accepted.0.as_deref();
        if algorithms.is_some_and(<[_]>::is_empty) {
            return Err(ConfigError::ineffective("the list of accepted algorithms is empty"));
        }
        if algorithms.is_some_and(|list| list.iter().any(|algorithm| algorithm.is_symmetric())) {
            return Err(ConfigError::conflict("shared secrets are never fetched"));
        }
        let second = Duration::from_secs(1);
        if policy.max_stale < second || policy.refresh_every.is_some_and(|every| every < second) {
            return Err(ConfigError::out_of_range(
                "keys must be of use, and left alone, for at least a second",
            ));
        }
        if policy.timeout.is_zero() || policy.timeout > LONGEST_TIMEOUT {
            return Err(ConfigError::out_of_range(
                "a fetch may take up to 30 seconds, and needs some time",
            ));
        }
        let client = match client {
            Some(client) => client,
            None => Arc::new(TlsClient::new()?),
        };
        let origin = Origin { location, safety, client, accepted };
        Ok(RemoteKeys::new(Core::new(origin, policy, clock)))
    }
}

impl fmt::Debug for RemoteKeysBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeysBuilder").field("from", &self.from).finish_non_exhaustive()
    }
}
